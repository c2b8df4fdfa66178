// SPDX-License-Identifier: Apache-2.0

/// Something to be done to a mailbox's messages, in one transaction.
package enum StoreWork: Sendable {
    case append(NewMessage, to: MailboxID)
    /// Whether they have `\Deleted` or not.
    case expunge([UID], in: MailboxID)
    case changeFlags([UID], in: MailboxID, FlagChange, unchangedSince: ModSeq?)
    case copy([UID], from: MailboxID, to: MailboxID, isMove: Bool)
}

/// What became of some work.
package struct WorkReceipt: Sendable {
    /// The mod-sequence of the mailbox that the work was about.
    package var modSeq: ModSeq
    /// Of the mailbox that messages were added to, or else of the same.
    package var uidValidity: UIDValidity
    /// The messages that were added, removed, copied or given their flags, ascending.
    package var uids: [UID]
    /// Their copies, in the same order.
    package var targets: [UID] = []
    /// Messages left alone because they had changed, ascending.
    package var modified: [UID] = []
    /// Of those in ``uids`` that flags were asked for: what they have now.
    package var flags: [FlagState] = []

    /// A message's flags.
    package struct FlagState: Sendable {
        package var uid: UID
        package var flags: FlagSet
        package var modSeq: ModSeq

        package init(uid: UID, flags: FlagSet, modSeq: ModSeq) {
            self.uid = uid
            self.flags = flags
            self.modSeq = modSeq
        }
    }

    package init(modSeq: ModSeq, uidValidity: UIDValidity, uids: [UID]) {
        self.modSeq = modSeq
        self.uidValidity = uidValidity
        self.uids = uids
    }
}

/// How a client names a request, so that it is done once however often it comes.
package struct RequestKey: Hashable, Sendable {
    /// Octets of a key, at most.
    package static let longest = 128
    /// How long a key is known, in seconds; but only the last ``perAccount`` of an account, and as many as have
    /// ``answersPerAccount`` octets of answers.
    package static let lifetime: Int64 = 86_400
    package static let perAccount: Int64 = 10_000
    package static let answersPerAccount: Int64 = 16 << 20
    /// Messages of one request that has a key: its answer is kept, and it names them all.
    package static let messages = 1_000

    package var key: String
    /// A digest of the whole request: the same key for another one is a mistake.
    package var fingerprint: [UInt8]

    package init(key: String, fingerprint: [UInt8]) {
        self.key = key
        self.fingerprint = fingerprint
    }
}

/// An answer as it is kept.
package struct StoreAnswer: Hashable, Sendable {
    package var status: Int
    package var octets: [UInt8]

    package init(status: Int, octets: [UInt8]) {
        self.status = status
        self.octets = octets
    }
}

/// How a request went that may have come before.
package enum WorkOutcome: Hashable, Sendable {
    case done(StoreAnswer, isReplay: Bool)
    /// The key was another request's.
    case otherRequest
    /// The same request has begun, and has not ended; or nobody knows how it ended.
    case running
}

/// What a program has stored under a key.
package struct StoredValue: Hashable, Sendable {
    package var octets: [UInt8]
    /// SHA-256 of them.
    package var digest: [UInt8]

    package init(octets: [UInt8], digest: [UInt8]) {
        self.octets = octets
        self.digest = digest
    }
}

/// A stored value without its octets.
package struct StoredValueEntry: Hashable, Sendable {
    package var key: String
    package var size: Int
    package var digest: [UInt8]

    package init(key: String, size: Int, digest: [UInt8]) {
        self.key = key
        self.size = size
        self.digest = digest
    }
}

/// How much an account's programs may store.
package enum StoredValueLimits {
    package static let values = 10_000
    package static let octets = 64 << 20
    package static let value = 1 << 20
    /// Octets of a key.
    package static let key = 128
}
