// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Where accepted mail goes, and what waits to be relayed.
///
/// Accepting is one transaction for all recipients, local and remote: when ``accept(_:)`` returns, nothing is lost.
/// All methods throw ``StoreError``.
package protocol MailQueue: MessageStaging {
    var feed: ChangeFeed { get }

    /// Delivers to the local recipients and queues for the remote ones, all or none, and accepts the report about it to
    /// the sender in the same transaction.
    func accept(_ acceptance: Acceptance, report: Acceptance?) async throws -> AcceptanceReceipt

    /// Entries with recipients whose next attempt is due at `time` and that are not on hold, oldest first.
    ///
    /// `excluding`: entries being worked on.
    func due(at time: UnixTime, excluding: Set<QueueEntryID>, limit: Int) async throws -> [QueueEntry]
    /// When the next attempt not yet due is due; nil if nothing waits.
    func nextAttempt(after time: UnixTime) async throws -> UnixTime?
    /// Writes down how an attempt ended, and accepts the report to the sender in the same transaction.
    ///
    /// Recipients that are done, delivered or failed, leave the entry; an entry without recipients leaves the queue.
    func record(_ outcomes: [DeliveryOutcome], of entry: QueueEntryID, report: Acceptance?) async throws
    /// The stored octets of a queued message; as ``MailStore/octets(of:in:)``.
    func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8]

    // MARK: For operators

    /// What waits, oldest first; `after` pages through.
    func entries(after: QueueEntryID?, limit: Int) async throws -> [QueueEntry]
    func entry(_ id: QueueEntryID) async throws -> QueueEntry?
    /// Makes every waiting recipient due at `time`, takes entries off hold; nil: all entries but those that are to be
    /// released later (RFC 4865). Returns how many entries.
    func retry(_ id: QueueEntryID?, at time: UnixTime) async throws -> Int
    func hold(_ id: QueueEntryID) async throws
    /// Removes the entry without a report.
    func remove(_ id: QueueEntryID) async throws
}

extension MailQueue {
    /// Accepts a message about which nobody is told.
    package func accept(_ acceptance: Acceptance) async throws -> AcceptanceReceipt {
        try await self.accept(acceptance, report: nil)
    }
}

/// A message with everything that was agreed about it, ready to be made durable.
package struct Acceptance: Sendable {
    package var message: StagedMessage
    /// Octets at the front (our `Return-Path` line) that are for local delivery only and not relayed.
    package var relayFrom: Int
    /// Canonical; empty: the null reverse-path.
    package var reversePath: String
    /// Accounts whose INBOX gets it; one named twice gets it once.
    package var local: [AccountID]
    package var remote: [RemoteRecipient]
    /// What goes on to others on behalf of recipients here, under reverse-paths of its own.
    package var forwards: [Forwarding]
    package var receivedAt: UnixTime
    /// RFC 3461 parameters of MAIL, kept for the next hop and for reports.
    package var envelopeID: String?
    package var returnsFull: Bool?
    /// Parameters that the next hop must be told.
    package var isEightBit: Bool
    package var isInternationalized: Bool
    /// Local recipients get it in their mailbox for `\Junk` (RFC 6154 §2); in INBOX who has none.
    package var isJunk: Bool
    /// What is different for those local recipients whose own filters have judged the message.
    package var judged: [AccountID: JudgedDelivery] = [:]
    /// The account that submits the message: from now on its recipients are correspondents of that.
    package var submitter: AccountID?
    /// Whether it must never go on without TLS (RFC 8689).
    package var requiresTLS: Bool
    /// Before that time nobody gets it (RFC 4865): then ``local`` is empty, and recipients here are among ``remote``.
    package var releasedAt: UnixTime?
    /// What its story (``MessageStories``) begins with.
    package var trace: TraceFacts

    package init(
        message: StagedMessage,
        relayFrom: Int = 0,
        reversePath: String,
        local: [AccountID] = [],
        remote: [RemoteRecipient] = [],
        forwards: [Forwarding] = [],
        receivedAt: UnixTime,
        envelopeID: String? = nil,
        returnsFull: Bool? = nil,
        isEightBit: Bool = false,
        isInternationalized: Bool = false,
        isJunk: Bool = false,
        requiresTLS: Bool = false,
        releasedAt: UnixTime? = nil,
        trace: TraceFacts = TraceFacts()
    ) {
        self.message = message
        self.relayFrom = relayFrom
        self.reversePath = reversePath
        self.local = local
        self.remote = remote
        self.forwards = forwards
        self.receivedAt = receivedAt
        self.envelopeID = envelopeID
        self.returnsFull = returnsFull
        self.isEightBit = isEightBit
        self.isInternationalized = isInternationalized
        self.isJunk = isJunk
        self.requiresTLS = requiresTLS
        self.releasedAt = releasedAt
        self.trace = trace
    }
}

extension Acceptance {
    /// Nobody is told what becomes of what is sent on.
    package mutating func reportsNoForwards() {
        for forward in self.forwards.indices {
            for recipient in self.forwards[forward].recipients.indices {
                self.forwards[forward].recipients[recipient].notify = []
            }
        }
    }
}

