// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// Reads a system flag or a keyword.
    ///
    ///     flag            = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
    ///     flag-extension  = "\" atom
    ///
    /// `\Recent` is read too: what it means to ask for it is the command's business.
    package mutating func flag() throws(SyntaxError) -> Flag {
        guard self.accept(.backslash) else { return .keyword(try self.keyword()) }
        return Flag(system: Keyword(unchecked: try self.atom()))
    }

    /// Reads flags in parentheses.
    ///
    ///     flag-list       = "(" [flag *(SP flag)] ")"
    package mutating func flagList() throws(SyntaxError) -> [Flag] {
        try self.parenthesized(mayBeEmpty: true) { (parser: inout CommandParser) throws(SyntaxError) in
            try parser.flag()
        }
    }

    /// Reads the flags of STORE, with or without parentheses.
    ///
    ///     flag-list / (flag *(SP flag))
    package mutating func storeFlags() throws(SyntaxError) -> [Flag] {
        guard !self.peek(UInt8(ascii: "(")) else { return try self.flagList() }
        var flags = [try self.flag()]
        while self.accept(.space) {
            guard flags.count < 1000 else { throw self.expected("at most 1000 items") }
            flags.append(try self.flag())
        }
        return flags
    }

    /// Reads a keyword.
    ///
    ///     flag-keyword    = "$MDNSent" / "$Forwarded" / "$Junk" / "$NotJunk" / "$Phishing" / atom
    package mutating func keyword() throws(SyntaxError) -> Keyword {
        Keyword(unchecked: try self.atom())
    }

    /// Reads the name of a flag's mod-sequence (RFC 7162 §7).
    ///
    ///     entry-flag-name     = DQUOTE "/flags/" attr-flag DQUOTE
    package mutating func entryFlagName() throws(SyntaxError) -> Flag {
        let start = self.offset
        var name = CommandParser(try self.quoted(), options: self.options)
        guard name.peek(keyword: "/FLAGS/") else { throw SyntaxError(expected: "entry-flag-name", offset: start) }
        name.offset = "/FLAGS/".utf8.count
        guard let flag = try? name.flag(), name.atEnd, flag != .recent else {
            throw SyntaxError(expected: "attr-flag", offset: start)
        }
        return flag
    }
}
