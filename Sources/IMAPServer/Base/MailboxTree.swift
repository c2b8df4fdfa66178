// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// The patterns of a LIST, each behind its reference.
struct NameMatcher: Sendable {
    private let patterns: [ListPattern]

    /// What is nil is in no encoding of names and matches nothing.
    init(reference: [UInt8]?, patterns: [[UInt8]?]) {
        guard let reference else {
            self.patterns = []
            return
        }
        self.patterns = patterns.compactMap { pattern in pattern.map { ListPattern(reference: reference, $0) } }
    }

    func matches(_ name: MailboxName) -> Bool { self.patterns.contains { $0.matches(name) } }
}

/// The names of an account's mailboxes as a hierarchy, with the names above them that are no mailboxes.
///
/// Pure.
struct MailboxTree {
    /// A name that LIST may show.
    struct Entry: Equatable {
        var name: MailboxName
        /// Nil: there is no such mailbox, only mailboxes below it, or a subscription.
        var mailbox: Mailbox?
        var isSubscribed: Bool
        var hasChildren: Bool
        /// The selection options that something below the name meets and the patterns do not show (RFC 9051 §6.3.9.6).
        var childInfo: [String] = []
        /// Whether it meets the selection options itself.
        var isSelected = true

        /// RFC 9051 §7.3.1.
        func attributes(showsSubscribed: Bool) -> [String] {
            var attributes: [String] = []
            // \Noselect says the same to clients of the first revision.
            if self.mailbox == nil {
                attributes += ["\\NonExistent", "\\Noselect"]
            } else if self.mailbox?.rights.contains(.read) == false {
                attributes.append("\\Noselect")
            }
            attributes.append(self.hasChildren ? "\\HasChildren" : "\\HasNoChildren")
            if showsSubscribed, self.isSubscribed { attributes.append("\\Subscribed") }
            attributes += self.mailbox?.specialUses.map { "\\\($0.rawValue)" } ?? []
            return attributes
        }
    }

    private var entries: [MailboxName: Entry] = [:]
    private var order: [MailboxName] = []

    init(mailboxes: [Mailbox], subscriptions: [String]) {
        for mailbox in mailboxes {
            guard let name = try? MailboxName(mailbox.name) else { continue }
            self.add(name)
            self.entries[name]?.mailbox = mailbox
            self.addAncestors(of: name)
        }
        for name in subscriptions {
            guard let name = try? MailboxName(name) else { continue }
            self.add(name)
            self.entries[name]?.isSubscribed = true
            // Names that only RECURSIVEMATCH shows: a subscription alone makes nobody's children.
            for ancestor in Self.ancestors(of: name) { self.add(ancestor) }
        }
        self.order.sort { Self.precedes($0, $1) }
    }

    /// What there is to be said of a name, which need not be that of a mailbox.
    func entry(of name: MailboxName) -> Entry {
        self.entries[name] ?? Entry(name: name, mailbox: nil, isSubscribed: false, hasChildren: false)
    }

    /// The names to list, `INBOX` first and the others in the order of their octets.
    func select(_ selection: ListCommand.Selection, _ matcher: NameMatcher) -> [Entry] {
        func isSelected(_ entry: Entry) -> Bool {
            (!selection.isSubscribed || entry.isSubscribed)
                && (!selection.hasSpecialUse || entry.mailbox?.specialUses.isEmpty == false)
                && (selection.isSubscribed || entry.mailbox != nil || entry.hasChildren)
        }
        // Names above something selected that the patterns do not show themselves.
        var aboveSelected: Set<MailboxName> = []
        if selection.isRecursive {
            for entry in self.entries.values where isSelected(entry) && !matcher.matches(entry.name) {
                aboveSelected.formUnion(Self.ancestors(of: entry.name))
            }
        }
        return self.order.compactMap { name in
            guard var entry = self.entries[name], matcher.matches(name) else { return nil }
            if aboveSelected.contains(name) { entry.childInfo = selection.criteria }
            entry.isSelected = isSelected(entry)
            return entry.isSelected || !entry.childInfo.isEmpty ? entry : nil
        }
    }

    /// The names LSUB shows: subscribed ones, and with `%` those above them (RFC 3501 §6.3.9).
    static func lsub(_ subscriptions: [String], _ matcher: NameMatcher) -> [(name: MailboxName, isImplied: Bool)] {
        var shown: [MailboxName: Bool] = [:]
        for name in subscriptions.lazy.compactMap({ try? MailboxName($0) }) {
            if matcher.matches(name) {
                shown[name] = false
            } else {
                for ancestor in Self.ancestors(of: name) where shown[ancestor] == nil && matcher.matches(ancestor) {
                    shown[ancestor] = true
                }
            }
        }
        return shown.sorted { Self.precedes($0.key, $1.key) }.map { (name: $0.key, isImplied: $0.value) }
    }

    private mutating func add(_ name: MailboxName) {
        guard self.entries[name] == nil else { return }
        self.entries[name] = Entry(name: name, mailbox: nil, isSubscribed: false, hasChildren: false)
        self.order.append(name)
    }

    private mutating func addAncestors(of name: MailboxName) {
        for ancestor in Self.ancestors(of: name) {
            self.add(ancestor)
            self.entries[ancestor]?.hasChildren = true
        }
    }

    /// `a/b` and `a` for `a/b/c`.
    private static func ancestors(of name: MailboxName) -> [MailboxName] {
        Array(
            sequence(state: name) { name in
                guard let parent = name.parent else { return nil }
                name = parent
                return parent
            }
        )
    }

    private static func precedes(_ left: MailboxName, _ right: MailboxName) -> Bool {
        if left.isInbox || right.isInbox { return left.isInbox && !right.isInbox }
        return left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
    }
}

extension ResponseWriter {
    /// `* LIST (attributes) "/" name`, RFC 9051 §7.3.1.
    ///
    /// No name: the hierarchy's root.
    mutating func list(
        _ attributes: [String],
        name: MailboxName?,
        childInfo: [String] = [],
        oldName: MailboxName? = nil,
        response: String = "LIST"
    ) {
        self.raw("* \(response) (\(attributes.joined(separator: " "))) \"/\" ")
        if let name { self.mailbox(name) } else { self.raw("\"\"") }
        if !childInfo.isEmpty {
            self.raw(" (\"CHILDINFO\" (\(childInfo.map { "\"\($0)\"" }.joined(separator: " "))))")
        }
        // oldname-extended-item = "OLDNAME" SP "(" mailbox ")"
        if let oldName {
            self.raw(" (\"OLDNAME\" (")
            self.mailbox(oldName)
            self.raw("))")
        }
        self.crlf()
    }
}
