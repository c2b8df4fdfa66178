// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// One account's mail, and what others let it see of theirs.
///
/// Mailboxes of others have names in ``OtherUsers``. Whatever is asked for by name or identifier is done as far as the
/// account's rights go, which are looked up in the same transaction (RFC 4314 §4): without them it throws
/// ``StoreError/noPermission``, or ``StoreError/noSuchMailbox`` if the account must not know that the mailbox is there.
///
/// Every method is one transaction: it has happened, durably, when the method returns, or it has not. After the commit
/// ``feed`` pokes whoever watches a mailbox it touched. All methods throw ``StoreError`` for what can be expected, and
/// any other error when the machine fails.
package protocol MailStore: MessageStaging {
    var account: AccountID { get }
    var feed: ChangeFeed { get }

    // MARK: Mailboxes

    /// All mailboxes the account may know of, in the order of their names' octets with `INBOX` first, then those of others.
    func mailboxes() async throws -> [Mailbox]
    /// The mailbox of that name, or nil if there is none, or none that the account may know of.
    ///
    /// Throws ``StoreError/noPermission`` if it may know of it, but not have that access.
    func mailbox(named name: String, needing access: Access) async throws -> Mailbox?
    /// Names that were subscribed, also those of mailboxes that are gone (RFC 9051 §6.3.7).
    func subscriptions() async throws -> [String]
    /// Creates the mailbox, and those above it in the hierarchy that are missing (RFC 9051 §6.3.4).
    ///
    /// A special use that another mailbox has is that one's no more. Who may do what is as with the mailbox above it, at
    /// first (RFC 4314 §4).
    func createMailbox(named name: String, specialUses: [SpecialUse]) async throws -> Mailbox
    /// Deletes the mailbox with its messages; those below it in the hierarchy stay.
    func deleteMailbox(named name: String) async throws
    /// Renames the mailbox, or what is no mailbox but has some below it, and those; renaming `INBOX` moves its messages
    /// (RFC 9051 §6.3.6).
    func renameMailbox(from: String, to: String) async throws
    func setSubscribed(_ isSubscribed: Bool, name: String) async throws
    func status(of mailbox: MailboxID) async throws -> MailboxStatus

    /// All mailboxes the account may know of, with figures of those that it may read, from the counters, and its
    /// subscriptions, at one moment; with `includingAnnotations`, when annotations that it may read were set too.
    func overview(includingAnnotations: Bool) async throws -> AccountOverview

    /// Octets of the messages that have `\Deleted`: what EXPUNGE would free (RFC 9208 §4.1.4).
    func deletedSize(of mailbox: MailboxID) async throws -> UInt64
    /// What the account uses, and may use.
    func quota() async throws -> Quota
    /// The same of the account that the mailbox belongs to.
    func quota(of mailbox: MailboxID) async throws -> Quota

    // MARK: Access

    /// Who may do what with the mailbox, the owner first (RFC 4314 §3.3).
    func accessList(of mailbox: MailboxID) async throws -> [AccessEntry]
    /// Changes what the mailbox's list says of an identifier (RFC 4314 §3.1); without rights it is not in the list.
    ///
    /// Throws ``StoreError/notFound(_:)`` for an identifier that is nobody.
    func setAccess(_ change: RightsChange, for identifier: String, to mailbox: MailboxID) async throws
    /// The rights that an identifier always has (RFC 4314 §3.4). Throws ``StoreError/notFound(_:)``.
    func lastingRights(for identifier: String, to mailbox: MailboxID) async throws -> Rights

    // MARK: Annotations

    /// What clients have noted about the mailbox, or with nil about the server, ascending by entry (RFC 5464).
    ///
    /// About a mailbox of somebody else: what all share, and what this account has noted for itself.
    func annotations(of mailbox: MailboxID?) async throws -> [Annotation]
    /// Makes all the changes or none; `specialUses`: what the mailbox is for from now on, and no other is.
    ///
    /// Returns the mod-sequence that what it has set has. Throws ``StoreError/tooManyAnnotations``.
    @discardableResult
    func annotate(
        _ mailbox: MailboxID?,
        with changes: [AnnotationChange],
        specialUses: [SpecialUse]?
    ) async throws -> ModSeq

    // MARK: Index

    /// The mailbox's index in memory, loaded if need be; it stays current for as long as somebody holds it.
    ///
    /// It is gone for whoever may read it no more.
    func open(_ mailbox: MailboxID) async throws -> ResidentMailbox
    /// Ends `\Recent` for the messages there are: the caller is the session that is told of them.
    ///
    /// Returns the first UID that was recent until now. For an account that may only read it ends nothing.
    func claimRecent(in mailbox: MailboxID) async throws -> UID

    // MARK: Messages
    //
    // What is added to a mailbox keeps those flags that the account may set there (RFC 4314 §4).

    /// Adds the messages, all or none, with ascending UIDs.
    func append(_ messages: [NewMessage], to mailbox: MailboxID) async throws -> AppendReceipt
    /// Adds `message` to `target` and removes the message `uid` of `mailbox`, both or neither (RFC 8508 §3.4).
    ///
    /// Throws ``StoreError/expunged`` if there is no such message (any more).
    func replace(
        _ uid: UID,
        in mailbox: MailboxID,
        with message: NewMessage,
        in target: MailboxID
    ) async throws -> AppendReceipt
    /// What never changes about the messages, ascending by UID; those that are gone are left out.
    func messages(_ uids: [UID], in mailbox: MailboxID, including parts: MessageParts) async throws -> [StoredMessage]
    /// The stored octets of a message from `range.lowerBound` on: at least one if the range is within the message.
    ///
    /// May return fewer than asked for: whoever needs more asks again. Throws ``StoreError/expunged`` if they are gone.
    func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8]
    /// Which messages of the mailbox may have a text, from an index; nil if there is none that would help.
    ///
    /// Those there are now: for a message that comes later nothing is said.
    func candidates(for term: TextTerm, in mailbox: MailboxID) async throws -> TextCandidates?
    /// Changes flags of those messages that are there, of the flags those that the account may change.
    ///
    /// - Parameters:
    ///   - uids: the messages, in any order.
    ///   - mailbox: where they are.
    ///   - change: what to do.
    ///   - unchangedSince: leave alone what has changed after this mod-sequence (RFC 7162 §3.1.3).
    ///   - knownUntil: tell in ``FlagReceipt/unknown`` what had changed after this mod-sequence.
    /// - Returns: what became of each message.
    /// - Throws: ``StoreError/noSuchMailbox``; ``StoreError/noPermission`` if there is no flag that it may change;
    ///   ``StoreError/tooManyKeywords``.
    func changeFlags(
        of uids: [UID],
        in mailbox: MailboxID,
        _ change: FlagChange,
        unchangedSince: ModSeq?,
        knownUntil: ModSeq?
    ) async throws -> FlagReceipt
    /// Copies those messages that are there, with flags and internal dates, to the end of `target`, whose ever it is.
    func copy(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt
    /// Copies and expunges in one step (RFC 9051 §6.4.8).
    func move(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt
    /// Removes the messages that have `\Deleted`; with `uids`, only those of them (RFC 9051 §6.4.9).
    ///
    /// Returns what it removed, ascending.
    func expunge(_ uids: [UID]?, in mailbox: MailboxID) async throws -> [UID]
    /// The messages expunged after that mod-sequence, as ascending ranges of UIDs that do not overlap (RFC 7162 §3.2.6).
    ///
    /// Nil if the store does not remember so far back: then all UIDs below the mailbox's next that have no message may
    /// have been expunged since. Throws ``StoreError/noSuchMailbox``.
    func expunged(in mailbox: MailboxID, since modSeq: ModSeq) async throws -> [ClosedRange<UID>]?
}

extension MailStore {
    /// What a store answers that does not remember expunged messages (RFC 7162 §5.1).
    package func expunged(in mailbox: MailboxID, since modSeq: ModSeq) async throws -> [ClosedRange<UID>]? { nil }
    /// Creates a mailbox with one special use, or none.
    package func createMailbox(named name: String, specialUse: SpecialUse?) async throws -> Mailbox {
        try await self.createMailbox(named: name, specialUses: specialUse.map { [$0] } ?? [])
    }

    /// Changes flags for somebody who need not know what they were.
    package func changeFlags(
        of uids: [UID],
        in mailbox: MailboxID,
        _ change: FlagChange,
        unchangedSince: ModSeq?
    ) async throws -> FlagReceipt {
        try await self.changeFlags(of: uids, in: mailbox, change, unchangedSince: unchangedSince, knownUntil: nil)
    }
}

/// A message to be added to a mailbox.
package struct NewMessage: Sendable {
    package var message: StagedMessage
    package var flags: FlagSet
    package var internalDate: MessageDate

    package init(_ message: StagedMessage, flags: FlagSet = FlagSet(), internalDate: MessageDate) {
        self.message = message
        self.flags = flags
        self.internalDate = internalDate
    }
}

/// Where appended messages went.
package struct AppendReceipt: Hashable, Sendable {
    package var uidValidity: UIDValidity
    /// Ascending, in the order given.
    package var uids: [UID]

    package init(uidValidity: UIDValidity, uids: [UID]) {
        self.uidValidity = uidValidity
        self.uids = uids
    }
}

/// What became of a change of flags.
package struct FlagReceipt: Hashable, Sendable {
    /// The mod-sequence that the changed messages have now.
    package var modSeq: ModSeq
    /// Messages whose flags are now as asked for, changed or already so; ascending.
    package var updated: [UID]
    /// Messages left alone because they had changed after `unchangedSince`; ascending.
    package var modified: [UID]
    /// Messages of ``updated`` that somebody else had changed after `knownUntil` before this change; ascending.
    package var unknown: [UID]
    /// Some of the flags could not be changed, for want of rights: ``updated`` have others than was asked for.
    package var isLimited: Bool

    package init(modSeq: ModSeq, updated: [UID], modified: [UID], unknown: [UID] = [], isLimited: Bool = false) {
        self.modSeq = modSeq
        self.updated = updated
        self.modified = modified
        self.unknown = unknown
        self.isLimited = isLimited
    }
}

/// Which message became which.
package struct CopyReceipt: Hashable, Sendable {
    /// The target mailbox's.
    package var uidValidity: UIDValidity
    /// The messages that were there, ascending.
    package var source: [UID]
    /// Their copies in the same order, ascending too.
    package var target: [UID]

    package init(uidValidity: UIDValidity, source: [UID], target: [UID]) {
        self.uidValidity = uidValidity
        self.source = source
        self.target = target
    }
}

/// What to read of messages besides their dates and sizes.
package struct MessageParts: Hashable, Sendable {
    package var summary: Bool
    /// Read the octets of messages up to this size along with the rest; 0: of none.
    package var contentUpTo: Int
    /// Read ``StoredMessage/digest``.
    package var digest: Bool

    package init(summary: Bool = false, contentUpTo: Int = 0, digest: Bool = false) {
        self.summary = summary
        self.contentUpTo = contentUpTo
        self.digest = digest
    }
}

/// What never changes about a message of a mailbox.
package struct StoredMessage: Sendable {
    package var uid: UID
    package var blob: BlobID
    package var size: Int
    package var internalDate: MessageDate
    /// When it came into this mailbox.
    package var saveDate: UnixTime
    /// If asked for.
    package var summary: MessageSummary?
    /// If asked for and small enough.
    package var content: [UInt8]?
    /// SHA-256 of the octets, if asked for.
    package var digest: [UInt8]?

    package init(
        uid: UID,
        blob: BlobID,
        size: Int,
        internalDate: MessageDate,
        saveDate: UnixTime,
        summary: MessageSummary? = nil,
        content: [UInt8]? = nil
    ) {
        self.uid = uid
        self.blob = blob
        self.size = size
        self.internalDate = internalDate
        self.saveDate = saveDate
        self.summary = summary
        self.content = content
    }
}
