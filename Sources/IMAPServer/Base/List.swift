// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// LIST, RFC 9051 §6.3.9, with its selection and return options (RFC 5258, RFC 5819, RFC 6154, RFC 8440).
struct ListCommand: IMAPCommand {
    static let name = "LIST"
    static let states = Set<SessionState>.loggedIn

    /// What stands between LIST and the reference.
    struct Selection: Sendable, Equatable {
        var isSubscribed = false
        var isRecursive = false
        var hasSpecialUse = false

        /// The options that select names, as CHILDINFO tells them.
        var criteria: [String] {
            (self.isSubscribed ? ["SUBSCRIBED"] : []) + (self.hasSpecialUse ? ["SPECIAL-USE"] : [])
        }
    }

    private static let patternLimit = 100

    private var selection = Selection()
    /// Whether it is more than IMAP4rev1 had (RFC 5258 §3).
    private var isExtended = false
    private let reference: [UInt8]?
    private let patterns: [[UInt8]?]
    private var returnsSubscribed = false
    private var returnsRights = false
    private var statusItems: [StatusItem] = []
    /// Entries of METADATA (RFC 9590).
    private var entries: [String] = []

    // list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        if parser.peek(UInt8(ascii: "(")) {
            self.selection = try Self.selection(&parser)
            self.isExtended = true
            try parser.sp()
        }
        self.reference = try parser.listReference()
        try parser.sp()
        // mbox-or-pat = list-mailbox / patterns
        if parser.peek(UInt8(ascii: "(")) { self.isExtended = true }
        self.patterns = try parser.oneOrParenthesized(maximum: Self.patternLimit) {
            (parser: inout CommandParser) throws(SyntaxError) in try parser.listMailbox()
        }
        if parser.accept(UInt8(ascii: " ")) {
            try parser.expect(keyword: "RETURN")
            try parser.sp()
            try self.returnOptions(&parser)
            self.isExtended = true
        }
        try parser.end()
    }

    // list-select-opts = "(" [(*(list-select-opt SP) list-select-base-opt *(SP list-select-opt)) / …] ")"
    private static func selection(_ parser: inout CommandParser) throws(SyntaxError) -> Selection {
        let start = parser.offset
        let options = try parser.parenthesized(maximum: 16, mayBeEmpty: true) {
            (parser: inout CommandParser) throws(SyntaxError) in try parser.keywordToken()
        }
        var selection = Selection()
        for option in options {
            switch option {
            case "SUBSCRIBED": selection.isSubscribed = true
            case "RECURSIVEMATCH": selection.isRecursive = true
            case "SPECIAL-USE": selection.hasSpecialUse = true
            case "REMOTE": break  // There are no remote mailboxes: nothing more, nothing less.
            default: throw SyntaxError(expected: "a selection option", offset: start)
            }
        }
        guard !selection.isRecursive || selection.isSubscribed || selection.hasSpecialUse else {
            throw SyntaxError(expected: "another selection option besides RECURSIVEMATCH", offset: start)
        }
        return selection
    }

    // list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")"
    private mutating func returnOptions(_ parser: inout CommandParser) throws(SyntaxError) {
        typealias Option = (name: String, status: [StatusItem], entries: [String])
        let options = try parser.parenthesized(maximum: 16, mayBeEmpty: true) {
            (parser: inout CommandParser) throws(SyntaxError) -> Option in
            let start = parser.offset
            let option = try parser.keywordToken()
            switch option {
            case "SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "MYRIGHTS": return (option, [], [])
            case "STATUS":
                try parser.sp()
                return (option, try StatusItem.list(&parser), [])
            case "METADATA":
                try parser.sp()
                return (option, [], try ListMetadata.entries(&parser))
            default: throw SyntaxError(expected: "a return option", offset: start)
            }
        }
        for option in options {
            if option.name == "SUBSCRIBED" { self.returnsSubscribed = true }
            if option.name == "MYRIGHTS" { self.returnsRights = true }
            if !option.status.isEmpty { self.statusItems = option.status }
            if !option.entries.isEmpty { self.entries = option.entries }
        }
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        // LIST "" "" asks for the hierarchy separator only; extended, it matches nothing (RFC 5258 §3).
        if !self.isExtended, self.patterns.count == 1, self.patterns[0]?.isEmpty == true {
            return .inline { output in
                output.writer.list(["\\Noselect"], name: nil)
                return Outcome()
            }
        }
        let store = try view.store()
        let matcher = NameMatcher(reference: self.reference, patterns: self.patterns)
        let (selection, statusItems, entries) = (self.selection, self.statusItems, self.entries)
        let returnsRights = self.returnsRights
        let appendLimit = view.service.options.messageLimit
        let showsSubscribed = self.returnsSubscribed || selection.isSubscribed
        var reads: Footprint.Things = [.mailboxes, .subscriptions]
        if !statusItems.isEmpty { reads.formUnion([.messages, .flags]) }
        return Work(Footprint(reads: reads)) { output in
            let tree = MailboxTree(
                mailboxes: try await store.mailboxes(),
                subscriptions: showsSubscribed ? try await store.subscriptions() : []
            )
            for var entry in tree.select(selection, matcher) {
                let rights = entry.mailbox?.rights
                var status: MailboxStatus?
                // RFC 5819 §3, RFC 8440 §4: what CHILDINFO alone brings here is named, and no more.
                if !statusItems.isEmpty, entry.isSelected, let mailbox = entry.mailbox {
                    status = try? await store.status(of: mailbox.id, for: statusItems)
                    // RFC 5819 §2: what cannot be asked for its status cannot be selected.
                    if status == nil { entry.mailbox?.rights.remove(.read) }
                }
                output.writer.list(
                    entry.attributes(showsSubscribed: showsSubscribed),
                    name: entry.name,
                    childInfo: entry.childInfo
                )
                // Deleted meanwhile: METADATA has nothing to say.
                if returnsRights, entry.isSelected, let rights { output.writer.write(rights, to: entry.name) }
                if let status, let mailbox = entry.mailbox {
                    output.writer.write(status, statusItems, of: entry.name, mailbox.id, appendLimit: appendLimit)
                }
                if !entries.isEmpty, entry.isSelected, let mailbox = entry.mailbox,
                    let all = try? await store.metadata(of: mailbox)
                {
                    try await output.write(ListMetadata.values(entries, in: all), of: entry.name)
                }
                try await output.flushIfLarge()
            }
            return Outcome()
        }.enabling(StatusItem.enabled(by: statusItems))
    }
}

/// LSUB, RFC 3501 §6.3.9.
struct LsubCommand: IMAPCommand {
    static let name = "LSUB"
    static let states = Set<SessionState>.loggedIn
    private let reference: [UInt8]?
    private let pattern: [UInt8]?

    // lsub = "LSUB" SP mailbox SP list-mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.reference = try parser.listReference()
        try parser.sp()
        self.pattern = try parser.listMailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let store = try view.store()
        let matcher = NameMatcher(reference: self.reference, patterns: [self.pattern])
        return Work(Footprint(reads: .subscriptions)) { output in
            for entry in MailboxTree.lsub(try await store.subscriptions(), matcher) {
                output.writer.list(entry.isImplied ? ["\\Noselect"] : [], name: entry.name, response: "LSUB")
                try await output.flushIfLarge()
            }
            return Outcome()
        }
    }
}
