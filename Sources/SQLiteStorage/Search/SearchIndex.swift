// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// The index of texts in the file: what is in it, and what is not.
///
/// `search_text` has the words of ``SearchTokens`` for every blob up to the mark in `search_progress`, except those in
/// `search_exception`; what it does not have is looked through by every search. So it may be behind, or empty, and no
/// search is ever wrong. Nothing of it is written with a delivery.
enum SearchIndex {
    /// The making of the index: another one is not read, and made anew.
    ///
    /// The standard library folds by its own Unicode version, so that counts too.
    static let version: Int64 = {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for value in UInt32(0x80)..<0x1F000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            for octet in SearchText.folded(String(scalar)) { hash = (hash ^ UInt64(octet)) &* 0x0000_0100_0000_01B3 }
        }
        return Int64(SearchText.version) << 48 | Int64(SearchTokens.version) << 32 | Int64(hash >> 32)
    }()

    static let table = """
        CREATE VIRTUAL TABLE search_text USING fts5 (
            words, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
        )
        """

    /// Up to where blobs are in the index; nil if it is of another making.
    static func mark(_ sql: SQL) throws -> Int64? {
        let mark = try sql.first("SELECT indexed_to FROM search_progress WHERE version = ?", .integer(Self.version)) {
            $0.int64(0)
        }
        return mark
    }

    /// An empty index, whatever there was.
    static func reset(_ sql: SQL) throws {
        // SQLite drops no table that it cannot read, so first this one is made such as a new one is: ids of the averages
        // and of the structure, and no segments in it.
        try sql.run("DELETE FROM search_text_idx")
        try sql.run("DELETE FROM search_text_data")
        try sql.run("INSERT INTO search_text_data (id, block) VALUES (1, x''), (10, x'00000000000000')")
        try sql.run("DROP TABLE search_text")
        try sql.run(Self.table)
        // Two of its leaves would leave half of a page of the file unused. Merging is bounded by whoever writes: SQLite
        // would do it by itself in large pieces, for which deliveries would have to wait.
        for (option, value) in [("pgsz", 8000), ("automerge", 0), ("usermerge", 8), ("crisismerge", 200)] {
            try sql.run("INSERT INTO search_text (search_text, rank) VALUES (?, ?)", .text(option), .int(value))
        }
        try self.forget(sql)
    }

    /// Says that nothing is in the index: its octets stay, but nobody reads them, and blobs can be erased.
    static func forget(_ sql: SQL) throws {
        try sql.run("DELETE FROM search_exception")
        try sql.run("DELETE FROM search_progress")
        try sql.run(
            "INSERT INTO search_progress (id, version, indexed_to) VALUES (1, ?, 0)",
            .integer(Self.version)
        )
    }

    /// Merges some of what was written in pieces, about so many leaves; returns whether there may be more to merge.
    static func merge(_ sql: SQL, leaves: Int) throws -> Bool {
        let before = try sql.number("SELECT total_changes()")
        try sql.run("INSERT INTO search_text (search_text, rank) VALUES ('merge', ?)", .int(leaves))
        // The statement itself counts as one change.
        return try sql.number("SELECT total_changes()") - before >= 2
    }

    // MARK: What to do

    /// Something to be done to the index, from one look at the file.
    struct Batch: Sendable {
        /// Blobs that had an exception and are to be added.
        var late: [SearchEntry] = []
        /// Blobs behind the mark, ascending; those without an entry are no mail, or not yet.
        var new: [(blob: BlobID, entry: SearchEntry?)] = []
        /// Blobs that will be erased: they are taken out first.
        var removed: [SearchEntry] = []

        var isEmpty: Bool { self.late.isEmpty && self.new.isEmpty && self.removed.isEmpty }
    }

    /// The next things to do, as many as are read in a moment.
    static func next(_ sql: SQL, now: UnixTime, limit: Int) throws -> Batch? {
        guard let mark = try self.mark(sql) else { return nil }
        var batch = Batch()
        let removed = try sql.all(
            """
            SELECT id FROM blob WHERE erase_after <= ? AND id <= ? AND sha256 IS NOT NULL
            AND id NOT IN (SELECT blob FROM search_exception) LIMIT ?
            """,
            .int(now.rawValue),
            .integer(mark),
            .int(limit)
        ) { BlobID(rawValue: $0.int64(0)) }
        batch.removed = try removed.map { try SearchEntry($0, sql) }
        let late = try sql.all(
            """
            SELECT blob FROM search_exception WHERE is_scanned = 0
            AND EXISTS (SELECT 1 FROM message WHERE message.blob = search_exception.blob) LIMIT ?
            """,
            .int(limit)
        ) { BlobID(rawValue: $0.int64(0)) }
        batch.late = try late.map { try SearchEntry($0, sql) }
        let new = try sql.all(
            """
            SELECT id, sha256 IS NOT NULL AND EXISTS (SELECT 1 FROM message WHERE blob = blob.id)
            FROM blob WHERE id > ? ORDER BY id LIMIT ?
            """,
            .integer(mark),
            .int(limit)
        ) { (blob: BlobID(rawValue: $0.int64(0)), isMail: $0.bool(1)) }
        batch.new = try new.map { ($0.blob, $0.isMail ? try SearchEntry($0.blob, sql) : nil) }
        return batch
    }
}

