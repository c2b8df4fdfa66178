// SPDX-License-Identifier: Apache-2.0

/// One parameter of MAIL or RCPT (RFC 5321 §4.1.2): `SIZE=1000`, `SMTPUTF8`.
package struct Parameter: Hashable, Sendable, CustomStringConvertible {
    /// In upper case.
    package let keyword: String
    /// nil without `=`; never empty.
    package let value: String?

    /// A parameter to send.
    ///
    /// `value` must be an esmtp-value: encode with ``XText`` what may not be one.
    package init(_ keyword: String, _ value: String? = nil) {
        precondition(value.map(Self.isValue) ?? true, "not an esmtp-value")
        self.keyword = keyword.asciiUppercased
        self.value = value
    }

    /// Whether this may stand behind a keyword and `=`.
    ///
    /// esmtp-value = 1*(%d33-60 / %d62-126) ; / UTF8-non-ascii (RFC 6531 §3.3)
    private static func isValue(_ value: String) -> Bool {
        !value.isEmpty && value.utf8.allSatisfy { !$0.isControl && $0 != .space && $0 != UInt8(ascii: "=") }
    }

    package var description: String { self.value.map { "\(self.keyword)=\($0)" } ?? self.keyword }
}

/// The parameters of a MAIL or RCPT command, each keyword at most once.
///
/// `Parameters+Mail.swift` and `Parameters+Recipient.swift` read the known ones. The session compares ``keywords`` with
/// what its extensions define: any other is answered with 555 (RFC 5321 §4.1.1.11).
package struct Parameters: Hashable, Sendable {
    /// In the order in which they were sent.
    package let all: [Parameter]

    /// The most parameters one command may have: more than all registered extensions together define.
    package static let limit = 32

    /// Parameters of which no two have the same keyword.
    package init(_ all: [Parameter] = []) {
        self.all = all
    }

    package var keywords: [String] { self.all.map(\.keyword) }

    /// The parameter named `keyword` (in upper case).
    package subscript(_ keyword: String) -> Parameter? { self.all.first { $0.keyword == keyword } }

    /// The value of `keyword`; nil if it was not given.
    ///
    /// - Throws: `SyntaxError` if it was given without a value.
    func value(_ keyword: String) throws(SyntaxError) -> String? {
        guard let parameter = self[keyword] else { return nil }
        guard let value = parameter.value else { throw SyntaxError(expected: "\(keyword)=value") }
        return value
    }

    /// Whether `keyword` was given.
    ///
    /// - Throws: `SyntaxError` if it was given with a value.
    func flag(_ keyword: String) throws(SyntaxError) -> Bool {
        guard let parameter = self[keyword] else { return false }
        guard parameter.value == nil else { throw SyntaxError(expected: "\(keyword) without a value") }
        return true
    }
}

extension CommandParser {
    /// [SP Mail-parameters] and [SP Rcpt-parameters], up to the end of the line.
    ///
    /// Mail-parameters = esmtp-param *(SP esmtp-param)
    package mutating func parameters() throws(SyntaxError) -> Parameters {
        var all: [Parameter] = []
        while !self.isAtEnd {
            try self.space()
            guard all.count < Parameters.limit else {
                throw self.expected("at most \(Parameters.limit) parameters")
            }
            let start = self
            let parameter = try self.parameter()
            guard !all.contains(where: { $0.keyword == parameter.keyword }) else {
                throw start.expected("each parameter once")
            }
            all.append(parameter)
        }
        return Parameters(all)
    }

    /// Parameters without a space in front of the first, up to the end of the line: those of XCLIENT.
    package mutating func attributes() throws(SyntaxError) -> Parameters {
        let first = try self.parameter()
        let start = self
        let others = try self.parameters()
        guard others[first.keyword] == nil else { throw start.expected("each attribute once") }
        return Parameters([first] + others.all)
    }

    /// One parameter.
    ///
    /// esmtp-param = esmtp-keyword ["=" esmtp-value]
    ///
    /// esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
    private mutating func parameter() throws(SyntaxError) -> Parameter {
        let keyword = self.rest.prefix { $0.isLetterOrDigit || $0 == .hyphen }
        guard let first = keyword.first, first != .hyphen else { throw self.expected("esmtp-keyword") }
        self.advance(to: keyword.endIndex)
        let name = String(decoding: keyword, as: UTF8.self)
        guard self.consume(UInt8(ascii: "=")) else {
            guard self.isAtEnd || self.rest.first == .space else { throw self.expected("esmtp-keyword") }
            return Parameter(name)
        }
        let allowsUTF8 = self.allowsUTF8
        let value = self.rest.prefix { $0 != .space && $0 != UInt8(ascii: "=") && ($0.isASCII || allowsUTF8) }
        guard !value.isEmpty, let text = String(graphic: value) else { throw self.expected("esmtp-value") }
        self.advance(to: value.endIndex)
        return Parameter(name, text)
    }
}
