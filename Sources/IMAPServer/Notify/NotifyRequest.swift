// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// Events that a client can ask for (RFC 5465 §5).
struct NotifyEvents: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    /// MessageNew and MessageExpunge, which come together only.
    static let messages = NotifyEvents(rawValue: 1)
    static let flags = NotifyEvents(rawValue: 2)
    static let names = NotifyEvents(rawValue: 4)
    static let subscriptions = NotifyEvents(rawValue: 8)
    static let mailboxMetadata = NotifyEvents(rawValue: 16)
    static let serverMetadata = NotifyEvents(rawValue: 32)

    static let ofMessages: NotifyEvents = [.messages, .flags]

    /// Of every event that exists here (`event-name`).
    static let supported = [
        "MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange", "MailboxMetadataChange",
        "ServerMetadataChange",
    ]
}

/// What NOTIFY SET asks for.
struct NotifyRequest: Sendable {
    /// What is to be told of some mailboxes, but for the selected one's messages (RFC 5465 §6).
    struct Group: Sendable, Equatable {
        var source: MailboxSource
        var events: NotifyEvents
    }

    /// More than one may be about the same mailbox: then each of their events counts.
    var groups: [Group] = []
    /// What is to be told of the selected mailbox, whichever that is (RFC 5465 §6.1).
    var listening = Listening.toNothing
    /// Whether the figures of the mailboxes are to be told first.
    var tellsStatus = false

    /// The events asked for, of whatever mailboxes.
    var events: NotifyEvents { self.groups.reduce(into: []) { $0.formUnion($1.events) } }

    /// Those of them that mailboxes of others can have.
    var eventsOfOthers: NotifyEvents {
        self.groups.reduce(into: []) { if $1.source.mayIncludeOthers { $0.formUnion($1.events) } }
    }

    var wantsMetadata: Bool { !self.events.isDisjoint(with: [.mailboxMetadata, .serverMetadata]) }

    /// The events asked for of the mailbox of that name.
    func events(of name: MailboxName, subscriptions: Set<MailboxName>) -> NotifyEvents {
        self.groups.reduce(into: []) { events, group in
            if group.source.includes(name, subscriptions: subscriptions) { events.formUnion(group.events) }
        }
    }
}
