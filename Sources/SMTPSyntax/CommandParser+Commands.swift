// SPDX-License-Identifier: Apache-2.0

/// The argument productions of whole commands (RFC 5321 §4.1.1 and extensions): what stands behind verb and space.
extension CommandParser {
    /// The argument of EHLO, HELO and LHLO.
    ///
    /// ehlo = "EHLO" SP ( Domain / address-literal ) CRLF ; and the same for HELO and LHLO (RFC 2033 §4.1)
    ///
    /// QUIRK: underscores are let through, since Windows puts them into host names. RFC 5321 §4.1.1.1: text behind the
    /// name, a custom of RFC 2821, is ignored.
    ///
    /// - Returns: the domain in lower case or the literal in canonical form: ASCII, at most 255 octets, and fit to stand
    ///   in a Received field. It is what the client says, and proves nothing.
    package mutating func clientName() throws(SyntaxError) -> String {
        // RFC 6531 §3.7.1: ASCII also where SMTPUTF8 is offered, since EHLO comes first.
        var parser = CommandParser(self.rest)
        let isLiteral = parser.rest.first == UInt8(ascii: "[")
        let name = isLiteral ? try parser.host() : try parser.domain(allowsUnderscore: true)
        if !parser.isAtEnd { try parser.space() }
        self.advance(to: self.rest.endIndex)
        return name
    }

    /// The arguments of MAIL.
    ///
    /// mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] CRLF
    ///
    /// QUIRK: a space behind the colon is accepted. It is not in the grammar, but Outlook and many a script send it.
    package mutating func mail() throws(SyntaxError) -> (path: Path, parameters: Parameters) {
        try self.keyword("FROM")
        try self.octet(UInt8(ascii: ":"), "colon behind FROM")
        self.skipSpaces()
        return (try self.reversePath(), try self.parameters())
    }

    /// The arguments of RCPT.
    ///
    /// rcpt = "RCPT TO:" ( "<Postmaster@" Domain ">" / "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] CRLF
    ///
    /// QUIRK: a space behind the colon is accepted, as in ``mail()``.
    package mutating func recipient() throws(SyntaxError) -> (path: Path, parameters: Parameters) {
        try self.keyword("TO")
        try self.octet(UInt8(ascii: ":"), "colon behind TO")
        self.skipSpaces()
        return (try self.forwardPath(), try self.parameters())
    }

    /// The arguments of BDAT.
    ///
    /// bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ] CR LF (RFC 3030 §2)
    ///
    /// chunk-size ::= 1*DIGIT ; end-marker ::= "LAST"
    ///
    /// After an error here nobody knows where the chunk ends: answer 501 and close.
    package mutating func chunk() throws(SyntaxError) -> ChunkCounter {
        let size = try self.number()
        guard !self.isAtEnd else { return ChunkCounter(size: size, isLast: false) }
        try self.space()
        try self.keyword("LAST")
        try self.end()
        return ChunkCounter(size: size, isLast: true)
    }

    /// The arguments of AUTH.
    ///
    /// AUTH SP mechanism [SP initial-response] (RFC 4954 §4)
    ///
    /// initial-response = base64 / "="
    ///
    /// - Returns: the mechanism in upper case, and the initial response as it was sent: base64, `=` for an empty one,
    ///   nil for none.
    package mutating func authentication() throws(SyntaxError) -> (mechanism: String, response: ArraySlice<UInt8>?) {
        // sasl-mech = 1*20mech-char ; upper-case letters, digits, hyphen, underscore (RFC 4422 §3.1)
        let mechanism = self.rest.prefix { $0.isLetterOrDigit || $0 == .hyphen || $0 == UInt8(ascii: "_") }
        guard 1...20 ~= mechanism.count else { throw self.expected("SASL mechanism") }
        self.advance(to: mechanism.endIndex)
        let name = String(decoding: mechanism.map(\.asciiUppercased), as: UTF8.self)
        guard !self.isAtEnd else { return (name, nil) }
        try self.space()
        let response = self.rest
        guard !response.isEmpty, !response.contains(.space) else { throw self.expected("initial-response") }
        self.advance(to: response.endIndex)
        return (name, response)
    }
}
