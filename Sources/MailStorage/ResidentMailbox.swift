// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A mailbox that somebody has selected: its index in memory, kept current by the store, shared by all its sessions.
///
/// Reading ``current`` is a short lock and a retain; it never waits for the database. The store publishes the next
/// index after each commit, before it pokes ``ChangeFeed`` watchers.
package final class ResidentMailbox: Sendable {
    package let id: MailboxID
    private let state: Mutex<MailboxIndex?>

    package init(_ index: MailboxIndex) {
        self.id = index.mailbox
        self.state = Mutex(index)
    }

    /// The mailbox as last committed; nil once it has been deleted.
    package var current: MailboxIndex? { self.state.withLock { $0 } }

    /// Called by the store after a commit; nil: the mailbox has been deleted.
    package func publish(_ index: MailboxIndex?) { self.state.withLock { $0 = index } }
}
