// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What stands behind the items of a FETCH (RFC 4466 §2.4).
struct FetchModifiers: Sendable {
    /// Only these of the messages that there are (RFC 9394 §3.3).
    private var partial: PartialRange?

    /// None.
    init() {}

    // fetch-modifiers = SP "(" fetch-modifier *(SP fetch-modifier) ")"                         (RFC 4466 §2.4)
    // fetch-modifier  =/ modifier-partial                                                      (RFC 9394 §4)
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        let ranges = try parser.parenthesized(maximum: 16) {
            (parser: inout CommandParser) throws(SyntaxError) -> PartialRange in
            // "also extends the UID FETCH command": FETCH it does not.
            guard addressing == .uids else { throw parser.expected("no modifier") }
            try parser.expect(keyword: "PARTIAL")
            try parser.sp()
            return try parser.partialRange()
        }
        guard ranges.count == 1 else { throw parser.expected("each modifier once") }
        self.partial = ranges.first
    }

    /// The messages to answer for, of those that the set names.
    func selected(of uids: [UID]) -> [UID] {
        self.partial.map { Array(uids[$0.indices(in: uids.count)]) } ?? uids
    }
}
