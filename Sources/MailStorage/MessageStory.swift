// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What has become of messages, from their acceptance on, as far back as the store remembers.
///
/// All methods throw ``StoreError``.
package protocol MessageStories: Sendable {
    /// The messages with that name, latest first: our id for one, the number of a queue entry that it was given, or its
    /// Message-ID, with or without the angle brackets, which several may have.
    func stories(of name: String, limit: Int) async throws -> [MessageStory]
    /// Messages that came from the address, or were for it, or were sent on to it, latest first; without their events.
    func stories(with address: String, limit: Int) async throws -> [MessageStory]
}

/// A message that was accepted, and everything that has happened to it since.
package struct MessageStory: Hashable, Sendable {
    package var receivedAt: UnixTime
    /// Empty: the null reverse-path.
    package var reversePath: String
    /// In octets, with our trace fields.
    package var size: Int
    /// Without angle brackets; nil if the message has none that is fit to be kept.
    package var messageID: String?
    /// Whether it was put into mailboxes for `\Junk`.
    package var isJunk: Bool
    package var facts: TraceFacts
    /// In their order.
    package var events: [MessageEvent]

    package init(
        receivedAt: UnixTime,
        reversePath: String,
        size: Int,
        messageID: String?,
        isJunk: Bool,
        facts: TraceFacts,
        events: [MessageEvent] = []
    ) {
        self.receivedAt = receivedAt
        self.reversePath = reversePath
        self.size = size
        self.messageID = messageID
        self.isJunk = isJunk
        self.facts = facts
        self.events = events
    }
}

/// Something that has happened to a message.
package struct MessageEvent: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// Into a mailbox, ``MessageEvent/detail``, of the account ``MessageEvent/address``.
        case delivered
        /// The filter of the account ``MessageEvent/address`` has judged it, with that result.
        case judged
        /// For others elsewhere, as ``MessageEvent/entry``; until ``MessageEvent/until``, if its sender wants it held.
        case queued
        /// Queued for others elsewhere on behalf of somebody here, under the reverse-path in ``MessageEvent/detail``.
        case forwarded
        /// The next host has taken it for ``MessageEvent/address``, in these words.
        case relayed
        /// An attempt has failed, to be made again ``MessageEvent/until``.
        case deferred
        /// No attempt was made, for that reason; there is to be one ``MessageEvent/until``.
        case postponed
        /// It will not be tried again.
        case failed
        /// The sender is told of it, in a message with the id ``MessageEvent/detail``.
        case reported
        /// An operator wants it tried at once.
        case retried
        /// An operator wants it not to be tried.
        case held
        /// An operator has given it up.
        case removed
    }

    package var time: UnixTime
    package var kind: Kind
    /// A recipient, or several with commas between; an account.
    package var address: String?
    /// The queue entry.
    package var entry: QueueEntryID?
    /// The other side's words, for the most part.
    package var detail: String?
    /// Of the connection on which the words came; nil: there was none, or nothing is known of it.
    package var tls: String?
    package var until: UnixTime?

    package init(
        time: UnixTime,
        kind: Kind,
        address: String? = nil,
        entry: QueueEntryID? = nil,
        detail: String? = nil,
        tls: String? = nil,
        until: UnixTime? = nil
    ) {
        self.time = time
        self.kind = kind
        self.address = address
        self.entry = entry
        self.detail = detail
        self.tls = tls
        self.until = until
    }
}
