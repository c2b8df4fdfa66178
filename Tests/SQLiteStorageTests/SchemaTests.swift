// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct SchemaTests {
    private static let dump =
        "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name"

    /// schema.sql is what reviewers read; it must be what the migrations make.
    @Test func isAsWritten() throws {
        let url = try #require(Bundle.module.url(forResource: "schema", withExtension: "sql"))
        let (written, made) = (try DatabaseQueue(), try DatabaseQueue())
        try written.inDatabase { try $0.execute(sql: String(contentsOf: url, encoding: .utf8)) }
        try made.inDatabase { try Schema.migrate(SQL($0)) }
        let expected = try written.read { try String.fetchAll($0, sql: Self.dump) }
        let actual = try made.read { try String.fetchAll($0, sql: Self.dump) }
        #expect(actual == expected)
        #expect(!actual.isEmpty)
    }

    @Test func newerSchemaIsRefusedUntouched() async throws {
        let test = try TestStore()
        _ = try await test.account()
        try await test.store.between { try $0.run("PRAGMA user_version = 99") }
        try await test.store.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: test.path))
        #expect(throws: StoreError.newerSchema(99)) { try SQLiteStore(path: test.path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: test.path)) == before)
        // And it can be tried again: the refusal left no lock.
        #expect(throws: StoreError.newerSchema(99)) { try SQLiteStore(path: test.path) }
    }

    @Test func anotherProgramsFileIsRefusedUntouched() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "letterhouse-store-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("other.sqlite").path
        let other = try DatabaseQueue(path: path)
        try other.inDatabase { try $0.execute(sql: "CREATE TABLE t (a)") }
        try other.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(throws: StoreError.corrupt("the file is not a mail store")) { try SQLiteStore(path: path) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
    }

    @Test func aTextFileIsRefused() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "letterhouse-store-\(UUID().uuidString)"
        )
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("text")
        try Data(String(repeating: "not a database\n", count: 1000).utf8).write(to: file)
        #expect(throws: StoreError.self) { try SQLiteStore(path: file.path) }
    }
}
