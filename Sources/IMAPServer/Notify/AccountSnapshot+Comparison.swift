// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// Comparing what the client knows with what there is.
extension AccountSnapshot {
    /// Moves on to what there is now, and says what is to be told.
    ///
    /// - Parameters:
    ///   - overview: what there is now.
    ///   - request: what the client wants to hear.
    ///   - own: what it has done itself since.
    ///   - selected: the mailbox whose messages are told otherwise.
    ///   - isCondstore: whether the client keeps mod-sequences.
    /// - Returns: what to tell, in this order; nil if there is too much to keep (RFC 5465 §5.8).
    mutating func update(
        to overview: AccountOverview,
        for request: NotifyRequest,
        own: [AccountChange],
        selected: MailboxID?,
        isCondstore: Bool
    ) -> [AccountNotice]? {
        guard var now = AccountSnapshot(overview, for: request) else { return nil }
        for change in own { self.apply(change, now) }
        let subscriptions = overview.subscribedNames
        // Who has stopped being subscribed is still told of that (RFC 5465 §6.4).
        let either = subscriptions.union(self.subscriptions)
        var notices: [AccountNotice] = []
        var affected = self.affectedNames(now, request, either)
        let lost = self.lost(now, overview, request, either)
        let readable = Set(now.mailboxes.values.lazy.filter { $0.figures != nil }.map(\.name))
        for name in lost.union(self.refused.intersection(readable)) where affected[name] == nil {
            affected[name] = .some(nil)
        }
        now.refused.formUnion(self.refused.subtracting(readable).union(lost))
        guard now.refused.count <= Self.limit else { return nil }
        if !affected.isEmpty {
            let tree = overview.tree
            for (name, oldName) in affected.sorted(by: { $0.key.text.utf8.lexicographicallyPrecedes($1.key.text.utf8) })
            {
                let isRefused = now.refused.contains(name)
                notices.append(.list(tree.entry(of: name), oldName: oldName, isRefused: isRefused))
            }
        }
        for entry in overview.mailboxes {
            let id = entry.mailbox.id
            guard let known = now.mailboxes[id], let status = entry.status else { continue }
            let events = request.events(of: known.name, subscriptions: subscriptions)
            if id == selected {
                now.mailboxes[id]?.figures = self.mailboxes[id]?.figures ?? known.figures
            } else if !events.isDisjoint(with: .ofMessages) {
                let items = self.changedItems(of: id, known, events, isCondstore: isCondstore)
                if !items.isEmpty { notices.append(.status(known.name, id, status, items)) }
            }
            if events.contains(.mailboxMetadata) {
                let entries = Self.changedEntries(from: self.mailboxes[id], to: known)
                if !entries.isEmpty { notices.append(.metadata(known.name, entries)) }
            }
        }
        if request.events.contains(.serverMetadata) {
            let entries = Self.changedEntries(from: self.entries, to: now.entries)
            if !entries.isEmpty { notices.append(.metadata(nil, entries)) }
        }
        self = now
        return notices
    }

    // MARK: Names

    /// Names of which LIST is to tell, with the old ones of those that were renamed (RFC 5465 §5.4, §5.5).
    private func affectedNames(
        _ now: AccountSnapshot,
        _ request: NotifyRequest,
        _ subscriptions: Set<MailboxName>
    ) -> [MailboxName: MailboxName?] {
        var affected: [MailboxName: MailboxName?] = [:]
        func wants(_ name: MailboxName, _ event: NotifyEvents) -> Bool {
            request.events(of: name, subscriptions: subscriptions).contains(event)
        }
        if request.events.contains(.names) {
            let formerInboxes = self.formerInboxes(now)
            let created = now.mailboxes.filter { self.mailboxes[$0.key] == nil && formerInboxes[$0.key] == nil }
                .map(\.value.name)
            let deleted = self.mailboxes.filter { now.mailboxes[$0.key] == nil }.map(\.value.name)
            for name in created + deleted {
                // "the mailbox itself and its direct parent"
                for name in [name, name.parent] { if let name, wants(name, .names) { affected[name] = .some(nil) } }
            }
            let renamed = self.renamed(now) + formerInboxes.values
            for (from, to) in renamed where wants(from, .names) || wants(to, .names) { affected[to] = from }
        }
        if request.events.contains(.subscriptions) {
            for name in self.subscriptions.symmetricDifference(now.subscriptions)
            where affected[name] == nil && wants(name, .subscriptions) { affected[name] = .some(nil) }
        }
        return affected
    }

