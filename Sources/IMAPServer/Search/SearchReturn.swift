// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What a search answers: RETURN's options (RFC 9051 §6.4.4, RFC 5267 §3.1, RFC 9394 §3.1), or none for RFC 3501's form.
struct SearchReturn: Sendable {
    private var isMinimum = false
    private var isMaximum = false
    private var isAll = false
    private var isCount = false
    private var partial: PartialRange?
    private(set) var isSaved = false
    /// Whether the client wants to hear of changes to the result (RFC 5267 §4.3).
    private(set) var isUpdated = false
    /// What it wants to know of new messages among the changes (RFC 5465 §7).
    private(set) var updateItems: [any FetchItem] = []
    /// Whether it only hints that it comes back, with CONTEXT, which nothing is done about (RFC 5267 §4.2).
    private var isHint = false

    private struct Option {
        var name: String
        var range: PartialRange?
        var items: [any FetchItem] = []
    }

    // search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.expect(keyword: "RETURN")
        try parser.sp()
        let start = parser.offset
        let options = try parser.parenthesized(maximum: 16, mayBeEmpty: true) {
            (parser: inout CommandParser) throws(SyntaxError) -> Option in
            let name = try parser.keywordToken()
            switch name {
            case "PARTIAL":
                try parser.sp()
                return Option(name: name, range: try parser.partialRange())
            // modifier-update = "UPDATE" [ "(" fetch-att *(SP fetch-att) ")" ]
            case "UPDATE": return Option(name: name, items: try parser.fetchItemsIfNext())
            default: return Option(name: name)
            }
        }
        for option in options {
            switch option.name {
            case "MIN": self.isMinimum = true
            case "MAX": self.isMaximum = true
            case "ALL": self.isAll = true
            case "COUNT": self.isCount = true
            case "SAVE": self.isSaved = true
            case "CONTEXT": self.isHint = true
            case "UPDATE": (self.isUpdated, self.updateItems) = (true, option.items)
            case "PARTIAL" where self.partial == nil: self.partial = option.range
            default: throw SyntaxError(expected: "a return option", offset: start)
            }
        }
        guard !self.isAll || self.partial == nil else {
            throw SyntaxError(expected: "either ALL or PARTIAL", offset: start)
        }
        if options.isEmpty { self.isAll = true }
    }

    /// Reads the options if they are next, and the space behind them.
    static func ifPresent(_ parser: inout CommandParser) throws(SyntaxError) -> SearchReturn? {
        guard parser.peek(keyword: "RETURN") else { return nil }
        let returns = try SearchReturn(&parser)
        try parser.sp()
        return returns
    }

    /// What an IMAP4rev2 client gets without asking for anything.
    static let all = SearchReturn()
    private init() { self.isAll = true }

    /// What `$` becomes, ascending: all that was found, or only what MIN, MAX and PARTIAL name (RFC 5182 §2.4,
    /// RFC 9394 §3.2).
    ///
    /// `found` is in the order requested.
    func saved(_ found: [UID]) -> [UID] {
        guard self.isMinimum || self.isMaximum || self.partial != nil, !self.isAll, !self.isCount else {
            return found.sorted()
        }
        var saved: Set<UID> = []
        if let partial = self.partial { saved.formUnion(found[partial.indices(in: found.count)]) }
        if self.isMinimum, let first = found.first { saved.insert(first) }
        if self.isMaximum, let last = found.last { saved.insert(last) }
        return saved.sorted()
    }

    /// `* ESEARCH (TAG "tag") …`, RFC 9051 §7.3.4.
    ///
    /// `numbers` are UIDs or sequence numbers in the order requested; `modSeq` is their highest mod-sequence, if that is
    /// asked for and there are any (RFC 4731 §3.2). `mailbox` is told if it need not be the one that is selected
    /// (RFC 7377 §2.1).
    func write(
        _ numbers: [UInt32],
        modSeq: UInt64? = nil,
        tag: String,
        of mailbox: (name: MailboxName, uidValidity: UIDValidity)? = nil,
        addressing: Addressing,
        to writer: inout ResponseWriter
    ) {
        // Only SAVE: nothing is to be told (RFC 5182 §2.1).
        let hasItems = self.isMinimum || self.isMaximum || self.isAll || self.isCount || self.partial != nil
        guard hasItems || self.isUpdated || self.isHint else { return }
        writer.raw("* ")
        writer.raw("ESEARCH (TAG ")
        writer.string(tag)
        if let mailbox {
            writer.raw(" MAILBOX ")
            writer.mailbox(mailbox.name)
            writer.raw(" UIDVALIDITY \(mailbox.uidValidity.rawValue)")
        }
        writer.raw(")")
        if addressing == .uids { writer.raw(" UID") }
        if self.isMinimum, let first = numbers.first { writer.raw(" MIN \(first)") }
        if self.isMaximum, let last = numbers.last { writer.raw(" MAX \(last)") }
        if self.isCount { writer.raw(" COUNT \(numbers.count)") }
        if self.isAll, !numbers.isEmpty {
            writer.raw(" ALL ")
            writer.sequenceSet(inOrder: numbers)
        }
        if let partial = self.partial {
            writer.raw(" PARTIAL (")
            writer.partialRange(partial)
            writer.sp()
            let wanted = numbers[partial.indices(in: numbers.count)]
            if wanted.isEmpty { writer.raw("NIL") } else { writer.sequenceSet(inOrder: wanted) }
            writer.raw(")")
        }
        if let modSeq { writer.raw(" MODSEQ \(modSeq)") }
        writer.crlf()
    }
}
