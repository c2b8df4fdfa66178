// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// One account's mail as programs read it in bulk and change it from afar: what HTTP's storage API is made of.
///
/// Only the account's own mailboxes: those that others share are not there. Lists are read in batches, each in a
/// transaction of its own, so that whoever takes them slowly holds nothing up. All methods throw ``StoreError``.
package protocol ServedMailStore: MailStore {
    /// The account's mod-sequence now, and its mailboxes that have changed after `modSeq`.
    func changes(since modSeq: ModSeq) async throws -> AccountChanges
    /// A mailbox of the account by its number, and its figures; nil if there is none.
    func mailbox(_ id: MailboxID) async throws -> AccountOverview.Entry?
    /// The first messages with larger UIDs; with `since`, of those that were changed after that.
    ///
    /// Throws ``StoreError/noSuchMailbox``.
    func listing(of mailbox: MailboxID, after uid: UID, limit: Int, since: ModSeq?) async throws -> MessageListing
    /// A message of the account, in whichever of its mailboxes; nil if there is none.
    func message(_ id: EmailID, including parts: MessageParts) async throws -> StoredMessage?
    /// Which messages of a mailbox have these identifiers, ascending.
    func uids(of ids: [EmailID], in mailbox: MailboxID) async throws -> [UID]

    /// Does some work, once however often it is asked for under the same key.
    ///
    /// `answer` makes of what was done what is to be answered; it is kept with the key in the same transaction. Without
    /// a key it is called when the work is done, and cannot undo it.
    func perform(
        _ work: StoreWork,
        once key: RequestKey?,
        answer: @escaping @Sendable (WorkReceipt) throws -> StoreAnswer
    ) async throws -> WorkOutcome
    /// Says that work which is not the store's own begins under a key; ``WorkOutcome/running`` if it has, and has not ended.
    ///
    /// Nil: go on, and say how it ended by ``end(_:with:)``.
    func begin(_ key: RequestKey) async throws -> WorkOutcome?
    /// Keeps what the work's answer was; with nil, as if the work had never been asked for.
    func end(_ key: RequestKey, with answer: StoreAnswer?) async throws

    /// Changes a mailbox of the account, or deletes it, if it still is what `isExpected` wants.
    ///
    /// Returns what it is now, without figures that other changes may make stale; nil if it was not as expected. Throws
    /// ``StoreError/noSuchMailbox``.
    func change(
        _ mailbox: MailboxID,
        _ change: MailboxChange,
        if isExpected: @escaping @Sendable (AccountOverview.Entry) -> Bool
    ) async throws -> MailboxChangeOutcome

    /// What a program has put under a key; nil if nothing.
    func value(of key: String) async throws -> [UInt8]?
    /// Puts a value under a key, or with nil takes it away, if what is there has the digest that `isExpected` wants.
    ///
    /// Whether it was so. Throws ``StoreError/overQuota`` beyond ``StoredValueLimits``.
    func setValue(
        _ value: StoredValue?,
        of key: String,
        if isExpected: @escaping @Sendable (_ digest: [UInt8]?) -> Bool
    ) async throws -> Bool
    /// The first keys behind `key` that begin with `prefix`, in the order of their octets.
    func values(prefix: String, after key: String, limit: Int) async throws -> [StoredValueEntry]
}

/// A ``Directory`` whose accounts' mail can be served.
package protocol ServedDirectory: Directory, AccessTokens {
    func servedStore(of account: AccountID) -> any ServedMailStore
}

/// What has changed of an account's mailboxes.
package struct AccountChanges: Hashable, Sendable {
    package var modSeq: ModSeq
    /// In the order of their numbers.
    package var mailboxes: [MailboxState]

    package struct MailboxState: Hashable, Sendable {
        package var id: MailboxID
        package var highestModSeq: ModSeq

        package init(id: MailboxID, highestModSeq: ModSeq) {
            self.id = id
            self.highestModSeq = highestModSeq
        }
    }

    package init(modSeq: ModSeq, mailboxes: [MailboxState]) {
        self.modSeq = modSeq
        self.mailboxes = mailboxes
    }
}

/// Some messages of a mailbox, all as they were at one moment.
package struct MessageListing: Sendable {
    /// Ascending by UID.
    package var messages: [ListedMessage]
    /// The mailbox's mod-sequence at that moment.
    package var highestModSeq: ModSeq
    /// Whether there may be more behind them.
    package var hasMore: Bool

    package init(messages: [ListedMessage], highestModSeq: ModSeq, hasMore: Bool) {
        self.messages = messages
        self.highestModSeq = highestModSeq
        self.hasMore = hasMore
    }
}

/// A message of a mailbox with everything that a list tells of it.
package struct ListedMessage: Sendable {
    package var id: EmailID
    package var uid: UID
    package var size: Int
    package var saveDate: UnixTime
    package var flags: FlagSet
    package var modSeq: ModSeq

    package init(id: EmailID, uid: UID, size: Int, saveDate: UnixTime, flags: FlagSet, modSeq: ModSeq) {
        self.id = id
        self.uid = uid
        self.size = size
        self.saveDate = saveDate
        self.flags = flags
        self.modSeq = modSeq
    }
}

/// What is to become of a mailbox.
package enum MailboxChange: Sendable {
    /// What is nil stays.
    case update(name: String?, specialUses: [SpecialUse]?, isSubscribed: Bool?)
    case delete
}

package enum MailboxChangeOutcome: Sendable {
    case changed(AccountOverview.Entry)
    case deleted
    /// It was not what was expected: nothing has changed.
    case unexpected
}
