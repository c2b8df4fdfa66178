// SPDX-License-Identifier: Apache-2.0

import GRDB
import MailMessage
import MailStorage

/// A mail store in one SQLite file: accounts, their mail, and the queue.
///
/// Everything that writes goes through ``write(cost:_:)`` (see ``Writer``); everything that reads, through
/// ``read(_:)`` in a transaction of its own. Both run on the store's own threads and never block a task's.
package final class SQLiteStore: Sendable {
    package let feed = ChangeFeed()
    let options: StoreOptions
    let residents: ResidentTable
    let indexing = SearchIndexing()
    let learning = JunkLearning()
    private let lock: StoreLock
    private let pool: DatabasePool
    private let writer: Writer

    /// Opens the store at `path`, making it (and its folder) if there is none, and brings its schema up to date.
    ///
    /// Throws ``StoreError/inUse`` if another process has it open, ``StoreError/newerSchema(_:)`` and
    /// ``StoreError/corrupt(_:)`` without having touched the file, and any other error when the machine fails.
    package init(path: String, options: StoreOptions = StoreOptions()) throws {
        self.options = options
        self.residents = ResidentTable(keeping: options.residentMailboxes)
        do {
            try StoreFile.prepare(path: path)
            self.lock = try StoreLock(path: path + ".lock")
            try Connections.check(path: path)
            self.pool = try Connections.open(path: path, options: options)
            self.writer = Writer(
                self.pool,
                residents: self.residents,
                feed: self.feed,
                indexing: self.indexing,
                learning: self.learning,
                options: options
            )
            try self.pool.writeWithoutTransaction { database in
                let sql = SQL(database)
                try Schema.migrate(sql)
                try Erasure.begin(sql)
                try self.learning.load(sql)
            }
        } catch {
            throw StoreError.of(error)
        }
        self.writer.erase()
    }

    /// Runs what waits, empties the write-ahead log, closes the file and lets other processes have it.
    ///
    /// Operations begun after it throw ``StoreError/unavailable``.
    package func close() async throws {
        try await self.writer.between { sql in try sql.run("PRAGMA wal_checkpoint(TRUNCATE)") }
        self.writer.close()
        self.indexing.end()
        self.learning.end()
        try self.pool.close()
        self.lock.release()
    }

    /// How the writer is doing, for metrics.
    package var figures: WriterFigures { self.writer.figures }

    /// Whether reading and writing go on; the answer comes when they do.
    package func isResponding() async -> Bool {
        do {
            try await self.writer.between { _ in }
            try await self.read { _ in }
            return true
        } catch {
            return false
        }
    }

    package func mailStore(of account: AccountID) -> any MailStore { AccountStore(account: account, store: self) }

    /// Begins a message; `front` may be as long as a chunk.
    package func stage(limit: Int, front: Int) -> any MessageStage { SQLiteStage(self, limit: limit, front: front) }

    /// Runs `body` as one transaction, committed together with what else waits.
    ///
    /// `cost`: octets it writes, roughly.
    func write<Value: Sendable>(
        cost: Int = 0,
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await self.writer.write(cost: cost, body)
    }

    /// Runs `body` in a transaction that only reads and sees everything that was answered before.
    func read<Value: Sendable>(_ body: @escaping @Sendable (SQL) throws -> Value) async throws -> Value {
        do {
            return try await self.pool.read { database in try body(SQL(database)) }
        } catch {
            throw StoreError.of(error)
        }
    }

    /// Runs `body` on the writer's connection between two groups of transactions.
    func between<Value: Sendable>(_ body: @escaping @Sendable (SQL) throws -> Value) async throws -> Value {
        try await self.writer.between(body)
    }
}
