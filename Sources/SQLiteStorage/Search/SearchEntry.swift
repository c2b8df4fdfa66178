// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// A blob as the index takes it, made on a reader's thread.
struct SearchEntry: Sendable {
    let blob: BlobID
    /// Empty: every search looks through it.
    let words: [UInt8]
    /// How many words: what writing it costs.
    let count: Int

    /// Reads the message: the texts that SEARCH compares, from the same functions.
    ///
    /// Throws only when it is cancelled. The same for a blob at any time: what is taken out of the index must be what was put in.
    init(_ blob: BlobID, _ sql: SQL) throws {
        self.blob = blob
        var tokens = SearchTokens()
        var isWhole = false
        do {
            isWhole = try Self.read(blob, try sql.summary(of: blob), into: &tokens, sql)
        } catch {
            // What cannot be read is `verify`'s to report; the index goes on without it.
            if StoreError.of(error) is CancellationError { throw error }
        }
        self.words = isWhole ? tokens.words : []
        self.count = isWhole ? tokens.count : 0
    }

    /// Returns whether the message is in `tokens`, all of it.
    private static func read(
        _ blob: BlobID,
        _ summary: MessageSummary,
        into tokens: inout SearchTokens,
        _ sql: SQL
    ) throws -> Bool {
        for address in summary.envelope.from { tokens.add(SearchText.of(address), .from) }
        for address in summary.envelope.to + summary.envelope.cc + summary.envelope.bcc {
            tokens.add(SearchText.of(address), .recipients)
        }
        if let subject = summary.envelope.subject { tokens.add(SearchText.ofField(subject[...]), .subject) }
        for text in SearchText.ofParts(summary.root) { tokens.add(text, .body) }
        let header = summary.root.headerRange.prefix(SearchText.headerLimit)
        guard try Self.read(blob, header, as: .header, into: &tokens, sql) else { return false }
        for header in SearchText.partHeaders(summary.root) {
            guard try Self.read(blob, header, as: .body, into: &tokens, sql) else { return false }
        }
        for part in summary.root.textParts {
            var reader = PartTextReader(part)
            tokens.restart()
            let isRead = try sql.eachPiece(of: blob, in: part.bodyRange) { octets, isLast in
                tokens.feed(reader.folded(octets, isLast: isLast), .body)
                return !tokens.isExcessive
            }
            guard isRead else { return false }
        }
        return !tokens.isExcessive
    }

    /// Adds the fields of a header; returns whether all of it is in `tokens`.
    private static func read(
        _ blob: BlobID,
        _ range: Range<Int>,
        as place: SearchTokens.Place,
        into tokens: inout SearchTokens,
        _ sql: SQL
    ) throws -> Bool {
        var header: [UInt8] = []
        let isWhole = try sql.eachPiece(of: blob, in: range) { octets, _ in
            header += octets
            return true
        }
        guard isWhole else { return false }
        for field in HeaderParser(header) {
            tokens.add(SearchedField(field).line, place)
            if tokens.isExcessive { return false }
        }
        return true
    }
}

extension SQL {
    /// Calls `body` with the octets of a range of a blob, in pieces, until it returns false.
    ///
    /// Returns whether all was there and wanted.
    func eachPiece(
        of blob: BlobID,
        in range: Range<Int>,
        _ body: (ArraySlice<UInt8>, _ isLast: Bool) -> Bool
    ) throws -> Bool {
        guard !range.isEmpty else { return true }
        guard let layout = try self.layout(of: blob) else { return false }
        var next = range.lowerBound
        try self.eachWhile(
            "SELECT id & 65535, octets FROM chunk WHERE id BETWEEN ? AND ? ORDER BY id",
            .int(Chunk.id(blob, layout.number(of: range.lowerBound))),
            .int(Chunk.id(blob, layout.number(of: range.upperBound - 1)))
        ) { row in
            let start = layout.start(of: row.int(0))
            guard start <= next else { return false }
            let octets = row.octets(1, in: next - start..<range.upperBound - start)
            next += octets.count
            return body(octets[...], next == range.upperBound) && !octets.isEmpty
        }
        return next == range.upperBound
    }
}
