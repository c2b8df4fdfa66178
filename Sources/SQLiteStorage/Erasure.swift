// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// Erases what was given up, in steps that keep nobody waiting: deleted mailboxes, removed accounts, and octets that
/// nothing refers to.
enum Erasure {
    private static let messagesPerStep = 1000
    private static let blobsPerStep = 500
    /// 4 MiB.
    private static let chunksPerStep = 16

    /// At the start: what was staged when the process ended will never be used.
    static func begin(_ sql: SQL) throws {
        try sql.run("UPDATE blob SET erase_after = 0 WHERE sha256 IS NULL AND refs = 0 AND erase_after <> 0")
    }

    /// Erases a little.
    ///
    /// Returns whether there may be more that is due.
    static func step(_ transaction: Transaction) throws -> Bool {
        if let mailbox = try self.next("SELECT id FROM mailbox WHERE name IS NULL LIMIT 1", transaction.sql) {
            try self.erase(MailboxID(rawValue: mailbox), transaction)
            return true
        }
        let account = try self.next(
            "SELECT id FROM account WHERE domain IS NULL AND id NOT IN (SELECT account FROM mailbox) LIMIT 1",
            transaction.sql
        )
        if let account {
            if try transaction.eraseJunkTokens(of: AccountID(rawValue: account)) { return true }
            // Whatever was noted for it since it was removed: nothing may keep its row, for that would keep everything.
            try transaction.removeService(of: AccountID(rawValue: account))
            try transaction.removeJunkLessons(of: AccountID(rawValue: account))
            try transaction.sql.run("DELETE FROM account WHERE id = ?", .int(account))
            return true
        }
        return try self.eraseBlobs(transaction)
    }

    private static func next(_ text: String, _ sql: SQL) throws -> Int64? { try sql.first(text) { $0.int64(0) } }

    private static func erase(_ mailbox: MailboxID, _ transaction: Transaction) throws {
        let sql = transaction.sql
        let messages = try sql.all(
            "SELECT uid, blob FROM message WHERE mailbox = ? ORDER BY uid LIMIT ?",
            .int(mailbox.rawValue),
            .int(self.messagesPerStep)
        ) { row in (uid: row.int64(0), blob: BlobID(rawValue: row.int64(1))) }
        for message in messages { try transaction.release(message.blob) }
        if let last = messages.last {
            try sql.run(
                "DELETE FROM message WHERE mailbox = ? AND uid <= ?",
                .int(mailbox.rawValue),
                .int(last.uid)
            )
        }
        guard messages.count < self.messagesPerStep else { return }
        for table in ["page", "gone", "gone_extent", "keyword"] {
            try sql.run("DELETE FROM \(table) WHERE mailbox = ?", .int(mailbox.rawValue))
        }
        try sql.run("DELETE FROM mailbox WHERE id = ?", .int(mailbox.rawValue))
    }

    private static func eraseBlobs(_ transaction: Transaction) throws -> Bool {
        let sql = transaction.sql
        let blobs = try sql.all(
            // What the index still has is taken out of it first: that takes the octets.
            """
            SELECT id FROM blob WHERE erase_after <= ? AND (sha256 IS NULL
                OR id > (SELECT max(indexed_to) FROM search_progress) OR id IN (SELECT blob FROM search_exception))
            ORDER BY erase_after, id LIMIT ?
            """,
            .int(transaction.now.rawValue),
            .int(self.blobsPerStep)
        ) { BlobID(rawValue: $0.int64(0)) }
        var budget = self.chunksPerStep
        for blob in blobs {
            try sql.run(
                """
                DELETE FROM chunk
                WHERE id IN (SELECT id FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?)
                """,
                .int(Chunk.first(of: blob)),
                .int(Chunk.last(of: blob)),
                .int(budget)
            )
            let erased = sql.changes
            guard erased < budget else {
                // Perhaps not all of it: it must not be found again.
                try sql.run("UPDATE blob SET sha256 = NULL, erase_after = 0 WHERE id = ?", .int(blob.rawValue))
                return true
            }
            try sql.run("DELETE FROM blob_summary WHERE blob = ?", .int(blob.rawValue))
            try sql.run("DELETE FROM search_exception WHERE blob = ?", .int(blob.rawValue))
            try sql.run("DELETE FROM junk_lesson WHERE blob = ?", .int(blob.rawValue))
            try sql.run("DELETE FROM blob WHERE id = ?", .int(blob.rawValue))
            // Small ones count for the row they are.
            if erased > 1 { budget -= erased }
        }
        return blobs.count == self.blobsPerStep
    }
}

extension Job {
    /// One step of erasing; if there is more, it comes again after what waits.
    static func erasure(by writer: Writer) -> Job {
        Job(
            cost: 4 << 20,
            .write { transaction in
                writer.erasureBegins()
                do {
                    let hasMore = try transaction.inSavepoint(Erasure.step)
                    return Outcome(error: nil) { failure in
                        if failure == nil, hasMore { writer.erase() }
                    }
                } catch {
                    // It is tried again with the next thing that is given up, or by `maintain`.
                    return Outcome(error: error) { _ in }
                }
            },
            answer: { _ in writer.erasureBegins() }
        )
    }
}

extension SQLiteStore {
    /// Erases everything that is due, and forgets what need not be remembered.
    ///
    /// Call it every few minutes: what is given up is kept for a while first.
    package func maintain() async throws {
        while try await self.write(cost: 4 << 20, Erasure.step) {}
        try await self.forgetStories()
        try await self.index()
        while try await self.write(cost: 4 << 20, Erasure.step) {}
    }
}
