// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage

/// Octets of a message as an item tells them: a range of the message, as it is or through a filter.
struct SectionOctets: Hashable, Sendable {
    enum Filter: Hashable, Sendable {
        case identity
        /// The fields of a header with, or without, these names.
        case fields([[UInt8]], isMatching: Bool)
        /// The transfer encoding taken off.
        case decoding(TransferEncoding)
    }

    var range: Range<Int>
    var filter = Filter.identity

    init(range: Range<Int>, filter: Filter = .identity) {
        self.range = range
        self.filter = filter
    }

    /// What `BODY[…]` means; nil if the message has no such section.
    init?(_ section: Section, of summary: MessageSummary) {
        let specifier: PartSpecifier?
        var filter = Filter.identity
        switch section.text {
        case nil: specifier = nil
        case .text: specifier = .text
        case .mime: specifier = .mime
        case .header: specifier = .header
        case .headerFields(let names):
            specifier = .header
            filter = .fields(names, isMatching: true)
        case .headerFieldsNot(let names):
            specifier = .header
            filter = .fields(names, isMatching: false)
        }
        guard let range = summary.range(of: section.part.map { Int($0) }, specifier) else { return nil }
        self.init(range: range, filter: filter)
    }

    /// What only reading all of it can tell.
    struct Measure: Sendable {
        var size = 0
        var hasNUL = false
        /// Whether what came in was not as its encoding demands.
        var isDamaged = false
    }
}

/// Reads a section piece by piece, so that its size does not matter.
struct SectionReader {
    private enum Filter {
        case identity
        case fields(HeaderFieldFilter)
        case decoding(TransferDecoder)
    }

    private var rest: Range<Int>
    private var filter: Filter
    private var isAtEnd = false

    /// Nil if the encoding is one that cannot be decoded.
    init?(_ section: SectionOctets) {
        self.rest = section.range
        switch section.filter {
        case .identity:
            self.filter = .identity
        case .fields(let names, let isMatching):
            self.filter = .fields(HeaderFieldFilter(names, isMatching: isMatching))
        case .decoding(let encoding):
            guard let decoder = TransferDecoder(encoding) else { return nil }
            self.filter = .decoding(decoder)
        }
    }

    /// Whether the encoded octets were damaged, after the last piece.
    var isDamaged: Bool {
        guard case .decoding(let decoder) = self.filter else { return false }
        return decoder.isDamaged
    }

    /// The next piece, which may be empty; nil at the end.
    ///
    /// No more than `most` octets are read at once.
    mutating func next(
        of octets: inout MessageOctets,
        most: Int = MessageOctets.pieceSize
    ) async throws -> ArraySlice<UInt8>? {
        guard !self.isAtEnd else { return nil }
        let piece = try await octets.next(in: self.rest, most: most)
        self.rest = self.rest.dropFirst(piece.count)
        self.isAtEnd = self.rest.isEmpty
        var output: [UInt8] = []
        switch self.filter {
        case .identity:
            return piece
        case .fields(var filter):
            filter.filter(piece, into: &output)
            if self.isAtEnd { filter.finish(into: &output) }
            self.filter = .fields(filter)
        case .decoding(var decoder):
            decoder.decode(piece, into: &output)
            if self.isAtEnd { decoder.finish(into: &output) }
            self.filter = .decoding(decoder)
        }
        return output[...]
    }
}

extension FetchedMessage {
    /// Reads a section to its end to measure it; nil if its encoding cannot be decoded.
    mutating func measure(_ section: SectionOctets) async throws -> SectionOctets.Measure? {
        if let known = self.measures[section] { return known }
        guard var octets = self.octets, var reader = SectionReader(section) else { return nil }
        var measure = SectionOctets.Measure()
        while let piece = try await reader.next(of: &octets) {
            measure.size += piece.count
            measure.hasNUL = measure.hasNUL || piece.contains(0)
        }
        measure.isDamaged = reader.isDamaged
        if measure.size > CommandOutput.pieceSize { octets.release() }
        self.octets = octets
        self.measures[section] = measure
        return measure
    }

    /// Writes `range` of a section as a literal, and what is read meanwhile is handed on meanwhile.
    ///
    /// With `isBinary` it is a literal8, which may have NUL.
    mutating func writeLiteral(
        _ section: SectionOctets,
        _ range: Range<Int>,
        isBinary: Bool = false,
        to output: inout CommandOutput
    ) async throws {
        let size = UInt64(range.count)
        if isBinary { output.writer.literal8(size: size) } else { output.writer.literal(size: size) }
        var (section, range) = (section, range)
        if section.filter == .identity {
            // Only what is wanted is read.
            section.range = section.range.dropFirst(range.lowerBound).prefix(range.count)
            range = 0..<range.count
        }
        guard !range.isEmpty else { return }
        guard var octets = self.octets, var reader = SectionReader(section) else { throw BrokenResponse(cause: nil) }
        // A copy would keep what was read.
        self.octets = nil
        // What came along with the row stays for other items; what is read for this one is read as it is written.
        let isStreamed = range.count > CommandOutput.pieceSize
        var position = 0
        // What waits for a slow client is no more than a piece of the output: nothing is read ahead of it.
        while position < range.upperBound,
            try await Self.write(&position, of: range, &reader, &octets, isBinary: isBinary, to: &output)
        {
            if isStreamed, output.isDue { octets.release() }
            try await output.flushIfLarge()
        }
        // The announced size stands: what does not fill it cannot be mended.
        guard position >= range.upperBound else { throw BrokenResponse(cause: nil) }
        self.octets = octets
    }

    /// Writes the next piece of a section, as far as it is in `range`; false at the end.
    private static func write(
        _ position: inout Int,
        of range: Range<Int>,
        _ reader: inout SectionReader,
        _ octets: inout MessageOctets,
        isBinary: Bool,
        to output: inout CommandOutput
    ) async throws -> Bool {
        guard let piece = try await reader.next(of: &octets, most: CommandOutput.pieceSize) else { return false }
        let part = piece.dropFirst(max(0, range.lowerBound - position)).prefix(
            range.upperBound - max(position, range.lowerBound)
        )
        position += piece.count
        if isBinary { output.writer.append(part) } else { output.writer.appendText(part) }
        return true
    }
}
