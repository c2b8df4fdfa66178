// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What stands behind the items of a FETCH (RFC 4466 §2.4).
struct FetchModifiers: Sendable {
    /// Only these of the messages that there are (RFC 9394 §3.3).
    private(set) var partial: PartialRange?
    /// Only what has changed after this mod-sequence (RFC 7162 §3.1.4.1).
    private(set) var changedSince: ModSeq?
    /// Tell first what has been expunged since then (RFC 7162 §3.2.6).
    private(set) var isVanished = false

    private enum Modifier {
        case partial(PartialRange)
        case changedSince(ModSeq)
        case vanished
    }

    init() {}

    // fetch-modifiers     = SP "(" fetch-modifier *(SP fetch-modifier) ")"
    // fetch-modifier      =/ modifier-partial
    // chgsince-fetch-mod  = "CHANGEDSINCE" SP mod-sequence-value
    // rexpunges-fetch-mod = "VANISHED"
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        let start = parser.offset
        let modifiers = try parser.parenthesized(maximum: 16) {
            (parser: inout CommandParser) throws(SyntaxError) -> (name: String, Modifier) in
            let start = parser.offset
            let name = try parser.keywordToken()
            switch name {
            // RFC 9394 §3.3: it "extends the UID FETCH command", and no other.
            case "PARTIAL" where addressing == .uids:
                try parser.sp()
                return (name, .partial(try parser.partialRange()))
            case "CHANGEDSINCE":
                try parser.sp()
                return (name, .changedSince(ModSeq(rawValue: Int64(clamping: try parser.modSequenceValzer()))))
            case "VANISHED": return (name, .vanished)
            default: throw SyntaxError(expected: "a fetch modifier", offset: start)
            }
        }
        guard Set(modifiers.map(\.name)).count == modifiers.count else {
            throw SyntaxError(expected: "each fetch modifier once", offset: start)
        }
        for (_, modifier) in modifiers {
            switch modifier {
            case .partial(let range): self.partial = range
            case .changedSince(let modSeq): self.changedSince = modSeq
            case .vanished: self.isVanished = true
            }
        }
        guard !self.isVanished || addressing == .uids && self.changedSince != nil else {
            throw SyntaxError(expected: "VANISHED with UID FETCH and CHANGEDSINCE only", offset: start)
        }
    }

    /// The messages to answer for, of those that the set names.
    func selected(of uids: [UID]) -> [UID] {
        self.partial.map { Array(uids[$0.indices(in: uids.count)]) } ?? uids
    }
}
