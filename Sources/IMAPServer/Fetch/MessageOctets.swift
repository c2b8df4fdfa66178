// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// The octets of one stored message, read as they are needed: never more than a piece of them is in memory.
struct MessageOctets: Sendable {
    /// The most that is read at once.
    ///
    /// Reads end at multiples of it, as a store's own pieces are likely to.
    static let pieceSize = 256 * 1024

    private let blob: BlobID
    private let store: any MailStore
    /// What was read last, and where in the message it begins.
    private var piece: [UInt8]
    private var start = 0

    /// Begins with what came along with the row, if anything.
    init(of row: StoredMessage, from store: any MailStore) {
        self.init(row.blob, content: row.content, from: store)
    }

    /// Begins with `content`, if that is known: all octets.
    init(_ blob: BlobID, content: [UInt8]?, from store: any MailStore) {
        self.blob = blob
        self.store = store
        self.piece = content ?? []
    }

    /// The octets from `range.lowerBound` on: at least one, at most those of `range`; none if it is empty.
    ///
    /// No more than `most` are read at once, which divides ``pieceSize``. Throws ``StoreError/expunged`` if the message
    /// is gone.
    mutating func next(in range: Range<Int>, most: Int = Self.pieceSize) async throws -> ArraySlice<UInt8> {
        guard !range.isEmpty else { return [] }
        if range.lowerBound < self.start || range.lowerBound >= self.start + self.piece.count {
            let pieceEnd = (range.lowerBound / most + 1) * most
            self.piece = []
            self.piece = try await self.store.octets(
                of: self.blob,
                in: range.lowerBound..<min(range.upperBound, pieceEnd)
            )
            self.start = range.lowerBound
            guard !self.piece.isEmpty else { throw StoreError.corrupt("a message shorter than its size") }
        }
        let first = range.lowerBound - self.start
        return self.piece[first..<min(self.piece.count, first + range.count)]
    }

    /// Forgets what was read, for it has been handed on: nobody knows how long the next piece will take to be wanted.
    mutating func release() { self.piece = [] }
}
