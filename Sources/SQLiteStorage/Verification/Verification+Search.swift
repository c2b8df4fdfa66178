// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Verification {
    /// So many messages are taken apart once more: all would take as long as indexing them.
    private static let searchSample = 200
    /// Of each so many words are looked up.
    private static let searchWords = 8

    /// The index of texts, by a sample: blobs that it has, spread over all, are found by their words.
    mutating func checkSearchIndex() throws {
        defer { self.advance() }
        // Of another making: it is not asked, and will be made anew.
        guard let mark = try SearchIndex.mark(self.sql) else { return }
        let indexed = """
            SELECT id FROM blob WHERE id <= ? AND sha256 IS NOT NULL
            AND id NOT IN (SELECT blob FROM search_exception)
            """
        let count = try self.sql.number("SELECT count(*) FROM (\(indexed))", .integer(mark))
        let blobs = try self.sql.all(
            """
            SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM (\(indexed)))
            WHERE number % ? = 0
            """,
            .integer(mark),
            .integer(max(1, count / Int64(Self.searchSample)))
        ) { BlobID(rawValue: $0.int64(0)) }
        do {
            for blob in blobs {
                let words = try SearchEntry(blob, self.sql).words.split(separator: 0x20)
                let step = max(1, words.count / Self.searchWords)
                for index in stride(from: 0, to: words.count, by: step) where try !self.has(words[index], blob) {
                    self.isIndexWrong = true
                }
                if self.isIndexWrong {
                    self.note("blob \(blob.rawValue): the search index has its words")
                    return
                }
            }
        } catch {
            if StoreError.of(error) is CancellationError { throw error }
            self.isIndexWrong = true
            self.note("search index: it can be read")
        }
    }

    private func has(_ word: ArraySlice<UInt8>, _ blob: BlobID) throws -> Bool {
        try self.sql.number(
            "SELECT count(*) FROM search_text WHERE search_text MATCH ? AND rowid = ?",
            .text("\"\(String(decoding: word, as: UTF8.self))\""),
            .int(blob.rawValue)
        ) == 1
    }
}
