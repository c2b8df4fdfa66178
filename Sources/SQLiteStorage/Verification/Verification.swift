// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQLiteStore {
    /// Checks everything that must be true of a store, in one transaction that only reads.
    ///
    /// `progress` is called with how much has been checked, of how much. Returns what is wrong in words, for the
    /// operator, at most ``Verification/limit`` findings; nothing if all is well. If the search index is wrong, it is not
    /// asked any more and ``index()`` makes it anew.
    package func verify(progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void) async throws -> [String] {
        let (problems, isIndexWrong) = try await self.read { sql in
            var verification = try Verification(sql, progress: progress)
            try verification.run()
            return (verification.problems, verification.isIndexWrong)
        }
        if isIndexWrong { self.indexing.damaged() }
        return problems
    }
}

/// One run of ``SQLiteStore/verify(progress:)``.
struct Verification {
    static let limit = 1000

    let sql: SQL
    private(set) var problems: [String] = []
    var isIndexWrong = false
    private let progress: @Sendable (Int, Int) -> Void
    private let total: Int
    private var done = 0

    init(_ sql: SQL, progress: @escaping @Sendable (Int, Int) -> Void) throws {
        self.sql = sql
        self.progress = progress
        let mailboxes = try sql.number("SELECT count(*) FROM mailbox WHERE name IS NOT NULL")
        let blobs = try sql.number("SELECT count(*) FROM blob WHERE sha256 IS NOT NULL")
        self.total = Rule.all.count + 3 + Int(mailboxes) + Int(blobs)
    }

    mutating func run() throws {
        try self.checkFile()
        for rule in Rule.all {
            let found = try self.sql.all(rule.violations) { $0.text(0) }
            for key in found { self.note("\(key): \(rule.truth)") }
            self.advance()
        }
        try self.checkMailboxes()
        try self.checkBlobs()
        try self.checkSearchIndex()
    }

    mutating func note(_ problem: String) {
        if self.problems.count < Self.limit { self.problems.append(problem) }
    }

    mutating func advance() {
        self.done += 1
        self.progress(self.done, self.total)
    }

    private mutating func checkFile() throws {
        for problem in try self.sql.all("PRAGMA integrity_check", read: { $0.text(0) }) where problem != "ok" {
            self.note("file: \(problem)")
        }
        self.advance()
        for table in try self.sql.all("PRAGMA foreign_key_check", read: { $0.text(0) }) {
            self.note("table \(table): every reference is to a row that is there")
        }
        self.advance()
    }
}
