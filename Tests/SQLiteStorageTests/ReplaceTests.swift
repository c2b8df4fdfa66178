// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// RFC 8508 §3.4: APPEND and EXPUNGE in one step.
@Suite struct ReplaceTests {
    private static let date = MessageDate(time: UnixTime(rawValue: 1_234_567_890), zoneOffsetMinutes: 60)

    @Test func oneTransactionAddsAndRemoves() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("a", size: 100), to: inbox)
        try await mail.append(octets("b", size: 200), to: inbox)
        let before = try await mail.status(of: inbox)
        let new = NewMessage(try await mail.staged(octets("c", size: 400)), internalDate: Self.date)
        let receipt = try await mail.replace(1, in: inbox, with: new, in: inbox)
        #expect(receipt.uids == [3])
        let status = try await mail.status(of: inbox)
        #expect(status.messages == 2)
        #expect(status.size == 600)
        #expect(status.highestModSeq.rawValue == before.highestModSeq.rawValue + 1)
        #expect(try await mail.open(inbox).current?.uids() == [2, 3])
        try await test.verify()
    }

    @Test func theOtherMailboxMayBeTheTarget() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let other = try await mail.createMailbox(named: "Other", specialUse: nil).id
        try await mail.append(octets("a", size: 100), to: inbox)
        // The same octets: they must not lose their last reference.
        let new = NewMessage(try await mail.staged(octets("a", size: 100)), internalDate: Self.date)
        _ = try await mail.replace(1, in: inbox, with: new, in: other)
        #expect(try await mail.status(of: inbox).messages == 0)
        let parts = MessageParts(contentUpTo: 1000, digest: true)
        let message = try #require(try await mail.messages([1], in: other, including: parts).first)
        #expect(message.content == octets("a", size: 100))
        #expect(message.digest == new.message.digest)
        try await test.verify()
    }

    @Test func withoutTheMessageNothingIsAdded() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("a", size: 100), to: inbox)
        let new = NewMessage(try await mail.staged(octets("b", size: 100)), internalDate: Self.date)
        await #expect(throws: StoreError.expunged) { try await mail.replace(9, in: inbox, with: new, in: inbox) }
        let status = try await mail.status(of: inbox)
        #expect(status.messages == 1)
        #expect(status.uidNext == 2)
        try await test.verify()
    }

    @Test func withoutTheTargetNothingIsRemoved() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("a", size: 100), to: inbox)
        let new = NewMessage(try await mail.staged(octets("b", size: 100)), internalDate: Self.date)
        await #expect(throws: StoreError.noSuchMailbox) {
            try await mail.replace(1, in: inbox, with: new, in: MailboxID(rawValue: 999_999))
        }
        #expect(try await mail.status(of: inbox).messages == 1)
        try await test.verify()
    }

    @Test func aMessageThatWaitsIsNotInMemory() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        var stage = mail.stage(limit: 1000)
        try await stage.append(octets("small", size: 500)[...])
        try await stage.moveToStore()
        await #expect(throws: StoreError.self) { try await stage.append([1]) }
        let staged = try await stage.finish()
        guard case .blob = staged.content else {
            Issue.record("expected it in the store")
            return
        }
        _ = try await mail.append([NewMessage(staged, internalDate: Self.date)], to: inbox)
        // Giving it up is too late then.
        await stage.abandon()
        let message = try #require(
            try await mail.messages([1], in: inbox, including: MessageParts(contentUpTo: 1000)).first
        )
        #expect(message.content == octets("small", size: 500))
        try await test.verify()
    }
}
