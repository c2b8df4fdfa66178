// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What a SEARCH answers: RETURN's options (RFC 9051 §6.4.4), or none for RFC 3501's form.
struct SearchReturn: Sendable {
    private var isMinimum = false
    private var isMaximum = false
    private var isAll = false
    private var isCount = false
    private(set) var isSaved = false

    // search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.expect(keyword: "RETURN")
        try parser.sp()
        let start = parser.offset
        let options = try parser.parenthesized(maximum: 16, mayBeEmpty: true) {
            (parser: inout CommandParser) throws(SyntaxError) in try parser.keywordToken()
        }
        for option in options {
            switch option {
            case "MIN": self.isMinimum = true
            case "MAX": self.isMaximum = true
            case "ALL": self.isAll = true
            case "COUNT": self.isCount = true
            case "SAVE": self.isSaved = true
            default: throw SyntaxError(expected: "a return option", offset: start)
            }
        }
        if options.isEmpty { self.isAll = true }
    }

    /// What an IMAP4rev2 client gets without asking for anything.
    static let all = SearchReturn()
    private init() { self.isAll = true }

    /// What `$` becomes: all that was found, or only what MIN and MAX name (RFC 5182 §2.4).
    func saved(_ found: [UID]) -> [UID] {
        guard self.isMinimum || self.isMaximum, !self.isAll, !self.isCount else { return found }
        var saved: [UID] = []
        if self.isMinimum, let first = found.first { saved.append(first) }
        if self.isMaximum, let last = found.last, saved.last != last { saved.append(last) }
        return saved
    }

    /// `* ESEARCH (TAG "tag") …`, RFC 9051 §7.3.4.
    ///
    /// `numbers` are UIDs or sequence numbers, ascending; `modSeq` is their highest mod-sequence, if that is asked for
    /// and there are any (RFC 4731 §3.2).
    func write(
        _ numbers: [UInt32],
        modSeq: UInt64? = nil,
        tag: String,
        addressing: Addressing,
        to writer: inout ResponseWriter
    ) {
        // Only SAVE: nothing is to be told (RFC 5182 §2.1).
        guard self.isMinimum || self.isMaximum || self.isAll || self.isCount else { return }
        writer.raw("* ")
        writer.raw("ESEARCH (TAG ")
        writer.string(tag)
        writer.raw(")")
        if addressing == .uids { writer.raw(" UID") }
        if self.isMinimum, let first = numbers.first { writer.raw(" MIN \(first)") }
        if self.isMaximum, let last = numbers.last { writer.raw(" MAX \(last)") }
        if self.isCount { writer.raw(" COUNT \(numbers.count)") }
        if self.isAll, !numbers.isEmpty {
            writer.raw(" ALL ")
            writer.sequenceSet(NumberSet(ascending: numbers))
        }
        if let modSeq { writer.raw(" MODSEQ \(modSeq)") }
        writer.crlf()
    }
}
