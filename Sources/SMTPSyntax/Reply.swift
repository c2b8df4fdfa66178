// SPDX-License-Identifier: Apache-2.0

/// A reply (RFC 5321 §4.2): a code, for the machine, and lines of text, for people.
package struct Reply: Error, Hashable, Sendable {
    /// What the first digit says (RFC 5321 §4.2.1), all that a client may rely on.
    package enum Severity: Hashable, Sendable {
        /// 2yz
        case positiveCompletion
        /// 3yz
        case positiveIntermediate
        /// 4yz: try again later.
        case transientNegative
        /// 5yz: do not try that again.
        case permanentNegative
    }

    /// 200...599.
    package let code: Int
    /// The enhanced status code (RFC 2034): its class is the first digit of ``code``.
    ///
    /// Not with 3yz.
    package let enhanced: EnhancedStatusCode?
    /// The text of each line, without codes; at least one, which may be empty.
    package let lines: [String]

    package static let codes = 200...599

    /// A reply that the program knows to be well-formed.
    package init(_ code: Int, _ enhanced: EnhancedStatusCode?, _ lines: [String]) {
        precondition(Self.codes.contains(code), "no reply code")
        precondition(enhanced == nil || enhanced?.class == code / 100, "the enhanced status code contradicts the code")
        self.code = code
        self.enhanced = enhanced
        self.lines = lines.isEmpty ? [""] : lines
    }

    package init(_ code: Int, _ enhanced: EnhancedStatusCode?, _ line: String) {
        self.init(code, enhanced, [line])
    }

    /// A reply without enhanced status code: the greeting, those to EHLO and HELO, and 3yz (RFC 2034 §4).
    package init(_ code: Int, _ lines: String...) {
        self.init(code, nil, lines)
    }

    package var severity: Severity {
        switch self.code {
        case ..<300: .positiveCompletion
        case ..<400: .positiveIntermediate
        case ..<500: .transientNegative
        default: .permanentNegative
        }
    }

    package var isPositive: Bool { self.code < 400 }
}

extension Reply: CustomStringConvertible {
    /// The reply on one line, for logs and reports: `550 5.1.1 No such mailbox here`.
    package var description: String {
        let head = self.enhanced.map { "\(self.code) \($0)" } ?? String(self.code)
        return ([head] + self.lines.filter { !$0.isEmpty }).joined(separator: " ")
    }
}