extension Transaction {
    /// Adds a blob that had an exception, unless it is gone or has none any more.
    func index(late entry: SearchEntry) throws {
        try self.sql.run("DELETE FROM search_exception WHERE blob = ? AND is_scanned = 0", .int(entry.blob.rawValue))
        if self.sql.changes == 1 { try self.index(entry) }
    }

    /// Adds the blob next to the mark, or makes it an exception, and moves the mark.
    func index(new blob: BlobID, _ entry: SearchEntry?) throws {
        if let entry {
            try self.index(entry)
        } else {
            try self.except(blob, isScanned: false)
        }
        try self.sql.run("UPDATE search_progress SET indexed_to = ?", .int(blob.rawValue))
    }

    /// Takes out a blob that is due to be erased, unless somebody refers to it again.
    func unindex(_ entry: SearchEntry) throws {
        let isDue = try self.sql.first(
            "SELECT erase_after <= ? FROM blob WHERE id = ?",
            .int(self.now.rawValue),
            .int(entry.blob.rawValue)
        ) { $0.bool(0) }
        guard isDue == true else { return }
        if entry.count > 0 {
            try self.sql.run(
                "INSERT INTO search_text (search_text, rowid, words) VALUES ('delete', ?, ?)",
                .int(entry.blob.rawValue),
                .text(String(decoding: entry.words, as: UTF8.self))
            )
        }
        try self.except(entry.blob, isScanned: false)
        self.wantErasure()
    }

    /// Lets SQLite write down what it has gathered of the index, so that its failure is this job's and not that of the
    /// commit, which is everybody's.
    func flushIndex() throws {
        try self.sql.run("SAVEPOINT search")
        try self.sql.run("RELEASE search")
    }

    private func index(_ entry: SearchEntry) throws {
        // It may have been erased since it was read.
        let isThere = try self.sql.number("SELECT count(*) FROM blob WHERE id = ?", .int(entry.blob.rawValue)) == 1
        guard isThere else { return }
        guard entry.count > 0 else {
            try self.except(entry.blob, isScanned: true)
            return
        }
        try self.sql.run(
            "INSERT INTO search_text (rowid, words) VALUES (?, ?)",
            .int(entry.blob.rawValue),
            .text(String(decoding: entry.words, as: UTF8.self))
        )
    }

    private func except(_ blob: BlobID, isScanned: Bool) throws {
        try self.sql.run(
            """
            INSERT INTO search_exception (blob, is_scanned) SELECT id, ? FROM blob WHERE id = ?
            ON CONFLICT (blob) DO UPDATE SET is_scanned = excluded.is_scanned
            """,
            .bool(isScanned),
            .int(blob.rawValue)
        )
    }
}
