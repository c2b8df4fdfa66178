// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// How octets lie in the file: in chunks of a table of their own, numbered so that a blob's lie side by side.
enum Chunk {
    static let size = 256 << 10

    /// The key of a chunk.
    ///
    /// A blob has at most 65536 chunks: 16 GiB.
    static func id(_ blob: BlobID, _ number: Int) -> Int64 { blob.rawValue << 16 | Int64(number) }
    static func first(of blob: BlobID) -> Int64 { blob.rawValue << 16 }
    static func last(of blob: BlobID) -> Int64 { blob.rawValue << 16 | 0xFFFF }

    static func insert(_ octets: [UInt8], _ blob: BlobID, _ number: Int, _ sql: SQL) throws {
        try sql.run("INSERT INTO chunk (id, octets) VALUES (?, ?)", .int(Self.id(blob, number)), .octets(octets))
    }
}

/// Which octets of a blob are in which chunk.
///
/// All chunks but the last are full; or, where a blob has a front, the first one has that and nothing else, and the full ones
/// begin behind it.
struct ChunkLayout: Sendable {
    /// Octets of the front; 0 if there is none.
    let front: Int

    /// The number of the chunk that has the octet at `offset`.
    func number(of offset: Int) -> Int {
        guard self.front > 0 else { return offset / Chunk.size }
        return offset < self.front ? 0 : 1 + (offset - self.front) / Chunk.size
    }

    /// The offset of a chunk's first octet.
    func start(of number: Int) -> Int {
        guard self.front > 0 else { return number * Chunk.size }
        return number == 0 ? 0 : self.front + (number - 1) * Chunk.size
    }
}

extension SQL {
    /// Where the octets of a blob are; nil if there is no such blob.
    func layout(of blob: BlobID) throws -> ChunkLayout? {
        try self.first("SELECT front FROM blob WHERE id = ?", .int(blob.rawValue)) { ChunkLayout(front: $0.int(0)) }
    }
}

/// A staged message as the writer needs it: what can be computed before is.
struct IncomingMessage: Sendable {
    let content: StagedMessage.Content
    let size: Int
    let digest: [UInt8]
    let summary: [UInt8]

    init(_ message: StagedMessage) {
        self.content = message.content
        self.size = message.size
        self.digest = message.digest
        self.summary = message.summary.encoded()
    }

    /// Octets the writer will write.
    var cost: Int {
        if case .octets(let octets) = self.content { octets.count + self.summary.count } else { self.summary.count }
    }
}

extension Transaction {
    /// The blob with these octets, which has one reference more now: the one that is there already, if there is one.
    func reference(_ message: IncomingMessage) throws -> BlobID {
        let known = try self.sql.first("SELECT id FROM blob WHERE sha256 = ?", .octets(message.digest)) { row in
            BlobID(rawValue: row.int64(0))
        }
        if let known {
            try self.reference(known)
            if case .blob(let staged) = message.content, staged != known { try self.abandon(staged) }
            return known
        }
        let blob: BlobID
        switch message.content {
        case .octets(let octets):
            try self.sql.run(
                "INSERT INTO blob (sha256, size, refs) VALUES (?, ?, 1)",
                .octets(message.digest),
                .int(octets.count)
            )
            blob = BlobID(rawValue: self.sql.lastInsertedRow)
            for (number, start) in stride(from: 0, to: octets.count, by: Chunk.size).enumerated() {
                let end = min(start + Chunk.size, octets.count)
                let chunk = start == 0 && end == octets.count ? octets : Array(octets[start..<end])
                try Chunk.insert(chunk, blob, number, self.sql)
            }
        case .blob(let staged):
            try self.sql.run(
                """
                UPDATE blob SET sha256 = ?, size = ?, refs = 1, erase_after = NULL
                WHERE id = ? AND sha256 IS NULL AND erase_after > ?
                """,
                .octets(message.digest),
                .int(message.size),
                .int(staged.rawValue),
                .int(self.now.rawValue)
            )
            // It waited so long that it was cleared away.
            guard self.sql.changes == 1 else { throw StoreError.unavailable }
            blob = staged
        }
        try self.sql.run(
            "INSERT INTO blob_summary (blob, summary) VALUES (?, ?)",
            .int(blob.rawValue),
            .octets(message.summary)
        )
        return blob
    }

    /// Adds a reference to a blob that is there.
    func reference(_ blob: BlobID) throws {
        try self.sql.run("UPDATE blob SET refs = refs + 1, erase_after = NULL WHERE id = ?", .int(blob.rawValue))
        guard self.sql.changes == 1 else { throw StoreError.corrupt("expected a blob that a message refers to") }
    }

    /// Takes a reference away.
    ///
    /// Octets that nothing refers to any more are erased later.
    func release(_ blob: BlobID) throws {
        let deadline = self.now.rawValue.addingReportingOverflow(self.options.retention).partialValue
        try self.sql.run(
            "UPDATE blob SET refs = refs - 1, erase_after = CASE WHEN refs = 1 THEN ? END WHERE id = ?",
            .int(deadline),
            .int(blob.rawValue)
        )
        self.wantErasure()
    }

    /// Gives up octets that were staged.
    func abandon(_ blob: BlobID) throws {
        try self.sql.run("UPDATE blob SET erase_after = 0 WHERE id = ? AND sha256 IS NULL", .int(blob.rawValue))
        self.wantErasure()
    }
}

extension SQLiteStore {
    /// The stored octets of a blob from `range.lowerBound` on, up to the end of the chunk they are in.
    ///
    /// Empty if the range is not within the blob; throws ``StoreError/expunged`` if the octets are gone.
    package func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8] {
        guard range.lowerBound >= 0, !range.isEmpty else { return [] }
        return try await self.read { sql in
            guard let layout = try sql.layout(of: blob) else { throw StoreError.expunged }
            let number = layout.number(of: range.lowerBound)
            let start = layout.start(of: number)
            if number <= 0xFFFF {
                let octets = try sql.octets(
                    of: "octets",
                    in: "chunk",
                    row: Chunk.id(blob, number),
                    range.lowerBound - start..<range.upperBound - start
                )
                if let octets, !octets.isEmpty { return octets }
            }
            let size = try sql.first("SELECT size FROM blob WHERE id = ? AND sha256 IS NOT NULL", .int(blob.rawValue)) {
                $0.int(0)
            }
            guard let size, range.lowerBound >= size else { throw StoreError.expunged }
            return []
        }
    }
}
