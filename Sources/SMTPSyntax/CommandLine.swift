// SPDX-License-Identifier: Apache-2.0

/// One command (RFC 5321 §4.1.1): a verb and what stands behind it.
package struct CommandLine: Hashable, Sendable {
    /// In upper case: `"MAIL"`.
    ///
    /// Unknown verbs are verbs, too: whether there is such a command the session decides.
    package let verb: String
    /// What stands behind the verb and its space, without trailing white space; for ``CommandParser``.
    ///
    /// Free of controls.
    package let arguments: ArraySlice<UInt8>

    /// The longest verb of any extension is STARTTLS; anything far beyond that is not a mail client's.
    static let verbLimit = 32

    /// Reads a line that ``LineFramer`` has cut.
    ///
    /// Control characters are refused anywhere in it (RFC 5321 §4.1.2). White space before the CRLF is tolerated, as
    /// RFC 5321 §4.1.1 recommends.
    package init(_ line: ArraySlice<UInt8>) throws(SyntaxError) {
        var line = line
        while let last = line.last, last == .space || last == .horizontalTab { line.removeLast() }
        let verb = line.prefix { $0.isLetterOrDigit || $0 == .hyphen }
        guard let first = verb.first, first.isLetter, verb.count <= Self.verbLimit else {
            throw SyntaxError(expected: "command verb")
        }
        let rest = line[verb.endIndex...]
        guard rest.isEmpty || rest.first == .space else {
            throw SyntaxError(expected: "SP behind the verb", offset: verb.count)
        }
        if let control = rest.firstIndex(where: \.isControl) {
            throw SyntaxError(expected: "printable characters", offset: control - line.startIndex)
        }
        self.verb = String(decoding: verb.map(\.asciiUppercased), as: UTF8.self)
        self.arguments = rest.dropFirst()
    }
}
