// SPDX-License-Identifier: Apache-2.0

/// A mailbox as an account's list has it: one of its own, or of somebody else who lets it.
package struct Mailbox: Hashable, Sendable {
    package let id: MailboxID
    /// Levels separated by `/`, in UTF-8; the inbox is `INBOX`, a mailbox of somebody else is in ``OtherUsers``.
    package var name: String
    package var uidValidity: UIDValidity
    /// In the order of ``SpecialUse``; none of somebody else's.
    package var specialUses: [SpecialUse]
    package var isSubscribed: Bool
    /// What the account may do with it.
    package var rights: Rights
    /// Whether it was made by renaming `INBOX`, which has gone on empty (RFC 9051 §6.3.6).
    package var wasInbox: Bool

    package init(
        id: MailboxID,
        name: String,
        uidValidity: UIDValidity,
        specialUses: [SpecialUse] = [],
        isSubscribed: Bool = false,
        rights: Rights = .all,
        wasInbox: Bool = false
    ) {
        self.id = id
        self.name = name
        self.uidValidity = uidValidity
        self.specialUses = specialUses
        self.isSubscribed = isSubscribed
        self.rights = rights
        self.wasInbox = wasInbox
    }
}

/// What a mailbox is for (RFC 6154 §2); the raw value is the attribute without its backslash.
package enum SpecialUse: String, CaseIterable, Sendable {
    case all = "All"
    case archive = "Archive"
    case drafts = "Drafts"
    case flagged = "Flagged"
    case junk = "Junk"
    case sent = "Sent"
    case trash = "Trash"
}

/// A mailbox in figures, kept by counters so that asking never reads the messages (RFC 9051 §6.3.11).
package struct MailboxStatus: Hashable, Sendable {
    package var messages: Int
    package var unseen: Int
    package var deleted: Int
    package var recent: Int
    /// Octets of all messages together.
    package var size: UInt64
    package var uidNext: UID
    package var uidValidity: UIDValidity
    package var highestModSeq: ModSeq
    /// Octets of the messages that have `\Deleted`: no counter, so only where it was asked for.
    package var deletedSize: UInt64?

    package init(
        messages: Int,
        unseen: Int,
        deleted: Int,
        recent: Int,
        size: UInt64,
        uidNext: UID,
        uidValidity: UIDValidity,
        highestModSeq: ModSeq
    ) {
        self.messages = messages
        self.unseen = unseen
        self.deleted = deleted
        self.recent = recent
        self.size = size
        self.uidNext = uidNext
        self.uidValidity = uidValidity
        self.highestModSeq = highestModSeq
    }
}
