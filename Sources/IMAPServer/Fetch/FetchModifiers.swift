// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What stands behind the items of a FETCH (RFC 4466 §2.4).
struct FetchModifiers: Sendable {
    /// Only what has changed after this mod-sequence (RFC 7162 §3.1.4.1).
    var changedSince: ModSeq?
    /// Tell first what has been expunged since then (RFC 7162 §3.2.6).
    var isVanished = false

    init() {}

    // fetch-modifiers     = SP "(" fetch-modifier *(SP fetch-modifier) ")"
    // chgsince-fetch-mod  = "CHANGEDSINCE" SP mod-sequence-value
    // rexpunges-fetch-mod = "VANISHED"
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        let start = parser.offset
        let modifiers = try parser.parenthesized(maximum: 16) {
            (parser: inout CommandParser) throws(SyntaxError) -> (name: String, modSeq: UInt64) in
            let start = parser.offset
            let name = try parser.keywordToken()
            switch name {
            case "CHANGEDSINCE":
                try parser.sp()
                return (name, try parser.modSequenceValzer())
            case "VANISHED": return (name, 0)
            default: throw SyntaxError(expected: "a fetch modifier", offset: start)
            }
        }
        guard Set(modifiers.map(\.name)).count == modifiers.count else {
            throw SyntaxError(expected: "each fetch modifier once", offset: start)
        }
        for modifier in modifiers {
            if modifier.name == "VANISHED" {
                self.isVanished = true
            } else {
                self.changedSince = ModSeq(rawValue: Int64(clamping: modifier.modSeq))
            }
        }
        guard !self.isVanished || addressing == .uids && self.changedSince != nil else {
            throw SyntaxError(expected: "VANISHED with UID FETCH and CHANGEDSINCE only", offset: start)
        }
    }
}
