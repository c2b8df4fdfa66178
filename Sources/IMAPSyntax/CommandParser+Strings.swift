// SPDX-License-Identifier: Apache-2.0

// Strings are octets: a password, a header field or a search text need not be UTF-8.
extension CommandParser {
    /// Reads an atom that may contain "]", or a string.
    ///
    ///     astring         = 1*ASTRING-CHAR / string
    package mutating func astring() throws(SyntaxError) -> [UInt8] {
        switch self.peek() {
        case UInt8.quote: return try self.quoted()
        case UInt8(ascii: "{"): return try self.literal()
        default:
            let octets = self.take(while: \.isAStringCharacter)
            guard !octets.isEmpty else { throw self.expected("astring") }
            return Array(octets)
        }
    }

    /// Reads a quoted string or a literal.
    ///
    ///     string          = quoted / literal
    package mutating func string() throws(SyntaxError) -> [UInt8] {
        switch self.peek() {
        case UInt8.quote: return try self.quoted()
        case UInt8(ascii: "{"): return try self.literal()
        default: throw self.expected("string")
        }
    }

    /// Reads a string, or NIL, which is nil.
    ///
    ///     nstring         = string / nil
    package mutating func nstring() throws(SyntaxError) -> [UInt8]? {
        if self.accept(keyword: "NIL") { return nil }
        guard self.peek(.quote) || self.peek(UInt8(ascii: "{")) else { throw self.expected("string or NIL") }
        return try self.string()
    }

    /// Reads the value of an annotation (RFC 5464 §5).
    ///
    ///     value             = nstring / literal8
    package mutating func value() throws(SyntaxError) -> [UInt8]? {
        guard self.peek(UInt8(ascii: "~")) else { return try self.nstring() }
        return try self.literal8()
    }

    /// Reads a quoted string; what is not ASCII in it must be UTF-8 (RFC 9051 §4.3.1, RFC 6855 §3).
    ///
    ///     quoted          = DQUOTE *QUOTED-CHAR DQUOTE
    ///     QUOTED-CHAR     = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials / UTF8-2 / UTF8-3 / UTF8-4
    package mutating func quoted() throws(SyntaxError) -> [UInt8] {
        try self.expect(.quote, "DQUOTE")
        let start = self.offset
        var text: [UInt8] = []
        // What stands between escapes is copied in one piece.
        var piece = start
        var isASCII = true
        while self.offset < self.octets.count {
            let octet = self.octets[self.offset]
            switch octet {
            case .quote:
                text.append(contentsOf: self.octets[piece..<self.offset])
                guard isASCII || String(validating: text, as: UTF8.self) != nil else {
                    throw SyntaxError(expected: "UTF-8 in a quoted string", offset: start)
                }
                self.offset += 1
                return text
            case .backslash:
                text.append(contentsOf: self.octets[piece..<self.offset])
                self.offset += 1
                guard self.peek(.quote) || self.peek(.backslash) else { throw self.expected("quoted-specials") }
                piece = self.offset
            case 0, .cr, .lf:
                throw self.expected("QUOTED-CHAR")
            default:
                isASCII = isASCII && octet < 0x80
            }
            self.offset += 1
        }
        throw self.expected("DQUOTE")
    }

    /// Reads a literal, synchronizing or not; it has no NUL.
    ///
    ///     literal         = "{" number64 ["+"] "}" CRLF *CHAR8
    package mutating func literal() throws(SyntaxError) -> [UInt8] {
        let start = self.offset
        let header = try self.literalHeader()
        guard !header.isBinary else { throw SyntaxError(expected: "literal", offset: start) }
        let octets = try self.literalOctets(header)
        guard !octets.contains(0) else { throw SyntaxError(expected: "no NUL in a literal", offset: start) }
        return Array(octets)
    }

    /// Reads a literal that may have NUL (RFC 3516, RFC 4466 §3).
    ///
    ///     literal8        = "~{" number64 ["+"] "}" CRLF *OCTET
    package mutating func literal8() throws(SyntaxError) -> [UInt8] {
        let start = self.offset
        let header = try self.literalHeader()
        guard header.isBinary else { throw SyntaxError(expected: "literal8", offset: start) }
        return Array(try self.literalOctets(header))
    }

    /// Reads what announces a literal or a literal8 with its CRLF; the octets are left, or were streamed.
    ///
    /// It is the last thing in the command of a ``LiteralAnnouncement``.
    package mutating func literalHeader() throws(SyntaxError) -> LiteralHeader {
        var position = self.offset
        guard let header = LiteralHeader(self.octets[...], at: &position) else { throw self.expected("literal") }
        self.offset = position
        guard self.accept(.cr), self.accept(.lf) else { throw self.expected("CRLF") }
        return header
    }

    private mutating func literalOctets(_ header: LiteralHeader) throws(SyntaxError) -> ArraySlice<UInt8> {
        guard header.size <= UInt64(self.octets.count - self.offset) else {
            throw self.expected("\(header.size) octets")
        }
        let start = self.offset
        self.offset += Int(header.size)
        return self.octets[start..<self.offset]
    }

    /// Reads base64 up to the next space or the end, such as the initial response of AUTHENTICATE.
    ///
    ///     base64          = *(4base64-char) [base64-terminal]
    package mutating func base64() throws(SyntaxError) -> [UInt8] {
        let start = self.offset
        let text = self.take(while: { $0 != .space })
        guard let octets = Base64.decode(text) else { throw SyntaxError(expected: "base64", offset: start) }
        return octets
    }

    /// Reads an initial response (RFC 4959): `=` stands for an empty one.
    ///
    ///     initial-resp    =  (base64 / "=")
    package mutating func initialResponse() throws(SyntaxError) -> [UInt8] {
        if self.accept(UInt8(ascii: "=")) { return [] }
        guard !self.atEnd else { throw self.expected("initial response") }
        return try self.base64()
    }

    /// Reads the name of an annotation (RFC 5464 §5), which begins with a slash and has no wildcards.
    ///
    ///     entry           = astring
    package mutating func entry() throws(SyntaxError) -> [UInt8] {
        let start = self.offset
        let name = try self.astring()
        let hasEmptyPart = name.last == .slash || zip(name, name.dropFirst()).contains { $0 == .slash && $1 == .slash }
        guard name.first == .slash, !hasEmptyPart,
            name.allSatisfy({ 0x20..<0x7F ~= $0 && $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "%") })
        else { throw SyntaxError(expected: "entry name", offset: start) }
        return name
    }
}
