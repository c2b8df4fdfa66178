// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A mailbox that somebody has selected: its index in memory, kept current by the store, shared by all its sessions.
///
/// Reading ``current`` is a short lock and a retain; it never waits for the database. The store publishes the next
/// index after each commit, before it pokes ``ChangeFeed`` watchers.
package final class ResidentMailbox: Sendable {
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
    private let state: Mutex<MailboxIndex?>
    private let snapshot: Mutex<Snapshot?>

    package init(_ index: MailboxIndex) {
        self.id = index.mailbox
        self.state = Mutex(index)
        self.snapshot = Mutex(nil)
    }

    /// The mailbox as last committed; nil once it has been deleted.
    package var current: MailboxIndex? { self.state.withLock { $0 } }

    /// All UIDs of `index`, which is or was ``current``, ascending.
    ///
    /// One array for all sessions that have selected the mailbox as it is: four octets a message, once. It is copied
    /// when one of them is told of something new.
    package func uids(of index: MailboxIndex) -> [UInt32] {
        if let known = self.snapshot.withLock({ $0 }), known.holds(for: index) { return known.uids }
        let uids = index.uids()
        self.snapshot.withLock { $0 = Snapshot(uidNext: index.uidNext, uids: uids) }
        return uids
    }

    /// Called by the store after a commit; nil: the mailbox has been deleted.
    package func publish(_ index: MailboxIndex?) { self.state.withLock { $0 = index } }
}
