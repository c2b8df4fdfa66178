// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct SQLiteStageTests {
    @Test func refusesMoreThanAnnounced() async throws {
        let test = try TestStore()
        var stage = test.store.stage(limit: 10)
        try await stage.append([1, 2, 3][...])
        await #expect(throws: StoreError.notPermitted("the message is longer than announced")) {
            try await stage.append([UInt8](repeating: 0, count: 8)[...])
        }
        #expect(stage.size == 3)
    }

    @Test func smallOnesTouchNoFile() async throws {
        let test = try TestStore()
        let staged = try await test.store.staged([UInt8](repeating: 7, count: Chunk.size))
        if case .octets(let octets) = staged.content { #expect(octets.count == Chunk.size) } else { Issue.record() }
        #expect(try await test.number("SELECT count(*) FROM blob") == 0)
    }

    @Test func abandonedOctetsGo() async throws {
        let test = try TestStore()
        var stage = test.store.stage(limit: 5 << 20)
        try await stage.append([UInt8](repeating: 1, count: 2 << 20)[...])
        #expect(try await test.number("SELECT count(*) FROM chunk") > 0)
        await stage.abandon()
        try await test.store.maintain()
        #expect(try await test.number("SELECT count(*) FROM chunk") == 0)
        #expect(try await test.number("SELECT count(*) FROM blob") == 0)
    }

    /// Dropped in the middle, or finished and not used: the deadline clears them away, not before.
    @Test func forgottenOctetsGoLater() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let large = octets("large", size: 1 << 20)
        let staged = try await mail.staged(large)
        do {
            var stage = test.store.stage(limit: 5 << 20)
            try await stage.append([UInt8](repeating: 1, count: 2 << 20)[...])
        }
        test.clock.advance(by: 1800)
        try await test.store.maintain()
        #expect(try await test.number("SELECT count(*) FROM blob") == 2)
        test.clock.advance(by: 1801)
        await #expect(throws: StoreError.unavailable) {
            try await mail.append(
                [NewMessage(staged, internalDate: MessageDate(time: test.clock.now))],
                to: try await mail.inbox.id
            )
        }
        try await test.store.maintain()
        #expect(try await test.number("SELECT count(*) FROM blob") == 0)
        #expect(try await test.number("SELECT count(*) FROM chunk") == 0)
    }

    @Test func aRestartClearsStagesAway() async throws {
        let test = try TestStore()
        _ = try await test.store.staged([UInt8](repeating: 1, count: 2 << 20))
        try await test.store.close()
        let store = try SQLiteStore(path: test.path)
        try await store.maintain()
        #expect(try await store.read { try $0.number("SELECT count(*) FROM chunk") } == 0)
        try await store.close()
    }

    @Test func aStagedMessageServesTwice() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let message = NewMessage(
            try await mail.staged(octets("twice", size: 1 << 20)),
            internalDate: MessageDate(time: test.clock.now)
        )
        for name in ["INBOX", "Archive"] {
            let mailbox = try #require(try await mail.mailbox(named: name))
            _ = try await mail.append([message], to: mailbox.id)
        }
        #expect(try await test.number("SELECT refs FROM blob") == 2)
        try await test.verify()
    }
}

/// What comes before a message but is known only at its end.
@Suite struct StageFrontTests {
    private static let front = octets("front")

    private func stage(
        _ message: [UInt8],
        front: [UInt8],
        in store: SQLiteStore,
        moved: Bool = false
    ) async throws -> StagedMessage {
        var stage = store.stage(limit: message.count, front: 1000)
        for start in stride(from: 0, to: message.count, by: 60_000) {
            try await stage.append(message[start..<min(start + 60_000, message.count)])
        }
        if moved { try await stage.moveToStore() }
        return try await stage.finish(front: front)
    }

    /// Around what fits in memory, in a chunk, and in one write.
    private static let sizes = [
        1000, Chunk.size - 5, Chunk.size, Chunk.size + 1, 4 * Chunk.size, 4 * Chunk.size + 1, 6 * Chunk.size + 17,
    ]

    @Test(arguments: sizes, [false, true]) func isAtTheFront(size: Int, moved: Bool) async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let front = Array("Return-Path: <>\r\nX-Verdict: good\r\n".utf8)
        let message = octets("findme", size: size)
        let whole = front + message
        let staged = try await self.stage(message, front: front, in: test.store, moved: moved)
        #expect(staged.size == whole.count)
        #expect(staged.digest == SHA256.hash(whole))
        #expect(staged.summary == MessageSummary(parsing: whole))
        let new = NewMessage(staged, internalDate: MessageDate(time: test.clock.now))
        let uid = try #require(try await mail.append([new], to: inbox).uids.first)
        let stored = try #require(try await mail.messages([uid], in: inbox, including: MessageParts()).first)
        #expect(try await mail.content(stored.blob, size: whole.count) == whole)
        // From places around the seams.
        for start in [1, front.count - 1, front.count, Chunk.size, front.count + Chunk.size, whole.count - 1]
        where start < whole.count {
            let octets = try await mail.octets(of: stored.blob, in: start..<whole.count)
            #expect(!octets.isEmpty && whole[start...].starts(with: octets))
        }
        #expect(try await mail.octets(of: stored.blob, in: whole.count..<whole.count + 1).isEmpty)
        // The same octets in one piece are the same blob.
        try await mail.append(whole, to: inbox)
        #expect(try await test.number("SELECT count(*) FROM blob WHERE sha256 IS NOT NULL") == 1)
        try await test.store.index()
        try await test.verify()
    }

    @Test func mustBeAsAnnounced() async throws {
        let test = try TestStore()
        let error = StoreError.notPermitted("what comes before the message is not as announced")
        await #expect(throws: error) { try await self.stage(octets("a"), front: [], in: test.store) }
        let long = [UInt8](repeating: 0x61, count: 1001)
        await #expect(throws: error) { try await self.stage(octets("a"), front: long, in: test.store) }
        await #expect(throws: error) {
            var stage = test.store.stage(limit: 10)
            _ = try await stage.finish(front: [0x61])
        }
    }

    @Test func whatWaitedTooLongIsNotFinished() async throws {
        let test = try TestStore()
        var stage = test.store.stage(limit: 5 << 20, front: 1000)
        try await stage.append([UInt8](repeating: 1, count: 2 << 20)[...])
        test.clock.advance(by: 7201)
        try await test.store.maintain()
        await #expect(throws: StoreError.unavailable) { _ = try await stage.finish(front: Self.front) }
    }
}
