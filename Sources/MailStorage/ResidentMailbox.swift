// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A mailbox that somebody has selected: its index in memory, kept current by the store, shared by all its sessions.
///
/// The store publishes the next index, or list of rights, after each commit, before it pokes ``ChangeFeed`` watchers.
package final class ResidentIndex: Sendable {
    /// The UIDs of a mailbox as it was when somebody selected it.
    private struct Snapshot {
        var uidNext: UID
        var uids: [UInt32]

        /// Whether these are the UIDs in `index`: none comes twice, and new ones are no less than ``uidNext``.
        func holds(for index: MailboxIndex) -> Bool {
            self.uidNext == index.uidNext && self.uids.count == index.count
        }
    }

    package let id: MailboxID
    private let state: Mutex<(index: MailboxIndex?, access: AccessList)>
    private let snapshot: Mutex<Snapshot?>

    package init(_ index: MailboxIndex, access: AccessList) {
        self.id = index.mailbox
        self.state = Mutex((index, access))
        self.snapshot = Mutex(nil)
    }

    /// The mailbox as last committed, for the store; nil once it has been deleted.
    package var current: MailboxIndex? { self.state.withLock { $0.index } }

    /// Called by the store after a commit; nil: the mailbox has been deleted.
    package func publish(_ index: MailboxIndex?) { self.state.withLock { $0.index = index } }

    /// Called by the store after a commit that changed who may do what.
    package func publish(_ access: AccessList) { self.state.withLock { $0.access = access } }

    fileprivate func current(for account: AccountID) -> MailboxIndex? {
        self.state.withLock { Access.read.isGranted(by: $0.access.rights(of: account)) ? $0.index : nil }
    }

    package func rights(of account: AccountID) -> Rights { self.state.withLock { $0.access.rights(of: account) } }

    fileprivate func uids(of index: MailboxIndex) -> [UInt32] {
        if let known = self.snapshot.withLock({ $0 }), known.holds(for: index) { return known.uids }
        let uids = index.uids()
        self.snapshot.withLock { $0 = Snapshot(uidNext: index.uidNext, uids: uids) }
        return uids
    }
}

/// A ``ResidentIndex`` as one user may look at it.
///
/// Reading ``current`` is a short lock and a retain; it never waits for the database.
package struct ResidentMailbox: Sendable {
    package let shared: ResidentIndex
    private let account: AccountID

    /// Throws ``StoreError/noSuchMailbox`` or ``StoreError/noPermission``.
    package init(_ shared: ResidentIndex, for account: AccountID) throws(StoreError) {
        try Access.read.require(of: shared.rights(of: account))
        self.shared = shared
        self.account = account
    }

    /// A mailbox of somebody's own.
    package init(_ index: MailboxIndex, ownedBy account: AccountID = AccountID(rawValue: 1)) {
        self.shared = ResidentIndex(index, access: AccessList(owner: account))
        self.account = account
    }

    package var id: MailboxID { self.shared.id }

    /// The mailbox as last committed; nil once it has been deleted, or its user may read it no more.
    package var current: MailboxIndex? { self.shared.current(for: self.account) }

    /// All UIDs of `index`, which is or was ``current``, ascending.
    ///
    /// One array for all sessions that have selected the mailbox as it is: four octets a message, once. It is copied
    /// when one of them is told of something new.
    package func uids(of index: MailboxIndex) -> [UInt32] { self.shared.uids(of: index) }

    /// What its user may do now.
    package var rights: Rights { self.shared.rights(of: self.account) }

    /// Publishes the next index, for whoever made this without a store.
    package func publish(_ index: MailboxIndex?) { self.shared.publish(index) }
}
