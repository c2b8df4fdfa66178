// SPDX-License-Identifier: Apache-2.0

// Words without quotes: they are ASCII, and therefore `String`s.
extension CommandParser {
    /// Reads the tag, letter for letter.
    ///
    ///     tag             = 1*<any ASTRING-CHAR except "+">
    package mutating func tag() throws(SyntaxError) -> String {
        try self.word("tag") { $0.isTagCharacter }
    }

    /// Reads the name of the command, in upper case.
    ///
    /// `UID` is a name of its own here: what it applies to follows as another name.
    package mutating func commandName() throws(SyntaxError) -> String {
        try self.uppercasedWord("command name") { $0.isAtomCharacter }
    }

    /// Reads an atom as it is.
    ///
    ///     atom            = 1*ATOM-CHAR
    package mutating func atom() throws(SyntaxError) -> String {
        try self.word("atom") { $0.isAtomCharacter }
    }

    /// Reads the name of a capability or an authentication mechanism, in upper case.
    ///
    ///     capability      = ("AUTH=" auth-type) / atom
    ///     auth-type       = atom
    package mutating func capability() throws(SyntaxError) -> String {
        try self.uppercasedWord("capability") { $0.isAtomCharacter }
    }

    /// Reads the name of a data item, an option or a modifier, in upper case; it ends before a bracket.
    ///
    ///     tagged-ext-label    = tagged-label-fchar *tagged-label-char
    package mutating func keywordToken() throws(SyntaxError) -> String {
        try self.uppercasedWord("keyword") { $0.isKeywordCharacter }
    }

    /// Reads the name of a charset.
    ///
    ///     charset         = atom / quoted
    package mutating func charset() throws(SyntaxError) -> String {
        guard self.peek(.quote) else { return try self.word("charset") { $0.isAtomCharacter } }
        return String(decoding: try self.quoted(), as: UTF8.self)
    }

    /// Reads an object identifier (RFC 8474 §7); its case matters.
    ///
    ///     objectid = 1*255(ALPHA / DIGIT / "_" / "-")
    package mutating func objectIdentifier() throws(SyntaxError) -> String {
        let start = self.offset
        let identifier = try self.word("objectid") { $0.isKeywordCharacter && $0 != UInt8(ascii: ".") }
        guard identifier.utf8.count <= 255 else { throw SyntaxError(expected: "objectid", offset: start) }
        return identifier
    }

    private mutating func word(_ production: String, _ isMember: (UInt8) -> Bool) throws(SyntaxError) -> String {
        let octets = self.take(while: isMember)
        guard !octets.isEmpty else { throw self.expected(production) }
        return String(decoding: octets, as: UTF8.self)
    }

    private mutating func uppercasedWord(
        _ production: String,
        _ isMember: (UInt8) -> Bool
    ) throws(SyntaxError) -> String {
        let octets = self.take(while: isMember)
        guard !octets.isEmpty else { throw self.expected(production) }
        guard octets.contains(where: \.isLowercase) else { return String(decoding: octets, as: UTF8.self) }
        return String(decoding: octets.map(\.uppercased), as: UTF8.self)
    }
}