    /// Mailboxes with other names, but for those whose names changed with that of one above them: "No additional
    /// MailboxName events are sent for children in this case" (RFC 5465 §5.4).
    private func renamed(_ now: AccountSnapshot) -> [(from: MailboxName, to: MailboxName)] {
        let renamed = self.mailboxes.compactMap { id, known -> (from: MailboxName, to: MailboxName)? in
            guard let to = now.mailboxes[id]?.name, to != known.name else { return nil }
            return (known.name, to)
        }
        let byOldName = Dictionary(renamed.map { ($0.from, $0.to) }) { first, _ in first }
        return renamed.filter { from, to in
            !sequence(first: from, next: \.parent).dropFirst().contains { above in
                byOldName[above].map { from.moved(from: above, to: $0) == to } ?? false
            }
        }
    }

    /// Mailboxes that were made by renaming INBOX since.
    ///
    /// "When INBOX is renamed, a new INBOX is assumed to be created. No MailboxName event is sent for INBOX in this case"
    /// (RFC 5465 §5.4).
    private func formerInboxes(_ now: AccountSnapshot) -> [MailboxID: (from: MailboxName, to: MailboxName)] {
        let known = Set(self.mailboxes.values.map(\.name))
        var renamed: [MailboxID: (from: MailboxName, to: MailboxName)] = [:]
        for (id, mailbox) in now.mailboxes
        where mailbox.wasInbox && id.rawValue > self.newest.rawValue && self.mailboxes[id] == nil {
            let owner = OtherUsers.split(mailbox.name.text)?.address
            let inbox = owner.map { try? MailboxName(OtherUsers.name(of: "INBOX", ownedBy: $0)) } ?? .inbox
            // An INBOX that may not be known is not told of.
            if let inbox, inbox.isInbox || known.contains(inbox) { renamed[id] = (inbox, mailbox.name) }
        }
        return renamed
    }

    /// Mailboxes that were asked for and may not be read any more, or are new and may not be: those of others also if
    /// they are gone, for whether they are is not told to who may not know of them (RFC 5465 §5.9).
    private func lost(
        _ now: AccountSnapshot,
        _ overview: AccountOverview,
        _ request: NotifyRequest,
        _ subscriptions: Set<MailboxName>
    ) -> Set<MailboxName> {
        var lost = now.refused.subtracting(self.refused)
        let gone = self.mailboxes.filter { id, known in
            known.figures != nil && now.mailboxes[id] == nil && OtherUsers.contain(known.name.text)
        }
        guard !gone.isEmpty else { return lost }
        let names = Set(overview.mailboxes.compactMap { try? MailboxName($0.mailbox.name) })
        for known in gone.values where !names.contains(known.name) {
            guard !request.events(of: known.name, subscriptions: subscriptions).isEmpty else { continue }
            lost.insert(known.name)
        }
        return lost
    }

    // MARK: Figures

    /// What STATUS is to tell of a mailbox that is not selected; nothing if nothing has changed (RFC 5465 §5.1 to §5.3).
    private func changedItems(
        of id: MailboxID,
        _ known: Known,
        _ events: NotifyEvents,
        isCondstore: Bool
    ) -> [StatusItem] {
        guard let now = known.figures else { return [] }
        let before = self.mailboxes[id]?.figures
        // A mailbox that is new to the client may have the name of one that it knew, and another UIDVALIDITY.
        var items: [StatusItem] = []
        if before?.messages != now.messages || before?.uidNext != now.uidNext {
            items = [.messages, .uidNext, .uidValidity]
        }
        if events.contains(.flags) {
            let isChanged = isCondstore && before?.highestModSeq != now.highestModSeq
            if items.isEmpty, isChanged || before?.unseen != now.unseen { items.append(.uidValidity) }
            if before?.unseen != now.unseen { items.append(.unseen) }
        }
        if isCondstore, !items.isEmpty { items.append(.highestModSeq) }
        return items
    }

