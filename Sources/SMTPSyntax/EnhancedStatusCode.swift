// SPDX-License-Identifier: Apache-2.0

/// An enhanced status code, `class.subject.detail` (RFC 3463 §2, in replies RFC 2034 §4).
package struct EnhancedStatusCode: Hashable, Sendable, CustomStringConvertible {
    /// 2 success, 4 persistent transient failure, 5 permanent failure.
    package let `class`: Int
    /// 0...999: 1 address, 2 mailbox, 3 mail system, 4 network, 5 protocol, 6 content, 7 policy.
    package let subject: Int
    /// 0...999.
    package let detail: Int

    /// A code that the program knows to be one.
    package init(_ class: Int, _ subject: Int, _ detail: Int) {
        precondition([2, 4, 5].contains(`class`) && 0...999 ~= subject && 0...999 ~= detail)
        self.class = `class`
        self.subject = subject
        self.detail = detail
    }

    /// Reads a code, and nothing behind it.
    package init(parsing text: String) throws(SyntaxError) {
        guard let (code, end) = Self.prefix(of: Array(text.utf8)[...]), end == text.utf8.count else {
            throw SyntaxError(expected: "status-code")
        }
        self = code
    }

    /// The code at the beginning of `text`, and the index behind it.
    ///
    /// status-code ::= class "." subject "." detail
    ///
    /// class ::= "2" / "4" / "5" ; subject, detail ::= 1*3digit
    static func prefix(of text: ArraySlice<UInt8>) -> (code: Self, end: Int)? {
        var numbers: [Int] = []
        var rest = text
        for position in 0..<3 {
            if position > 0 {
                guard rest.first == .dot else { return nil }
                rest.removeFirst()
            }
            let digits = rest.prefix(4).prefix(while: \.isDigit)
            guard digits.count <= (position == 0 ? 1 : 3), let number = UInt64(decimal: digits) else { return nil }
            numbers.append(Int(number))
            rest = rest[digits.endIndex...]
        }
        guard [2, 4, 5].contains(numbers[0]) else { return nil }
        return (Self(numbers[0], numbers[1], numbers[2]), rest.startIndex)
    }

    package var description: String { "\(self.class).\(self.subject).\(self.detail)" }
}
