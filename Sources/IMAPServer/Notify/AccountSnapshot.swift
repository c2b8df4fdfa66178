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
        var figures: Figures
        var specialUses: [SpecialUse]
        /// When entries were set.
        var entries: [String: ModSeq] = [:]
    }

    var mailboxes: [MailboxID: Known] = [:]
    var subscriptions: Set<MailboxName> = []
    /// The server's.
    var entries: [String: ModSeq] = [:]

    /// Takes what the request needs; nil if that is too much.
    init?(_ overview: AccountOverview, for request: NotifyRequest) {
        let events = request.events
        let subscriptions = overview.subscribedNames
        for entry in overview.mailboxes {
            guard let name = try? MailboxName(entry.mailbox.name),
                // Of a mailbox that is renamed the old name must be known.
                events.contains(.names) || !request.events(of: name, subscriptions: subscriptions).isEmpty
            else { continue }
            self.mailboxes[entry.mailbox.id] = Known(
                name: name,
                figures: Figures(entry.status),
                specialUses: events.contains(.mailboxMetadata) ? entry.mailbox.specialUses : []
            )
            guard self.mailboxes.count <= Self.limit else { return nil }
        }
        if events.contains(.subscriptions) {
            guard subscriptions.count <= Self.limit else { return nil }
            self.subscriptions = subscriptions
        }
        var count = 0
        for annotation in overview.annotations {
            if let mailbox = annotation.mailbox {
                guard events.contains(.mailboxMetadata), self.mailboxes[mailbox] != nil else { continue }
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

    /// What is there before anything has changed, for STATUS as NOTIFY's parameter (RFC 5465 §3.1).
    func status(
        _ overview: AccountOverview,
        for request: NotifyRequest,
        except selected: MailboxID?
    ) -> [AccountNotice] {
        let subscriptions = overview.subscribedNames
        return overview.mailboxes.compactMap { entry in
            guard let name = self.mailboxes[entry.mailbox.id]?.name, entry.mailbox.id != selected else { return nil }
            let events = request.events(of: name, subscriptions: subscriptions)
            guard events.contains(.messages) else { return nil }
            var items: [StatusItem] = [.messages, .uidNext, .uidValidity]
            if events.contains(.flags) { items += [.unseen, .highestModSeq] }
            return .status(name, entry.mailbox.id, entry.status, items)
        }
    }
}

extension AccountOverview {
    /// Names as they compare.
    var subscribedNames: Set<MailboxName> { Set(self.subscriptions.compactMap { try? MailboxName($0) }) }
}

/// Something to be told of an account's mailboxes.
enum AccountNotice: Sendable {
    case list(MailboxTree.Entry, oldName: MailboxName?)
    case status(MailboxName, MailboxID, MailboxStatus, [StatusItem])
    /// Entries that have changed, of a mailbox or of the server.
    case metadata(MailboxName?, [String])
}

extension ResponseWriter {
    /// Tells it (RFC 5465 §5).
    mutating func write(_ notice: AccountNotice, appendLimit: Int) {
        switch notice {
        case .list(let entry, let oldName):
            self.list(entry.attributes(showsSubscribed: true), name: entry.name, oldName: oldName)
        case .status(let name, let mailbox, let status, let items):
            self.write(status, items, of: name, mailbox, appendLimit: appendLimit)
        case .metadata(let name, let entries): self.metadata(changed: entries, of: name)
        }
    }
}
