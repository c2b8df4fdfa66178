// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What is taken of a message to learn and to judge by: each token once.
///
/// The same function makes them in both cases, and again when a lesson is taken back. Whoever changes what it makes changes
/// ``version``, and everything is learnt anew.
package struct MessageTokens: Sendable {
    package static let version: Int64 = 2

    /// Tokens of a message, and how many of them a header and a part may have: a long part must not push out the others.
    package static let limit = 2_000
    static let headerLimit = 400
    static let partLimit = 1_000
    /// Text of a part, in octets of UTF-8, and octets of its encoded form, in which there may be less text.
    static let textLimit = 64 << 10
    static let encodedLimit = 256 << 10
    /// Parts that are looked at.
    static let mostParts = 32
    private static let headerOctets = 128 << 10

    /// In the order in which they were found.
    package private(set) var all: [String] = []
    private var known: Set<String> = []
    /// How many there may be: first those of the header, later those of the body with them.
    private var allowed = Self.headerLimit

    /// Takes a message apart.
    ///
    /// `read` calls its argument with the octets of a range of the message in pieces, telling which is the last, until it
    /// returns false.
    package init(
        _ summary: MessageSummary,
        read: (Range<Int>, _ body: (ArraySlice<UInt8>, _ isLast: Bool) -> Bool) throws -> Void
    ) rethrows {
        var header: [UInt8] = []
        try read(Self.clamped(summary.root.headerRange, Self.headerOctets)) { octets, _ in
            header += octets
            return true
        }
        self.addHeader(HeaderTokens(summary, header))
        // What people see first: poison for filters is put where they do not.
        let parts = summary.root.textParts.prefix(Self.mostParts)
        for part in parts where part.contentType.isType("text", "html") { try self.add(part, read) }
        for part in parts where !part.contentType.isType("text", "html") { try self.add(part, read) }
    }

    private static func clamped(_ range: Range<Int>, _ length: Int) -> Range<Int> {
        range.lowerBound..<min(range.upperBound, range.lowerBound + length)
    }

    private mutating func addHeader(_ header: HeaderTokens) {
        self.allowed = Self.headerLimit
        for token in header.all { self.insert(token) }
    }

    private mutating func add(
        _ part: Part,
        _ read: (Range<Int>, _ body: (ArraySlice<UInt8>, _ isLast: Bool) -> Bool) throws -> Void
    ) rethrows {
        self.allowed = min(self.all.count + Self.partLimit, Self.limit)
        guard self.all.count < Self.limit else { return }
        var text = PartTextReader(part)
        var left = Self.textLimit
        let isMarkup = part.contentType.isType("text", "html")
        var (words, markup) = (WordReader(), MarkupReader())
        var found: [String] = []
        let range = Self.clamped(part.bodyRange, Self.encodedLimit)
        guard !range.isEmpty else { return }
        try read(range) { octets, isLast in
            var piece = text.folded(octets, isLast: isLast)
            if piece.count > left {
                // Between characters: what is left of one is no text.
                var end = left
                while end > 0, piece[end] & 0xC0 == 0x80 { end -= 1 }
                piece.removeLast(piece.count - end)
                left = 0
            } else {
                left -= piece.count
            }
            if isMarkup { markup.feed(piece) { found.append($0) } } else { words.feed(piece[...]) { found.append($0) } }
            for token in found { self.insert(token) }
            found.removeAll(keepingCapacity: true)
            return left > 0 && self.all.count < self.allowed
        }
        if isMarkup { markup.end { found.append($0) } } else { words.end { found.append($0) } }
        for token in found { self.insert(token) }
    }

    private mutating func insert(_ token: String) {
        guard self.all.count < self.allowed, self.known.insert(token).inserted else { return }
        self.all.append(token)
    }
}