/// When the sender wants to hear (RFC 3461 §4.1); empty: never.
package struct NotifyConditions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    package static let success = NotifyConditions(rawValue: 1)
    package static let failure = NotifyConditions(rawValue: 2)
    package static let delay = NotifyConditions(rawValue: 4)
}

/// Somebody elsewhere the message is for.
package struct RemoteRecipient: Hashable, Sendable {
    package var localPart: String
    /// Lower case; an address literal with its brackets.
    package var domain: String
    /// Nil: the sender did not say, so failures (and delays) are reported.
    package var notify: NotifyConditions?
    /// `addr-type;address` as given in ORCPT, decoded.
    package var originalRecipient: String?

    package init(localPart: String, domain: String, notify: NotifyConditions? = nil, originalRecipient: String? = nil) {
        self.localPart = localPart
        self.domain = domain
        self.notify = notify
        self.originalRecipient = originalRecipient
    }
}

/// A message that goes on to addresses elsewhere, under one reverse-path.
package struct Forwarding: Hashable, Sendable {
    /// Canonical; empty: the null reverse-path.
    package var reversePath: String
    package var recipients: [RemoteRecipient]

    package init(reversePath: String, recipients: [RemoteRecipient]) {
        self.reversePath = reversePath
        self.recipients = recipients
    }
}

/// What an acceptance became.
package struct AcceptanceReceipt: Hashable, Sendable {
    /// The queue entry, if there were remote recipients; those of what is forwarded are nobody's business.
    package var entry: QueueEntryID?

    package init(entry: QueueEntryID?) { self.entry = entry }
}

/// A message that waits to be relayed, and to whom.
package struct QueueEntry: Sendable {
    package struct Recipient: Sendable {
        /// Its number within the entry.
        package var number: Int
        package var recipient: RemoteRecipient
        /// Attempts so far.
        package var attempts: Int
        package var nextAttempt: UnixTime
        /// What the last attempt said, for people.
        package var lastReply: String?
        /// Whether a report of the delay has been sent.
        package var isDelayReported: Bool

        package init(
            number: Int,
            recipient: RemoteRecipient,
            attempts: Int,
            nextAttempt: UnixTime,
            lastReply: String?,
            isDelayReported: Bool
        ) {
            self.number = number
            self.recipient = recipient
            self.attempts = attempts
            self.nextAttempt = nextAttempt
            self.lastReply = lastReply
            self.isDelayReported = isDelayReported
        }
    }

    package let id: QueueEntryID
    package var blob: BlobID
    package var size: Int
    package var relayFrom: Int
    package var reversePath: String
    package var receivedAt: UnixTime
    package var envelopeID: String?
    package var returnsFull: Bool?
    package var isEightBit: Bool
    package var isInternationalized: Bool
    package var requiresTLS: Bool
    /// When it could go out first, if its sender said so; such an entry may have recipients here.
    package var releasedAt: UnixTime?
    package var isOnHold: Bool
    package var recipients: [Recipient]

    package init(
        id: QueueEntryID,
        blob: BlobID,
        size: Int,
        relayFrom: Int,
        reversePath: String,
        receivedAt: UnixTime,
        envelopeID: String?,
        returnsFull: Bool?,
        isEightBit: Bool,
        isInternationalized: Bool,
        requiresTLS: Bool = false,
        releasedAt: UnixTime? = nil,
        isOnHold: Bool,
        recipients: [Recipient]
    ) {
        self.id = id
        self.blob = blob
        self.size = size
        self.relayFrom = relayFrom
        self.reversePath = reversePath
        self.receivedAt = receivedAt
        self.envelopeID = envelopeID
        self.returnsFull = returnsFull
        self.isEightBit = isEightBit
        self.isInternationalized = isInternationalized
        self.requiresTLS = requiresTLS
        self.releasedAt = releasedAt
        self.isOnHold = isOnHold
        self.recipients = recipients
    }
}

/// How an attempt ended for one recipient.
package struct DeliveryOutcome: Sendable {
    package enum Result: Sendable {
        /// The next hop took responsibility.
        case delivered
        /// To the inboxes of these accounts, by being written down, whatever their quotas.
        case deliveredHere([AccountID])
        /// It will not work; a report is due if the sender wants one.
        case failed
        /// Try again then.
        case deferred(until: UnixTime, isDelayReported: Bool)
    }

    package var recipient: Int
    package var result: Result
    /// What the other side said, for people.
    package var reply: String
    /// Of the connection on which it was said, such as `TLSv1.3`; nil: there was none, or nothing is known of it.
    package var tls: String?
    /// Whether somebody was asked: else a recipient was only deferred with others.
    package var isAttempt: Bool

    package init(recipient: Int, result: Result, reply: String, tls: String? = nil, isAttempt: Bool = true) {
        self.recipient = recipient
        self.result = result
        self.reply = reply
        self.tls = tls
        self.isAttempt = isAttempt
    }
}
