// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct ResidentTests {
    @Test func allSessionsShareOne() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let first = try await mail.open(inbox)
        let second = try await test.store.mailStore(of: mail.account).open(inbox)
        #expect(first.shared === second.shared)
    }

    @Test func onlySoManyStayWhenNobodyHoldsThem() async throws {
        let test = try TestStore { $0.residentMailboxes = 2 }
        let mail = try await test.account()
        let mailboxes = try await mail.mailboxes()
        let held = try await mail.open(mailboxes[0].id)
        for mailbox in mailboxes { _ = try await mail.open(mailbox.id) }
        let isResident = mailboxes.map { test.store.residents.find($0.id) != nil }
        #expect(isResident == [true, false, false, false, true, true])
        try await mail.append(octets("x"), to: mailboxes[0].id)
        #expect(held.current?.count == 1)
    }

    @Test func recentIsClaimedOnce() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        #expect(try await mail.claimRecent(in: inbox) == 1)
        for number in 0..<3 { try await mail.append(octets("\(number)"), to: inbox) }
        let resident = try await mail.open(inbox)
        #expect(resident.current?.recentFrom == 1)
        let modSeq = resident.current?.highestModSeq
        #expect(try await mail.claimRecent(in: inbox) == 1)
        #expect(resident.current?.recentFrom == 4)
        #expect(resident.current?.highestModSeq == modSeq)
        #expect(try await mail.status(of: inbox).recent == 0)
        #expect(try await mail.claimRecent(in: inbox) == 4)
        try await mail.append(octets("more"), to: inbox)
        #expect(try await mail.claimRecent(in: inbox) == 4)
        try await test.verify()
    }

    /// Opening reads beside the writer; what is committed between that and the entry in the table must not be missed.
    @Test func openingWhileOthersWriteMissesNothing() async throws {
        let test = try TestStore { $0.residentMailboxes = 1 }
        let mail = try await test.account()
        let other = try #require(try await mail.mailbox(named: "Trash")).id
        let mailboxes = try await (0..<20).asyncMap {
            try await mail.createMailbox(named: "m\($0)", specialUse: nil).id
        }
        let message = NewMessage(try await mail.staged(octets("x")), internalDate: .init(time: test.clock.now))
        try await withThrowingTaskGroup(of: ResidentMailbox?.self) { group in
            for mailbox in mailboxes {
                group.addTask {
                    for _ in 0..<10 {
                        _ = try await mail.append([message], to: mailbox)
                        _ = try await mail.expunge(nil, in: mailbox)
                    }
                    return nil
                }
                group.addTask {
                    for _ in 0..<10 { await Task.yield() }
                    _ = try await mail.open(other)
                    return try await mail.open(mailbox)
                }
                group.addTask {
                    _ = try await mail.changeFlags(
                        of: [1, 3],
                        in: mailbox,
                        FlagChange(.add, FlagSet(system: .deleted, keywords: ["k"])),
                        unchangedSince: nil
                    )
                    return try await mail.open(mailbox)
                }
            }
            var held: [ResidentMailbox] = []
            for try await resident in group { if let resident { held.append(resident) } }
            #expect(held.count == 40)
            for resident in held {
                let stored = try await test.store.stored(resident.id)
                #expect(IndexContents(try #require(resident.current)) == IndexContents(stored))
            }
        }
        try await test.verify()
    }

    /// The same without luck: a change lands between the reading and the look of the writer.
    @Test func aChangeBetweenReadingAndLookingIsSeen() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("0"), to: inbox, flags: .deleted)
        // While the writer is held, opening reads; its look then comes after the expunge that waits before it.
        let (expunged, resident) = try await WriterTests.whenWaiting(2, test) {
            async let expunged = mail.expunge(nil, in: inbox)
            while test.store.figures.waiting < 1 { await Task.yield() }
            async let resident = mail.open(inbox)
            return try await (expunged, resident)
        }
        #expect(expunged == [1])
        #expect(IndexContents(try #require(resident.current)) == IndexContents(try await test.store.stored(inbox)))
        try await mail.append(octets("1"), to: inbox)
        #expect(resident.current?.uids() == [2])
    }
}

extension Sequence {
    func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
