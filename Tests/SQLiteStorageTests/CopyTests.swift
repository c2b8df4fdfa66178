// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct CopyTests {
    @Test func keepsFlagsAndDates() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let (inbox, archive) = (try await mail.inbox.id, try #require(try await mail.mailbox(named: "Archive")))
        try await mail.append(octets("other"), to: archive.id, keywords: ["b", "a"])
        try await mail.append(octets("one"), to: inbox, flags: .flagged, keywords: ["a"])
        try await mail.append(octets("two"), to: inbox, keywords: ["b", "c"])
        test.clock.advance(by: 50)
        let receipt = try await mail.copy([7, 2, 1], from: inbox, to: archive.id)
        #expect(receipt == CopyReceipt(uidValidity: archive.uidValidity, source: [1, 2], target: [2, 3]))
        let index = try #require(try await mail.open(archive.id).current)
        #expect(index[2]?.flags == .flagged)
        #expect(index.keywordNames(index[2]?.keywords ?? 0) == ["a"])
        #expect(index.keywordNames(index[3]?.keywords ?? 0) == ["b", "c"])
        let parts = MessageParts(contentUpTo: 100)
        let (original, copy) = (
            try #require(try await mail.messages([1], in: inbox, including: parts).first),
            try #require(try await mail.messages([2], in: archive.id, including: parts).first)
        )
        #expect(copy.internalDate == original.internalDate)
        #expect(copy.blob == original.blob)
        #expect(copy.content == original.content)
        #expect(copy.saveDate == test.clock.now)
        #expect(original.saveDate < copy.saveDate)
        try await test.verify()
    }

    @Test func withGapsAndOfTheSameOctets() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let (inbox, archive) = (try await mail.inbox.id, try #require(try await mail.mailbox(named: "Archive")).id)
        for number in 0..<9 { try await mail.append(octets("\(number % 3)", size: 100 + number % 3), to: inbox) }
        _ = try await mail.changeFlags(
            of: [4, 5],
            in: inbox,
            FlagChange(.add, FlagSet(system: .deleted)),
            unchangedSince: nil
        )
        _ = try await mail.expunge(nil, in: inbox)
        let receipt = try await mail.copy((1...12).map { UID(rawValue: $0) }, from: inbox, to: archive)
        #expect(receipt.source == [1, 2, 3, 6, 7, 8, 9])
        #expect(receipt.target == [1, 2, 3, 4, 5, 6, 7])
        let parts = MessageParts(contentUpTo: 1000)
        let originals = try await mail.messages(receipt.source, in: inbox, including: parts)
        let copies = try await mail.messages(receipt.target, in: archive, including: parts)
        #expect(copies.map(\.content) == originals.map(\.content))
        #expect(copies.map(\.size) == [100, 101, 102, 102, 100, 101, 102])
        #expect(try await mail.status(of: archive).size == 708)
        #expect(try await test.number("SELECT sum(refs) FROM blob") == 14)
        try await test.verify()
    }

    @Test func ofManyOntoThemselves() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let resident = try await mail.open(inbox)
        for number in 0..<3 { try await mail.append(octets("\(number)"), to: inbox, flags: number == 1 ? .seen : []) }
        for round in 0..<9 {
            let uids = (1...UInt32(3 << round)).map(UID.init(rawValue:))
            #expect(try await mail.copy(uids, from: inbox, to: inbox).target.count == uids.count)
        }
        #expect(resident.current?.uids() == Array(1...UInt32(3 << 9)))
        #expect(try await test.number("SELECT min(refs) + max(refs) FROM blob") == 1024)
        #expect(IndexContents(try #require(resident.current)) == IndexContents(try await test.store.stored(inbox)))
        try await test.verify()
    }

    @Test func toItself() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let resident = try await mail.open(inbox)
        for number in 0..<2 { try await mail.append(octets("\(number)"), to: inbox) }
        #expect(try await mail.copy([1, 2], from: inbox, to: inbox).target == [3, 4])
        #expect(resident.current?.uids() == [1, 2, 3, 4])
        #expect(try await mail.move([1, 4], from: inbox, to: inbox).target == [5, 6])
        #expect(resident.current?.uids() == [2, 3, 5, 6])
        #expect(IndexContents(try #require(resident.current)) == IndexContents(try await test.store.stored(inbox)))
        try await test.verify()
    }

    @Test func nothingThereChangesNothing() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let (inbox, archive) = (try await mail.inbox.id, try #require(try await mail.mailbox(named: "Archive")))
        let before = try await mail.status(of: archive.id)
        let receipt = try await mail.move([1, 2], from: inbox, to: archive.id)
        #expect(receipt == CopyReceipt(uidValidity: archive.uidValidity, source: [], target: []))
        #expect(try await mail.status(of: archive.id) == before)
        await #expect(throws: StoreError.noSuchMailbox) {
            try await mail.copy([1], from: inbox, to: MailboxID(rawValue: 999))
        }
    }

    @Test func moveTakesAway() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let (inbox, archive) = (try await mail.inbox.id, try #require(try await mail.mailbox(named: "Archive")).id)
        for number in 0..<5 { try await mail.append(octets("\(number)"), to: inbox) }
        let receipt = try await mail.move([2, 3, 5], from: inbox, to: archive)
        #expect(receipt.source == [2, 3, 5])
        #expect(receipt.target == [1, 2, 3])
        #expect(try await mail.open(inbox).current?.uids() == [1, 4])
        #expect(try await test.number("SELECT count(*) FROM gone") == 2)
        #expect(try await test.number("SELECT count(*) FROM blob WHERE refs = 1") == 5)
        #expect(try await mail.status(of: inbox).highestModSeq == mail.status(of: archive).highestModSeq)
        try await test.verify()
    }
}
