// SPDX-License-Identifier: Apache-2.0

/// An account of this store.
///
/// Never reused.
package struct AccountID: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A mailbox of this store, of whichever account; stays the same when the mailbox is renamed.
///
/// Never reused.
package struct MailboxID: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A message's number within its mailbox, 1...4294967295, ascending in the order of arrival (RFC 9051 §2.3.1.1).
package struct UID: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static func < (lhs: UID, rhs: UID) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Which generation of a mailbox's UIDs this is (RFC 9051 §2.3.1.1); ascending within an account, never repeated.
package struct UIDValidity: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// An account's notion of "when": one more with every transaction that changes its mail.
///
/// It is CONDSTORE's mod-sequence (RFC 7162 §3.1), at least 1 and below 2^63.
package struct ModSeq: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package static func < (lhs: ModSeq, rhs: ModSeq) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Stored octets, shared by every message instance and queue entry that has the same ones.
package struct BlobID: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A message in the queue.
///
/// Never reused; people see it as `queue id`.
package struct QueueEntryID: RawRepresentable, Hashable, Comparable, Sendable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
    package static func < (lhs: QueueEntryID, rhs: QueueEntryID) -> Bool { lhs.rawValue < rhs.rawValue }
}
