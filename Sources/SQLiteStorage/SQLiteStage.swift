// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage
import MailStorage

/// A message on its way in: in memory while it is small, then chunk by chunk in the file.
///
/// Its blob has no digest and no reference until it is appended or accepted; it carries a deadline instead, which each
/// write moves. So a stage that is dropped, or finished and then not used, is erased when the deadline passes, and all
/// of them when the store is next opened.
///
/// What comes before the message but is known only when all of it has come gets a chunk of its own, the first, which is
/// written last. Then the digest cannot be made while octets pass by: those that are in the file are read once more.
final class SQLiteStage: MessageStage {
    /// What one write takes.
    private static let batch = 4 * Chunk.size

    private let store: SQLiteStore
    private let limit: Int
    /// The most octets that come before the message at its end.
    private let frontLimit: Int
    private(set) var size = 0
    private var hash = SHA256()
    private var parser = MessageParser()
    private var octets: [UInt8] = []
    private var blob: BlobID?
    /// The number of the next chunk.
    private var nextChunk: Int
    /// No more octets can come: the last chunk is written.
    private var isComplete = false
    private var isOver = false

    init(_ store: SQLiteStore, limit: Int, front: Int) {
        self.store = store
        self.limit = limit
        self.frontLimit = min(front, Chunk.size)
        self.nextChunk = front > 0 ? 1 : 0
    }

    func append(_ octets: ArraySlice<UInt8>) async throws {
        guard !self.isOver, !self.isComplete else { throw StoreError.notPermitted("the message has ended") }
        guard octets.count <= self.limit - self.size else {
            throw StoreError.notPermitted("the message is longer than announced")
        }
        self.size += octets.count
        if self.frontLimit == 0 { self.hash.update(octets) }
        self.parser.append(octets)
        self.octets += octets
        if self.octets.count >= (self.blob == nil ? Chunk.size + 1 : Self.batch) { try await self.write(all: false) }
    }

    func moveToStore() async throws {
        guard !self.isOver else { throw StoreError.notPermitted("the message has ended") }
        self.isComplete = true
        try await self.write(all: true)
    }

    func finish(front: [UInt8]) async throws -> StagedMessage {
        guard !self.isOver else { throw StoreError.notPermitted("the message has ended") }
        guard front.isEmpty == (self.frontLimit == 0), front.count <= self.frontLimit else {
            throw StoreError.notPermitted("what comes before the message is not as announced")
        }
        self.isOver = true
        let content: StagedMessage.Content
        if self.blob != nil { try await self.write(all: true) }
        if let blob = self.blob {
            if !front.isEmpty { try await self.add(front, before: blob) }
            content = .blob(blob)
        } else {
            if !front.isEmpty {
                self.octets.insert(contentsOf: front, at: 0)
                self.hash.update(self.octets)
            }
            content = .octets(self.octets)
        }
        self.octets = []
        // A stage may wait long for others: what it has worked with is not kept.
        defer { self.parser = MessageParser() }
        return StagedMessage(
            content: content,
            size: front.count + self.size,
            digest: self.hash.finalize(),
            summary: self.parser.finish().behind(fields: front.count)
        )
    }

    func abandon() async {
        self.isOver = true
        self.octets = []
        guard let blob = self.blob else { return }
        self.blob = nil
        // If it fails, the deadline does it.
        try? await self.store.write { transaction in try transaction.abandon(blob) }
    }

    /// Writes the first chunk, and makes the digest of all of them.
    private func add(_ front: [UInt8], before blob: BlobID) async throws {
        try await self.store.write(cost: front.count) { transaction in
            try transaction.sql.run(
                "UPDATE blob SET front = ? WHERE id = ? AND sha256 IS NULL AND erase_after > ?",
                .int(front.count),
                .int(blob.rawValue),
                .int(transaction.now.rawValue)
            )
            guard transaction.sql.changes == 1 else { throw StoreError.unavailable }
            try Chunk.insert(front, blob, 0, transaction.sql)
        }
        for number in 0..<self.nextChunk {
            let octets = try await self.store.read { sql in
                try sql.first("SELECT octets FROM chunk WHERE id = ?", .int(Chunk.id(blob, number))) { $0.octets(0) }
            }
            // It waited so long that it was cleared away.
            guard let octets else { throw StoreError.unavailable }
            self.hash.update(octets)
        }
    }

    /// Writes the full chunks; with `all`, the rest too.
    private func write(all: Bool) async throws {
        var position = 0
        while position < self.octets.count {
            let whole = (self.octets.count - position) / Chunk.size * Chunk.size
            let count = whole > 0 ? min(whole, Self.batch) : all ? self.octets.count - position : 0
            guard count > 0 else { break }
            try await self.write(self.octets[position..<position + count])
            position += count
        }
        self.octets.removeFirst(position)
    }

    private func write(_ octets: ArraySlice<UInt8>) async throws {
        let (known, firstChunk) = (self.blob, self.nextChunk)
        self.blob = try await self.store.write(cost: octets.count) { transaction in
            let sql = transaction.sql
            let deadline = transaction.now.rawValue + transaction.options.stageLifetime
            let blob: BlobID
            if let known {
                blob = known
                try sql.run(
                    "UPDATE blob SET erase_after = ? WHERE id = ? AND sha256 IS NULL AND erase_after > ?",
                    .int(deadline),
                    .int(blob.rawValue),
                    .int(transaction.now.rawValue)
                )
                guard sql.changes == 1 else { throw StoreError.unavailable }
            } else {
                try sql.run("INSERT INTO blob (size, refs, erase_after) VALUES (0, 0, ?)", .int(deadline))
                blob = BlobID(rawValue: sql.lastInsertedRow)
            }
            for (number, start) in stride(from: octets.startIndex, to: octets.endIndex, by: Chunk.size).enumerated() {
                let chunk = Array(octets[start..<min(start + Chunk.size, octets.endIndex)])
                try Chunk.insert(chunk, blob, firstChunk + number, sql)
            }
            return blob
        }
        self.nextChunk += (octets.count + Chunk.size - 1) / Chunk.size
    }
}
