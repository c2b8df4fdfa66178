// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// The octets of a queued message as the next hop gets them: without our `Return-Path`.
struct QueuedContent: Sendable {
    let queue: any MailQueue
    let blob: BlobID
    let range: Range<Int>
    /// The first octets, once they have been read.
    private var head: [UInt8] = []

    /// Octets read at a time: a large message never sits in memory.
    static let pieceSize = 128 * 1024

    init(_ entry: QueueEntry, in queue: any MailQueue) {
        self.queue = queue
        self.blob = entry.blob
        self.range = min(max(entry.relayFrom, 0), entry.size)..<max(entry.size, 0)
    }

    var size: Int { self.range.count }

    /// The octets from `offset` (counted from the message's) on: at least one, at most `limit` and ``pieceSize``.
    ///
    /// Throws ``StoreError``.
    func piece(at offset: Int, limit: Int = Self.pieceSize) async throws -> [UInt8] {
        if offset < self.head.count {
            return Array(self.head[offset..<min(self.head.count, offset + limit)])
        }
        let start = self.range.lowerBound + offset
        let end = min(start + min(limit, Self.pieceSize), self.range.upperBound)
        let octets = try await self.queue.octets(of: self.blob, in: start..<end)
        guard !octets.isEmpty else { throw StoreError.corrupt("a queued message is shorter than its size") }
        return octets
    }

    /// The first `limit` octets of the message, or all.
    func prefix(_ limit: Int) async throws -> [UInt8] {
        var octets: [UInt8] = []
        let end = min(limit, self.size)
        while octets.count < end { octets += try await self.piece(at: octets.count, limit: end - octets.count) }
        return octets
    }

    /// The most octets of a header that are looked at, or returned to the sender.
    static let headerLimit = 64 * 1024

    /// Reads the first octets, up to ``headerLimit``, and keeps them for what follows.
    mutating func readHead() async throws { self.head = try await self.prefix(Self.headerLimit) }

    /// The header with its last line end, without the empty line; what is beyond ``headerLimit`` is cut off at a line.
    func header() async throws -> [UInt8] { Self.header(of: try await self.prefix(Self.headerLimit)) }

    /// The header at the beginning of `octets`.
    static func header(of octets: [UInt8]) -> [UInt8] {
        var lineStart = 0
        while let lineFeed = octets[lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = octets[lineStart..<lineFeed]
            if line.isEmpty || line.elementsEqual([UInt8(ascii: "\r")]) { return Array(octets[..<lineStart]) }
            lineStart = lineFeed + 1
        }
        // No empty line: a message without a body, or a header without an end.
        return octets.count < Self.headerLimit ? octets : Array(octets[..<lineStart])
    }
}
