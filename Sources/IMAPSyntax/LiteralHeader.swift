// SPDX-License-Identifier: Apache-2.0

/// What stands between the brace and the line end that open a literal (RFC 9051 §4.3, RFC 7888 §8, RFC 4466 §3).
///
///     literal   = "{" number64 ["+"] "}" CRLF *CHAR8
///     literal8  = "~{" number64 ["+"] "}" CRLF *OCTET
///
/// Of several ways to spell a number only the shortest is taken: `{01}`, `{+1}`, `{1 }` announce nothing.
package struct LiteralHeader: Hashable, Sendable {
    /// The octets that follow the line end, at most 2^63 - 1.
    package var size: UInt64
    /// `{n+}`: the client sends the octets without being asked.
    package var isNonSynchronizing: Bool
    /// `~{n}`: a literal8, which may contain NUL.
    package var isBinary: Bool

    package init(size: UInt64, isNonSynchronizing: Bool = false, isBinary: Bool = false) {
        self.size = size
        self.isNonSynchronizing = isNonSynchronizing
        self.isBinary = isBinary
    }

    /// No header is longer: `~{9223372036854775807+}` and its line end.
    static let maximumLength = 25

    /// Reads a header that begins at `position` and moves behind its closing brace; nil leaves `position` alone.
    init?(_ octets: ArraySlice<UInt8>, at position: inout Int) {
        var cursor = position
        func octet() -> UInt8? { cursor < octets.endIndex ? octets[cursor] : nil }
        let isBinary = octet() == UInt8(ascii: "~")
        if isBinary { cursor += 1 }
        guard octet() == UInt8(ascii: "{") else { return nil }
        cursor += 1
        let digits = cursor
        var size: UInt64 = 0
        while let digit = octet(), digit.isDigit, cursor - digits < 19 {
            size = size * 10 + UInt64(digit & 0x0F)
            cursor += 1
        }
        guard cursor > digits, size <= UInt64(Int64.max), octets[digits] != UInt8(ascii: "0") || cursor == digits + 1
        else { return nil }
        let isNonSynchronizing = octet() == UInt8(ascii: "+")
        if isNonSynchronizing { cursor += 1 }
        guard octet() == UInt8(ascii: "}") else { return nil }
        position = cursor + 1
        self.init(size: size, isNonSynchronizing: isNonSynchronizing, isBinary: isBinary)
    }

    /// Reads the header that ends `line`, whose line end is already cut off; nil where it announces no literal.
    init?(endOf line: ArraySlice<UInt8>) {
        guard line.last == UInt8(ascii: "}") else { return nil }
        let earliest = max(line.startIndex, line.endIndex - Self.maximumLength)
        var start = line.endIndex - 1
        while start > earliest, line[start] != UInt8(ascii: "{") { start -= 1 }
        if start > line.startIndex, line[start - 1] == UInt8(ascii: "~") { start -= 1 }
        self.init(line, at: &start)
        guard start == line.endIndex else { return nil }
    }
}

/// A literal the client wants to send: the framer waits until the session has said what shall become of it.
///
/// A synchronizing literal is asked for with `+`, but only if it is wanted.
package struct LiteralAnnouncement: Hashable, Sendable {
    /// The tag of the command, where its beginning has one.
    package var tag: String?
    /// The command so far, up to and including the announcement and its CRLF; after a streamed literal only what
    /// followed it.
    package var command: [UInt8]
    package var header: LiteralHeader
    /// Whether ``CommandFramer/gather()`` stays within the limits.
    package var fits: Bool

    package init(tag: String?, command: [UInt8], header: LiteralHeader, fits: Bool) {
        self.tag = tag
        self.command = command
        self.header = header
        self.fits = fits
    }
}
