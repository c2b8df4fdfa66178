// SPDX-License-Identifier: Apache-2.0

import Foundation
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct SQLiteStoreTests {
    @Test func whatWasAnsweredIsThereAfterReopening() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox
        let uid = try await mail.append(octets("one"), to: inbox.id, flags: .flagged, keywords: ["$Label1"])
        try await test.store.close()
        let store = try SQLiteStore(path: test.path)
        let again = store.mailStore(of: mail.account)
        #expect(try await again.mailboxes().first == inbox)
        let index = try #require(try await again.open(inbox.id).current)
        #expect(index[uid]?.flags == .flagged)
        #expect(index.keywordNames(index[uid]?.keywords ?? 0) == ["$Label1"])
        #expect(
            try await again.messages([uid], in: inbox.id, including: MessageParts(contentUpTo: 100)).first?.content
                == octets("one")
        )
        try await store.close()
    }

    @Test func onlyOneProcessHasIt() async throws {
        let test = try TestStore()
        #expect(throws: StoreError.inUse) { try SQLiteStore(path: test.path) }
        try await test.store.close()
        let store = try SQLiteStore(path: test.path)
        try await store.close()
    }

    @Test func closedStoreSaysUnavailable() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        try await test.store.close()
        await #expect(throws: StoreError.unavailable) { try await mail.createMailbox(named: "A", specialUse: nil) }
        await #expect(throws: StoreError.unavailable) { try await mail.mailboxes() }
    }

    @Test func readingStopsWhenItsTaskIsCancelled() async throws {
        let test = try TestStore()
        let begun = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await test.store.read { sql in
                begun.continuation.finish()
                return try sql.number(
                    """
                    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                    SELECT count(*) FROM n WHERE i < 0
                    """
                )
            }
        }
        for await _ in begun.stream {}
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(try await test.number("SELECT 7") == 7)
    }

    @Test func closingEmptiesTheLog() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        try await mail.append(octets("one", size: 100_000), to: try await mail.inbox.id)
        try await test.store.close()
        let log = try? FileManager.default.attributesOfItem(atPath: test.path + "-wal")[.size] as? Int
        #expect((log ?? 0) == 0)
    }

    @Test func onlyTheOwnerCanReadTheFiles() async throws {
        let test = try TestStore()
        _ = try await test.account()
        for suffix in ["", "-wal", "-shm", ".lock"] {
            let mode = try FileManager.default.attributesOfItem(atPath: test.path + suffix)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(suffix)")
        }
        let mode = try FileManager.default.attributesOfItem(atPath: test.folder.path)[.posixPermissions] as? Int
        #expect(mode == 0o700)
    }

    /// The WAL-reset bug: only one connection may write and checkpoint.
    @Test func onlyTheWriterWritesAndCheckpoints() async throws {
        let test = try TestStore()
        @Sendable func pragmas(_ sql: SQL) throws -> [String: Int64] {
            var values: [String: Int64] = [:]
            for name in [
                "synchronous", "query_only", "wal_autocheckpoint", "foreign_keys", "secure_delete", "mmap_size",
                "page_size", "temp_store",
            ] { values[name] = try sql.number("PRAGMA \(name)") }
            return values
        }
        let writer = try await test.store.between(pragmas)
        let reader = try await test.store.read(pragmas)
        #expect(writer["synchronous"] == 2)
        #expect(writer["query_only"] == 0)
        #expect(writer["wal_autocheckpoint"] == 2048)
        #expect(writer["foreign_keys"] == 1)
        #expect(writer["secure_delete"] == 2)
        #expect(writer["mmap_size"] == 0)
        #expect(writer["page_size"] == 8192)
        #expect(writer["temp_store"] == 2)
        #expect(reader["query_only"] == 1)
        #expect(reader["wal_autocheckpoint"] == 0)
        #expect(reader["mmap_size"] == 0)
        await #expect(throws: (any Error).self) {
            try await test.store.read { try $0.run("INSERT INTO domain (name) VALUES ('x')") }
        }
    }

    /// What the files hold at any moment opens, has all that was answered, and holds together.
    @Test func copiesTakenMidwayOpen() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        var copies: [(URL, Int)] = []
        for round in 1...6 {
            for number in 0..<20 { try await mail.append(octets("\(round) \(number)", size: 3000), to: inbox) }
            _ = try await mail.changeFlags(
                of: [UID(rawValue: UInt32(round))],
                in: inbox,
                FlagChange(.add, FlagSet(system: .deleted)),
                unchangedSince: nil
            )
            if round == 4 { _ = try await mail.expunge(nil, in: inbox) }
            // A stage that nobody finishes.
            var stage = mail.stage(limit: 1 << 20)
            try await stage.append([UInt8](repeating: 65, count: 400_000)[...])
            let folder = test.folder.appendingPathComponent("copy\(round)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(
                    atPath: test.path + suffix,
                    toPath: folder.path + "/mail.sqlite" + suffix
                )
            }
            copies.append((folder, try await mail.status(of: inbox).messages))
        }
        for (folder, messages) in copies {
            let copy = try TestStore(in: folder)
            #expect(try await copy.store.mailStore(of: mail.account).status(of: inbox).messages == messages)
            try await copy.store.maintain()
            #expect(try await copy.number("SELECT count(*) FROM blob WHERE refs = 0 AND sha256 IS NULL") == 0)
            try await copy.verify()
        }
    }
}
