// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What stands behind the items of a FETCH (RFC 4466 §2.4).
struct FetchModifiers: Sendable {
    /// Only these of the messages that there are (RFC 9394 §3.3).
    var partial: PartialRange?

    init() {}

    // fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"
    // fetch-modifier  =/ modifier-partial
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        let start = parser.offset
        let modifiers = try parser.parenthesized(maximum: 16) {
            (parser: inout CommandParser) throws(SyntaxError) -> (name: String, range: PartialRange) in
            let start = parser.offset
            let name = try parser.keywordToken()
            switch name {
            // RFC 9394 §3.3: it "extends the UID FETCH command", and no other.
            case "PARTIAL" where addressing == .uids:
                try parser.sp()
                return (name, try parser.partialRange())
            default: throw SyntaxError(expected: "a fetch modifier", offset: start)
            }
        }
        guard Set(modifiers.map(\.name)).count == modifiers.count else {
            throw SyntaxError(expected: "each fetch modifier once", offset: start)
        }
        self.partial = modifiers.first?.range
    }

    /// The messages to answer for, of those that the set names.
    func selected(of uids: [UID]) -> [UID] {
        self.partial.map { Array(uids[$0.indices(in: uids.count)]) } ?? uids
    }
}
