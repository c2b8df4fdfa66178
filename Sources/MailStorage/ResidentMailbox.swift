// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A mailbox that somebody has selected: its index in memory, kept current by the store, shared by all its sessions.
///
/// The store publishes the next index, or list of rights, after each commit, before it pokes ``ChangeFeed`` watchers.
package final class ResidentIndex: Sendable {
    package let id: MailboxID
    private let state: Mutex<(index: MailboxIndex?, access: AccessList)>

    package init(_ index: MailboxIndex, access: AccessList) {
        self.id = index.mailbox
        self.state = Mutex((index, access))
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

    /// What its user may do now.
    package var rights: Rights { self.shared.rights(of: self.account) }

    /// Publishes the next index, for whoever made this without a store.
    package func publish(_ index: MailboxIndex?) { self.shared.publish(index) }
}
