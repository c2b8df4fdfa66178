// SPDX-License-Identifier: Apache-2.0

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
