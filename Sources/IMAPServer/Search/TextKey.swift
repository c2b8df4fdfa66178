// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// BODY and TEXT: a string within the decoded text of the message; with TEXT also within its header and what the MIME
/// headers say of its parts.
///
/// The octets are read once for all keys of a program: the run notes in ``SearchedMessage/foundTexts`` what was found.
struct TextKey: SearchKey {
    static let names = ["BODY", "TEXT"]
    let includesHeader: Bool
    let finder: SubstringFinder
    /// Its number among the text keys of its program.
    var number = 0

    // "BODY" SP astring
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.includesHeader = name == "TEXT"
        self.finder = try SubstringFinder(searching: &parser)
    }

    var cost: SearchCost { .content }

    func matches(_ message: SearchedMessage) -> Bool { message.foundTexts.contains(self.number) }

    var term: TextTerm? { TextTerm(self.includesHeader ? .text : .body, self.finder.pattern) }
}
