// SPDX-License-Identifier: Apache-2.0

/// Follows a stream of IMAP, in either direction, to know where its lines end; literals are parts of lines.
///
/// Of what a client sends: whether a new command is expected. A body without any line end can at such a place only be a
/// whole command whose line end was forgotten, as scripts do; it gets one. Everywhere else a body is a part of something
/// and is passed on as it is. This is a guess at what the server thinks, made from the client's side only: a synchronizing
/// literal counts as sent also when the server refused it, so that behind a refused literal line ends may not be added. They
/// are never added where they do not belong.
///
/// Of what a server says: where a response is complete.
struct IMAPLines: Sendable {
    private enum State: Sendable {
        case lineStart
        /// Inside a line, whose last octets these are.
        case line(tail: [UInt8])
        /// Inside a literal, of which so many octets are to come.
        case literal(remaining: UInt64)
    }

    /// `~{9223372036854775807+}` and its CR.
    private static let tailLimit = 25

    private var state = State.lineStart

    /// Whether a new line is expected.
    var isAtLineStart: Bool { if case .lineStart = self.state { true } else { false } }

    /// Octets that are announced, as the rest of a literal.
    var announcedCount: UInt64 { if case .literal(let remaining) = self.state { remaining } else { 0 } }

    /// Whether the line end of a body of these octets was forgotten.
    func needsLineEnd(_ body: [[UInt8]]) -> Bool {
        self.isAtLineStart && !body.contains { $0.contains { $0 == 0x0D || $0 == 0x0A } }
    }

    /// Takes what comes; returns how many of these octets there are up to the last end of a line, 0 if there is none.
    @discardableResult
    mutating func append(_ octets: ArraySlice<UInt8>) -> Int {
        var (index, complete) = (octets.startIndex, 0)
        while index < octets.endIndex {
            if case .literal(let remaining) = self.state {
                let count = Int(clamping: min(remaining, UInt64(octets.endIndex - index)))
                index += count
                self.state =
                    remaining == UInt64(count) ? .line(tail: []) : .literal(remaining: remaining - UInt64(count))
                continue
            }
            var tail: [UInt8] = []
            if case .line(let known) = self.state { tail = known }
            let end = octets[index...].firstIndex(of: 0x0A) ?? octets.endIndex
            tail = Array((tail + octets[max(index, end - Self.tailLimit)..<end]).suffix(Self.tailLimit))
            if end < octets.endIndex {
                self.state = Self.literalSize(atEndOf: tail).map { .literal(remaining: $0) } ?? .lineStart
                if case .literal(0) = self.state { self.state = .line(tail: []) }
                index = end + 1
                if self.isAtLineStart { complete = index - octets.startIndex }
            } else {
                self.state = .line(tail: tail)
                index = end
            }
        }
        return complete
    }

    /// Takes what comes, all of an array.
    @discardableResult
    mutating func append(_ octets: [UInt8]) -> Int { self.append(octets[...]) }

    /// The size that the end of a line announces (RFC 9051 §4.3, RFC 7888).
    ///
    /// literal = "{" number64 ["+"] "}" CRLF *CHAR8
    private static func literalSize(atEndOf line: [UInt8]) -> UInt64? {
        var line = line[...]
        if line.last == 0x0D { line.removeLast() }
        guard line.popLast() == UInt8(ascii: "}") else { return nil }
        if line.last == UInt8(ascii: "+") { line.removeLast() }
        guard let brace = line.lastIndex(of: UInt8(ascii: "{")) else { return nil }
        let digits = line[line.index(after: brace)...]
        guard 1...19 ~= digits.count, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return digits.reduce(0) { $0 * 10 + UInt64($1 & 0x0F) }
    }
}
