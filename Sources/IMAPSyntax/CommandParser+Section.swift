// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// Reads what of a message, or of a part of it, is wanted.
    ///
    ///     section         = "[" [section-spec] "]"
    ///     section-spec    = section-msgtext / (section-part ["." section-text])
    ///     section-text    = section-msgtext / "MIME"
    package mutating func section() throws(SyntaxError) -> Section {
        try self.expect(UInt8(ascii: "["), "\"[\"")
        var section = Section()
        if let digit = self.peek(), digit.isDigit {
            let (part, hasText) = try self.sectionPart()
            section.part = part
            if hasText { section.text = try self.sectionText(ofPart: true) }
        } else if !self.peek(UInt8(ascii: "]")) {
            section.text = try self.sectionText(ofPart: false)
        }
        try self.expect(UInt8(ascii: "]"), "\"]\"")
        return section
    }

    /// Reads the path to a part, as BINARY takes it; empty for the whole message.
    ///
    ///     section-binary  = "[" [section-part] "]"
    package mutating func sectionBinary() throws(SyntaxError) -> [UInt32] {
        try self.expect(UInt8(ascii: "["), "\"[\"")
        guard !self.accept(UInt8(ascii: "]")) else { return [] }
        let (part, hasText) = try self.sectionPart()
        guard !hasText else { throw self.expected("nz-number") }
        try self.expect(UInt8(ascii: "]"), "\"]\"")
        return part
    }

    /// Reads the range of octets of a section that is wanted.
    ///
    ///     partial         = "<" number64 "." nz-number64 ">"
    package mutating func partial() throws(SyntaxError) -> Partial {
        try self.expect(UInt8(ascii: "<"), "\"<\"")
        let offset = try self.number64()
        try self.expect(UInt8(ascii: "."), "\".\"")
        let count = try self.nzNumber64()
        try self.expect(UInt8(ascii: ">"), "\">\"")
        return Partial(offset: offset, count: count)
    }

    /// Reads part numbers, and the dot behind them where something other than a number follows it.
    ///
    ///     section-part    = nz-number *("." nz-number)
    private mutating func sectionPart() throws(SyntaxError) -> (part: [UInt32], hasText: Bool) {
        var part = [try self.nzNumber()]
        while self.accept(UInt8(ascii: ".")) {
            guard let digit = self.peek(), digit.isDigit else { return (part, true) }
            guard part.count < Section.maximumDepth else {
                throw self.expected("at most \(Section.maximumDepth) part numbers")
            }
            part.append(try self.nzNumber())
        }
        return (part, false)
    }

    /// Reads what of the message or part is meant.
    ///
    ///     section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
    ///     header-list     = "(" header-fld-name *(SP header-fld-name) ")"
    ///     header-fld-name = astring
    private mutating func sectionText(ofPart: Bool) throws(SyntaxError) -> Section.Text {
        let start = self.offset
        switch try self.keywordToken() {
        case "HEADER": return .header
        case "TEXT": return .text
        case "MIME" where ofPart: return .mime
        case "HEADER.FIELDS": return .headerFields(try self.headerList())
        case "HEADER.FIELDS.NOT": return .headerFieldsNot(try self.headerList())
        default: throw SyntaxError(expected: ofPart ? "section-text" : "section-msgtext", offset: start)
        }
    }

    private mutating func headerList() throws(SyntaxError) -> [[UInt8]] {
        try self.sp()
        return try self.parenthesized { (parser: inout CommandParser) throws(SyntaxError) in
            let start = parser.offset
            let name = try parser.astring()
            // RFC 5322 §2.2: printable ASCII without the colon. More could break the label that echoes it.
            guard !name.isEmpty, name.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: ":") }) else {
                throw SyntaxError(expected: "header-fld-name", offset: start)
            }
            return name
        }
    }
}
