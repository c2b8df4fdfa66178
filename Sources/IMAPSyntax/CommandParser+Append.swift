// SPDX-License-Identifier: Apache-2.0

/// What APPEND and REPLACE say of messages, read piece by piece.
///
/// The octets of a message stand between the pieces, and never come here: each piece ends with the announcement of a
/// literal, the last one with the end of the command (RFC 9051 §6.3.12, RFC 3502, RFC 3516 §4.4, RFC 4469 §5,
/// RFC 6855 §4).
///
///     append          = "APPEND" SP mailbox 1*append-message
///     append-message  = [SP flag-list] [SP date-time] SP append-data
///     append-data     = literal / literal8 / "CATENATE" SP "(" cat-part *(SP cat-part) ")" / utf8-literal
///     cat-part        = "TEXT" SP literal / "URL" SP astring / utf8-literal
///     utf8-literal    = "UTF8" SP "(" literal8 ")"
package struct AppendMessages: Hashable, Sendable {
    /// What follows in the order in which the message is to be made.
    package enum Element: Hashable, Sendable {
        /// A message begins.
        case message(flags: [Flag], internalDate: InternalDate?)
        /// Octets follow; it is the last of its piece. `isMessage`: they are all of the message.
        case literal(LiteralHeader, isMessage: Bool)
        /// The octets that a URL names, as the client wrote it.
        case url([UInt8])
        /// The message is complete.
        case messageEnd
    }

    private enum State: Hashable, Sendable {
        case message
        /// Behind the octets of a message that is one literal.
        case messageOctets
        case part
        case afterPart
        case afterUTF8(isPart: Bool)
    }

    /// The most messages of one command, and the most parts of one message.
    package static let limit = 1000
    /// The longest URL.
    package static let urlLimit = 4096

    private var state = State.message
    private var messageCount = 0
    private var partCount = 0

    package init() {}

    /// Reads the next piece to its end.
    package mutating func read(_ parser: inout CommandParser) throws(SyntaxError) -> [Element] {
        var elements: [Element] = []
        if self.state == .messageOctets { self.endMessage(&elements) }
        while !parser.atEnd {
            switch self.state {
            case .message, .messageOctets: try self.message(&parser, &elements)
            case .part: try self.part(&parser, &elements)
            case .afterPart:
                if parser.accept(UInt8(ascii: ")")) {
                    self.endMessage(&elements)
                } else {
                    try parser.sp()
                    self.state = .part
                }
            case .afterUTF8(let isPart):
                try parser.expect(UInt8(ascii: ")"), "\")\"")
                if isPart { self.state = .afterPart } else { self.endMessage(&elements) }
            }
        }
        return elements
    }

    /// Requires that the last piece has been read: there is a message, and all are complete.
    package func end(_ parser: CommandParser) throws(SyntaxError) {
        guard self.state == .message, self.messageCount > 0 else {
            throw parser.expected(self.state == .message ? "append-message" : "cat-part or \")\"")
        }
    }

    /// Whether the literal that ends `piece` is a URL's, to be read with the piece and not streamed.
    ///
    ///     "URL" SP literal
    ///
    /// Of the first piece, what stands behind the mailbox's name: a mailbox may be called `URL`.
    package static func endsWithURL(_ piece: ArraySlice<UInt8>) -> Bool {
        guard piece.suffix(2) == [.cr, .lf] else { return false }
        let line = piece.dropLast(2)
        guard line.last == UInt8(ascii: "}"), let brace = line.lastIndex(of: UInt8(ascii: "{")) else { return false }
        return line[..<brace].suffix(5).map(\.uppercased) == Array(" URL ".utf8)
            || line[..<brace].suffix(5).map(\.uppercased) == Array("(URL ".utf8)
    }

    private mutating func endMessage(_ elements: inout [Element]) {
        elements.append(.messageEnd)
        self.state = .message
    }

    // append-message = [SP flag-list] [SP date-time] SP append-data
    private mutating func message(
        _ parser: inout CommandParser,
        _ elements: inout [Element]
    ) throws(SyntaxError) {
        try parser.sp()
        guard self.messageCount < Self.limit else { throw parser.expected("at most \(Self.limit) messages") }
        self.messageCount += 1
        self.partCount = 0
        var flags: [Flag] = []
        if parser.peek(UInt8(ascii: "(")) {
            flags = try parser.flagList()
            try parser.sp()
        }
        var internalDate: InternalDate?
        if parser.peek(.quote) {
            internalDate = try parser.dateTime()
            try parser.sp()
        }
        elements.append(.message(flags: flags, internalDate: internalDate))
        if parser.accept(keyword: "CATENATE") {
            try parser.sp()
            try parser.expect(UInt8(ascii: "("), "\"(\"")
            self.state = .part
        } else if parser.accept(keyword: "UTF8") {
            try self.utf8Literal(&parser, &elements, isPart: false)
        } else {
            elements.append(.literal(try parser.announcedLiteral(), isMessage: true))
            self.state = .messageOctets
        }
    }

    // cat-part = "TEXT" SP literal / "URL" SP astring / utf8-literal
    private mutating func part(_ parser: inout CommandParser, _ elements: inout [Element]) throws(SyntaxError) {
        guard self.partCount < Self.limit else { throw parser.expected("at most \(Self.limit) parts") }
        self.partCount += 1
        if parser.accept(keyword: "TEXT") {
            try parser.sp()
            elements.append(.literal(try parser.announcedLiteral(), isMessage: false))
            self.state = .afterPart
        } else if parser.accept(keyword: "URL") {
            try parser.sp()
            let start = parser.offset
            let url = try parser.astring()
            guard url.count <= Self.urlLimit else {
                throw SyntaxError(expected: "a URL of at most \(Self.urlLimit) octets", offset: start)
            }
            elements.append(.url(url))
            self.state = .afterPart
        } else if parser.accept(keyword: "UTF8") {
            try self.utf8Literal(&parser, &elements, isPart: true)
        } else {
            throw parser.expected("cat-part")
        }
    }

    // utf8-literal = "UTF8" SP "(" literal8 ")"
    private mutating func utf8Literal(
        _ parser: inout CommandParser,
        _ elements: inout [Element],
        isPart: Bool
    ) throws(SyntaxError) {
        try parser.sp()
        try parser.expect(UInt8(ascii: "("), "\"(\"")
        guard parser.peek(UInt8(ascii: "~")) else { throw parser.expected("literal8") }
        elements.append(.literal(try parser.announcedLiteral(), isMessage: !isPart))
        self.state = .afterUTF8(isPart: isPart)
    }
}

extension CommandParser {
    /// Reads the announcement of a literal whose octets are streamed: it ends the piece.
    fileprivate mutating func announcedLiteral() throws(SyntaxError) -> LiteralHeader {
        let header = try self.literalHeader()
        guard self.atEnd else { throw self.expected("end of line") }
        return header
    }
}
