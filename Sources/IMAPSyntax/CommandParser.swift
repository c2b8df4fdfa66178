// SPDX-License-Identifier: Apache-2.0

/// Reads one complete command, literals included, by the productions of RFC 9051 §9.
///
/// A method named after a production consumes it or throws; what it leaves behind when it throws is of no use. The
/// input is always complete (``CommandFramer`` saw to that), so there is no "need more" here. Each command reads its
/// own arguments with these methods; the methods know no command.
package struct CommandParser: Sendable {
    /// How mailbox names are spelled by this client, and how much nesting it may use.
    package struct Options: Hashable, Sendable {
        package var encoding: MailboxName.Encoding
        /// The most parentheses, or other recursion, within each other; bounds the stack.
        package var nestingLimit: Int

        package init(encoding: MailboxName.Encoding = .modifiedUTF7, nestingLimit: Int = 200) {
            self.encoding = encoding
            self.nestingLimit = nestingLimit
        }
    }

    package let options: Options
    let octets: [UInt8]
    /// How many octets are consumed.
    package internal(set) var offset = 0
    private var nesting = 0

    package init(_ command: [UInt8], options: Options = Options()) {
        self.octets = command
        self.options = options
    }

    /// Whether everything is consumed.
    package var atEnd: Bool { self.offset >= self.octets.count }

    /// The next octet, without consuming it; nil at the end.
    package func peek() -> UInt8? { self.atEnd ? nil : self.octets[self.offset] }

    /// Whether `octet` is next.
    package func peek(_ octet: UInt8) -> Bool { self.peek() == octet }

    /// Whether the letters, digits and signs of `keyword` are next, in any case.
    package func peek(keyword: String) -> Bool {
        let keyword = keyword.utf8
        guard self.octets.count - self.offset >= keyword.count else { return false }
        return zip(self.octets[self.offset...], keyword).allSatisfy { $0.uppercased == $1.uppercased }
    }

    /// Consumes `octet` if it is next.
    package mutating func accept(_ octet: UInt8) -> Bool {
        guard self.peek(octet) else { return false }
        self.offset += 1
        return true
    }

    /// Consumes `keyword` if it is next, in any case, and not the beginning of a longer one.
    package mutating func accept(keyword: String) -> Bool {
        guard self.peek(keyword: keyword) else { return false }
        let end = self.offset + keyword.utf8.count
        if end < self.octets.count, self.octets[end].isKeywordCharacter { return false }
        self.offset = end
        return true
    }

    /// Consumes `octet`, or throws that `production` was expected.
    package mutating func expect(_ octet: UInt8, _ production: String) throws(SyntaxError) {
        guard self.accept(octet) else { throw self.expected(production) }
    }

    /// Consumes `keyword`, in any case, or throws that it was expected.
    package mutating func expect(keyword: String) throws(SyntaxError) {
        guard self.accept(keyword: keyword) else { throw self.expected(keyword) }
    }

    /// Consumes the one space between two arguments.
    ///
    ///     SP              = <Defined in RFC 5234>
    package mutating func sp() throws(SyntaxError) { try self.expect(.space, "SP") }

    /// Requires that nothing is left.
    ///
    ///     command         = tag SP (command-any / command-auth / command-nonauth / command-select) CRLF
    package func end() throws(SyntaxError) {
        guard self.atEnd else { throw self.expected("end of command") }
    }

    /// Enters a level of nesting; throws where there are too many.
    package mutating func enterNesting() throws(SyntaxError) {
        guard self.nesting < self.options.nestingLimit else {
            throw self.expected("at most \(self.options.nestingLimit) levels of nesting")
        }
        self.nesting += 1
    }

    /// Leaves the level of nesting entered last.
    package mutating func leaveNesting() { self.nesting -= 1 }

    /// What to throw where `production` should stand.
    package func expected(_ production: String) -> SyntaxError {
        SyntaxError(expected: production, offset: self.offset)
    }

    /// Consumes octets while `isMember` holds.
    mutating func take(while isMember: (UInt8) -> Bool) -> ArraySlice<UInt8> {
        let start = self.offset
        while self.offset < self.octets.count, isMember(self.octets[self.offset]) { self.offset += 1 }
        return self.octets[start..<self.offset]
    }
}
