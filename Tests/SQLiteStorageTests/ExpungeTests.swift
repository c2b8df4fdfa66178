// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct ExpungeTests {
    @Test func onlyWhatIsDeletedAndNamed() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        for number in 0..<5 {
            try await mail.append(octets("\(number)"), to: inbox, flags: number == 1 ? [] : .deleted)
        }
        #expect(try await mail.expunge([2, 3, 99], in: inbox) == [3])
        #expect(try await mail.expunge(nil, in: inbox) == [1, 4, 5])
        #expect(try await mail.expunge(nil, in: inbox) == [])
        let status = try await mail.status(of: inbox)
        #expect(status.messages == 1)
        #expect(status.deleted == 0)
        #expect(status.uidNext == 6)
        #expect(try await mail.append(octets("next"), to: inbox) == 6, "UIDs are never used again")
        try await test.verify()
    }

    /// A session that has not yet been told may still be sending the octets.
    @Test func octetsStayForAWhile() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let text = octets("soon gone", size: 600_000)
        let uid = try await mail.append(text, to: inbox, flags: .deleted)
        let blob = try #require(try await mail.messages([uid], in: inbox, including: MessageParts()).first).blob
        _ = try await mail.expunge(nil, in: inbox)
        try await test.store.maintain()
        #expect(try await mail.content(blob, size: 600_000) == text)
        test.clock.advance(by: 1801)
        try await test.store.maintain()
        await #expect(throws: StoreError.expunged) { try await mail.octets(of: blob, in: 0..<10) }
        await #expect(throws: StoreError.expunged) { try await mail.octets(of: blob, in: 599_000..<600_000) }
        #expect(try await test.number("SELECT count(*) FROM chunk") == 0)
        #expect(try await test.number("SELECT count(*) FROM blob_summary") == 0)
        // The same octets again are another blob.
        try await mail.append(text, to: inbox)
        try await test.verify()
    }

    @Test func octetsThatComeBackInTimeAreKept() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("back"), to: inbox, flags: .deleted)
        _ = try await mail.expunge(nil, in: inbox)
        try await mail.append(octets("back"), to: inbox)
        test.clock.advance(by: 10_000)
        try await test.store.maintain()
        #expect(
            try await mail.messages([2], in: inbox, including: MessageParts(contentUpTo: 99)).first?.content
                == octets("back")
        )
        try await test.verify()
    }

    /// A large message goes in steps, and cannot be found once they have begun.
    @Test func largeOctetsGoInSteps() async throws {
        let test = try TestStore { $0.retention = 0 }
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("large", size: 12 << 20), to: inbox, flags: .deleted)
        let before = test.store.figures.commits
        _ = try await mail.expunge(nil, in: inbox)
        while try await test.number("SELECT count(*) FROM blob") > 0 { await Task.yield() }
        #expect(test.store.figures.commits - before >= 4)
        #expect(try await test.number("SELECT count(*) FROM chunk") == 0)
    }
}
