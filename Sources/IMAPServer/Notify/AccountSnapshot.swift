// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// What a client that uses NOTIFY knows of its account's mailboxes: names, subscriptions, figures, and which entries of
/// METADATA there are.
///
/// Pure. What is to be told is computed by comparing it with what there is now, as with ``SelectedMailbox``: nothing is
/// queued, so nothing can be lost or overflow. It has only what its ``NotifyRequest`` needs, and no more than so many
/// mailboxes.
struct AccountSnapshot: Sendable, Equatable {
    /// Mailboxes, and as many subscriptions and entries.
    static let limit = 2_000

    /// What STATUS would tell of a mailbox.
    struct Figures: Sendable, Equatable {
        var messages: Int
        var uidNext: UID
        var uidValidity: UIDValidity
        var unseen: Int
        var highestModSeq: ModSeq

        init(_ status: MailboxStatus) {
            self.messages = status.messages
            self.uidNext = status.uidNext
            self.uidValidity = status.uidValidity
            self.unseen = status.unseen
            self.highestModSeq = status.highestModSeq
        }

        /// The mailbox as it was when it was made.
        var empty: Figures {
            var figures = self
            (figures.messages, figures.uidNext, figures.unseen) = (0, UID(rawValue: 1), 0)
            return figures
        }
    }

    struct Known: Sendable, Equatable {
        var name: MailboxName
        /// Nil: the account may not read the mailbox, so that nothing but its name is told of it (RFC 5465 §5).
        var figures: Figures?
        var specialUses: [SpecialUse]
        /// As ``Mailbox/wasInbox``.
        var wasInbox: Bool
        /// When entries were set.
        var entries: [String: ModSeq] = [:]
    }

    var mailboxes: [MailboxID: Known] = [:]
    /// What was made after this one has a larger identifier.
    var newest: MailboxID
    /// Names that were told with `\NoAccess`, and not without since (RFC 5465 §5.9).
    var refused: Set<MailboxName> = []
    /// The mailboxes of others of which more than the name is told: changes in them are not the account's.
    private(set) var others: Set<MailboxID> = []
    var subscriptions: Set<MailboxName> = []
    /// The server's.
    var entries: [String: ModSeq] = [:]

    /// Takes what the request needs; nil if that is too much.
    init?(_ overview: AccountOverview, for request: NotifyRequest) {
        let events = request.events
        let eventsOfOthers = request.eventsOfOthers
        let subscriptions = overview.subscribedNames
        self.newest = overview.newest
        for entry in overview.mailboxes {
            guard let name = try? MailboxName(entry.mailbox.name) else { continue }
            let isOther = OtherUsers.contain(name.text)
            let wanted = request.events(of: name, subscriptions: subscriptions)
            // Of a mailbox that is renamed the old name must be known.
            guard !wanted.isEmpty || (isOther ? eventsOfOthers : events).contains(.names) else { continue }
            self.mailboxes[entry.mailbox.id] = Known(
                name: name,
                figures: entry.status.map(Figures.init),
                specialUses: events.contains(.mailboxMetadata) ? entry.mailbox.specialUses : [],
                wasInbox: entry.mailbox.wasInbox
            )
            if entry.status == nil {
                if !wanted.isEmpty { self.refused.insert(name) }
            } else if isOther, !wanted.isDisjoint(with: [.messages, .flags, .mailboxMetadata]) {
                self.others.insert(entry.mailbox.id)
            }
            guard self.mailboxes.count <= Self.limit else { return nil }
        }
        if events.contains(.subscriptions) {
            guard subscriptions.count <= Self.limit else { return nil }
            self.subscriptions = subscriptions
        }
        var count = 0
        for annotation in overview.annotations {
            if let mailbox = annotation.mailbox {
                guard events.contains(.mailboxMetadata), self.mailboxes[mailbox]?.figures != nil else { continue }
                self.mailboxes[mailbox]?.entries[annotation.entry] = annotation.modSeq
            } else if events.contains(.serverMetadata) {
                self.entries[annotation.entry] = annotation.modSeq
            }
            count += 1
            guard count <= Self.limit else { return nil }
        }
    }

    /// Says what the client was told of a mailbox while it was selected.
    mutating func note(_ figures: Figures, of mailbox: MailboxID) { self.mailboxes[mailbox]?.figures = figures }

    /// Whose changes may have to be told.
    func topics(_ account: AccountID) -> Set<ChangeFeed.Topic> {
        Set(self.others.map(ChangeFeed.Topic.mailbox)).union([.account(account)])
    }

    /// The mailboxes that were asked for and may be listed, but not read (RFC 5465 §3.1).
    func refused(_ overview: AccountOverview) -> [AccountNotice] {
        guard !self.refused.isEmpty else { return [] }
        let tree = overview.tree
        return self.refused.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
            .map { .list(tree.entry(of: $0), oldName: nil, isRefused: true) }
    }

    /// What is there before anything has changed, for STATUS as NOTIFY's parameter (RFC 5465 §3.1).
    func status(
        _ overview: AccountOverview,
        for request: NotifyRequest,
        except selected: MailboxID?
    ) -> [AccountNotice] {
        let subscriptions = overview.subscribedNames
        return overview.mailboxes.compactMap { entry in
            guard let name = self.mailboxes[entry.mailbox.id]?.name, entry.mailbox.id != selected,
                let status = entry.status
            else { return nil }
            let events = request.events(of: name, subscriptions: subscriptions)
            guard events.contains(.messages) else { return nil }
            var items: [StatusItem] = [.messages, .uidNext, .uidValidity]
            if events.contains(.flags) { items += [.unseen, .highestModSeq] }
            return .status(name, entry.mailbox.id, status, items)
        }
    }
}

extension AccountOverview {
    /// Names as they compare.
    var subscribedNames: Set<MailboxName> { Set(self.subscriptions.compactMap { try? MailboxName($0) }) }

    var tree: MailboxTree {
        MailboxTree(mailboxes: self.mailboxes.map(\.mailbox), subscriptions: self.subscriptions)
    }
}

/// Something to be told of an account's mailboxes.
enum AccountNotice: Sendable {
    case list(MailboxTree.Entry, oldName: MailboxName?, isRefused: Bool)
    case status(MailboxName, MailboxID, MailboxStatus, [StatusItem])
    /// Entries that have changed, of a mailbox or of the server.
    case metadata(MailboxName?, [String])
}

extension ResponseWriter {
    /// Tells it (RFC 5465 §5).
    mutating func write(_ notice: AccountNotice, appendLimit: Int) {
        switch notice {
        case .list(let entry, let oldName, let isRefused):
            let attributes = entry.attributes(showsSubscribed: true) + (isRefused ? ["\\NoAccess"] : [])
            self.list(attributes, name: entry.name, oldName: oldName)
        case .status(let name, let mailbox, let status, let items):
            self.write(status, items, of: name, mailbox, appendLimit: appendLimit)
        case .metadata(let name, let entries): self.metadata(changed: entries, of: name)
        }
    }
}