    // MARK: Entries

    private static func changedEntries(from before: Known?, to now: Known) -> [String] {
        let entries = Self.changedEntries(from: before?.entries ?? [:], to: now.entries)
        return now.specialUses == before?.specialUses ?? [] ? entries : entries + [MetadataValue.specialUseEntry]
    }

    /// Those that were set, or are gone; in alphabetical order.
    private static func changedEntries(from before: [String: ModSeq], to now: [String: ModSeq]) -> [String] {
        Set(before.keys).union(now.keys).filter { before[$0] != now[$0] }.sorted()
    }

    // MARK: The client's own changes

    /// Takes for known what the client has done itself, as far as that is what there is now.
    private mutating func apply(_ change: AccountChange, _ now: AccountSnapshot) {
        switch change {
        case .created(let name): self.learn(now) { $0 == name || name.isInferior(to: $0) }
        case .deleted(let name):
            for (id, known) in self.mailboxes where known.name == name && now.mailboxes[id] == nil {
                self.mailboxes[id] = nil
            }
        case .renamed(let from, let to):
            if !from.isInbox {
                for (id, known) in self.mailboxes {
                    let moved = known.name.moved(from: from, to: to)
                    if let moved, now.mailboxes[id]?.name == moved { self.mailboxes[id]?.name = moved }
                }
            }
            self.learn(now) { $0 == to && from.isInbox || to.isInferior(to: $0) }
        case .subscribed(let name, let isSubscribed):
            if isSubscribed == now.subscriptions.contains(name) {
                if isSubscribed { self.subscriptions.insert(name) } else { self.subscriptions.remove(name) }
            }
        case .annotated(let mailbox, let names, let modSeq):
            guard let mailbox else { return Self.apply(names, modSeq, to: &self.entries, now.entries) }
            guard let known = now.mailboxes[mailbox] else { return }
            Self.apply(names, modSeq, to: &self.mailboxes[mailbox, default: known].entries, known.entries)
            if names.contains(where: { $0.lowercased() == MetadataValue.specialUseEntry }) {
                self.mailboxes[mailbox]?.specialUses = known.specialUses
            }
        case .added(let id, let uids):
            guard let first = uids.first, let last = uids.last,
                let uidNext = self.mailboxes[id]?.figures?.uidNext, uidNext <= first
            else { return }
            self.mailboxes[id]?.figures?.messages += uids.count
            self.mailboxes[id]?.figures?.uidNext = UID(rawValue: last.rawValue &+ 1)
        }
    }

    /// Takes mailboxes for known that are new, without messages.
    private mutating func learn(_ now: AccountSnapshot, where isKnown: (MailboxName) -> Bool) {
        for (id, known) in now.mailboxes where self.mailboxes[id] == nil && isKnown(known.name) {
            var known = known
            known.figures = known.figures?.empty
            self.mailboxes[id] = known
        }
    }

    private static func apply(
        _ names: [String],
        _ modSeq: ModSeq,
        to entries: inout [String: ModSeq],
        _ now: [String: ModSeq]
    ) {
        let names = Set(names.map { $0.lowercased() })
        for entry in Set(entries.keys).union(now.keys) where names.contains(entry.lowercased()) {
            // What somebody else has set since is told.
            if now[entry] == nil || now[entry] == modSeq { entries[entry] = now[entry] }
        }
    }
}

extension MailboxName {
    /// The name when a mailbox at or above it is renamed; nil if it is another's.
    fileprivate func moved(from old: MailboxName, to new: MailboxName) -> MailboxName? {
        if self == old { return new }
        guard self.isInferior(to: old) else { return nil }
        return try? MailboxName(new.text + String(Substring(self.text.utf8.dropFirst(old.text.utf8.count))))
    }
}
