// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// What stands behind the mailbox of SELECT and EXAMINE (RFC 4466 §2.1).
struct SelectParameters: Sendable {
    /// CONDSTORE, RFC 7162 §3.1.8.
    private(set) var enablesCondstore = false
    /// QRESYNC, RFC 7162 §3.2.5.
    private(set) var resynchronization: QuickResynchronization?

    // select-params   = SP "(" select-param *(SP select-param) ")"
    // condstore-param = "CONDSTORE"
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        guard parser.accept(UInt8(ascii: " ")) else { return }
        let start = parser.offset
        let parameters = try parser.parenthesized(maximum: 16) {
            (parser: inout CommandParser) throws(SyntaxError) -> (name: String, value: QuickResynchronization?) in
            let start = parser.offset
            let name = try parser.keywordToken()
            switch name {
            case "CONDSTORE": return (name, nil)
            case "QRESYNC":
                try parser.sp()
                return (name, try parser.quickResynchronization())
            default: throw SyntaxError(expected: "a select parameter", offset: start)
            }
        }
        guard Set(parameters.map(\.name)).count == parameters.count else {
            throw SyntaxError(expected: "each select parameter once", offset: start)
        }
        self.enablesCondstore = parameters.contains { $0.name == "CONDSTORE" }
        self.resynchronization = parameters.compactMap(\.value).first
    }
}
