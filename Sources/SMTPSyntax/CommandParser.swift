// SPDX-License-Identifier: Apache-2.0

/// Reads the arguments of one command by the productions of RFC 5321 §4.1.2 and its extensions.
///
/// A method named after a production consumes it or throws. The arguments are complete (``LineFramer`` saw to that), so
/// there is no "need more octets" here. Every method looks at each octet a fixed number of times and never recurses.
package struct CommandParser: Sendable {
    /// What has not been consumed yet.
    package private(set) var rest: ArraySlice<UInt8>
    /// Whether RFC 6531's additions to the grammar hold: we offered SMTPUTF8 to this client.
    package let allowsUTF8: Bool

    private let start: Int

    package init(_ arguments: ArraySlice<UInt8>, allowsUTF8: Bool = false) {
        self.rest = arguments
        self.start = arguments.startIndex
        self.allowsUTF8 = allowsUTF8
    }

    package var isAtEnd: Bool { self.rest.isEmpty }

    /// That nothing is left: RFC 5321 §4.1.1 wants arguments refused where there are none.
    package func end() throws(SyntaxError) {
        guard self.rest.isEmpty else { throw self.expected("end of line") }
    }

    /// At least one space.
    ///
    /// 1*SP
    ///
    /// QUIRK: RFC 5321 has one SP between arguments; old clients that pad with more are understood all the same.
    package mutating func space() throws(SyntaxError) {
        guard self.rest.first == .space else { throw self.expected("SP") }
        self.skipSpaces()
    }

    /// A word of the grammar in any case, given in upper case, with no letter, digit or hyphen behind it.
    package mutating func keyword(_ keyword: StaticString) throws(SyntaxError) {
        let word = self.rest.prefix { $0.isLetterOrDigit || $0 == .hyphen }
        guard word.isKeyword(keyword) else { throw self.expected(keyword.description) }
        self.advance(to: word.endIndex)
    }

    /// 1*DIGIT, at most 2^64 - 1.
    package mutating func number() throws(SyntaxError) -> UInt64 {
        let digits = self.rest.prefix(while: \.isDigit)
        guard !digits.isEmpty, let number = UInt64(decimal: digits) else { throw self.expected("number") }
        self.advance(to: digits.endIndex)
        return number
    }

    /// A word or a quoted string.
    ///
    /// String = Atom / Quoted-string
    package mutating func string() throws(SyntaxError) -> String {
        if self.rest.first == .quote { return try self.quotedString() }
        return try self.atom()
    }

    /// A word.
    ///
    /// Atom = 1*atext
    package mutating func atom() throws(SyntaxError) -> String {
        let allowsUTF8 = self.allowsUTF8
        let octets = self.rest.prefix { $0.isAtomText || (allowsUTF8 && !$0.isASCII) }
        guard !octets.isEmpty, let text = String(graphic: octets) else { throw self.expected("Atom") }
        self.advance(to: octets.endIndex)
        return text
    }

    /// A quoted string.
    ///
    /// Quoted-string = DQUOTE *QcontentSMTP DQUOTE
    ///
    /// QcontentSMTP = qtextSMTP / quoted-pairSMTP
    ///
    /// - Returns: the text without quotes and backslashes; may be empty.
    package mutating func quotedString() throws(SyntaxError) -> String {
        guard self.rest.first == .quote else { throw self.expected("Quoted-string") }
        var text: [UInt8] = []
        var index = self.rest.startIndex + 1
        while index < self.rest.endIndex, self.rest[index] != .quote {
            if self.rest[index] == .backslash {
                index += 1
                // quoted-pairSMTP = %d92 %d32-126
                guard index < self.rest.endIndex, self.rest[index].isASCII else { break }
            }
            guard self.rest[index].isASCII || self.allowsUTF8 else { break }
            text.append(self.rest[index])
            index += 1
        }
        guard index < self.rest.endIndex, self.rest[index] == .quote, let text = String(graphic: text) else {
            throw self.expected("Quoted-string")
        }
        self.advance(to: index + 1)
        return text
    }

    mutating func skipSpaces() {
        self.rest = self.rest.drop { $0 == .space }
    }

    /// Consumes `octet`, which is called `name` in errors.
    mutating func octet(_ octet: UInt8, _ name: String) throws(SyntaxError) {
        guard self.rest.first == octet else { throw self.expected(name) }
        self.rest.removeFirst()
    }

    /// Whether `octet` comes next; consumes it if so.
    mutating func consume(_ octet: UInt8) -> Bool {
        guard self.rest.first == octet else { return false }
        self.rest.removeFirst()
        return true
    }

    mutating func advance(to index: Int) {
        self.rest = self.rest[index...]
    }

    /// The error that `what` was expected at the first octet that has not been consumed.
    func expected(_ what: String) -> SyntaxError {
        SyntaxError(expected: what, offset: self.rest.startIndex - self.start)
    }
}

extension UInt64 {
    /// The value of `digits`; nil for anything but digits, for none, and for more than 64 bits.
    init?(decimal digits: some Collection<UInt8>) {
        guard !digits.isEmpty else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit.isDigit else { return nil }
            let (product, overflowsProduct) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowsSum) = product.addingReportingOverflow(UInt64(digit &- 0x30))
            guard !overflowsProduct, !overflowsSum else { return nil }
            value = sum
        }
        self = value
    }
}
