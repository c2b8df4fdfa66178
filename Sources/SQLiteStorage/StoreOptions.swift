// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What may differ from store to store; the defaults suit one appliance.
package struct StoreOptions: Sendable {
    /// How many reads run at the same time, each on its connection and thread.
    package var readers = 4
    /// How long octets stay after their last message has gone, in seconds: a session that has not yet been told of the
    /// expunge may be sending them.
    package var retention: Int64 = 1800
    /// How long a message may stay staged without a sign of life, in seconds.
    package var stageLifetime: Int64 = 3600
    /// Mailboxes that stay in memory after the last session has left them.
    package var residentMailboxes = 32
    /// Ranges of expunged UIDs that are remembered for a mailbox, at most; the oldest go first (RFC 7162 §5.3).
    ///
    /// A range takes about 16 octets, and clients that were away for longer than it reaches are told of all UIDs that
    /// have no message.
    package var expungedRanges = 65536
    /// Mailboxes of an account, and subscriptions, at most: quotas do not count them.
    package var mailboxes = 10_000
    /// How long the store remembers what became of a message, in seconds.
    package var traceLifetime: Int64 = 30 * 86_400
    /// How many events of all messages it remembers; the oldest messages' go first.
    package var traceEvents = 1_000_000
    /// Whether moving mail into and out of `\Junk` teaches what junk is.
    package var learnsJunk = true
    /// Words of an account that are kept, at most; those that were seen once, longest ago, go first.
    ///
    /// A row takes about 25 octets: 3 MiB.
    package var junkTokens = 131_072
    /// Upper bound of the file in octets, above what the disk sets; nil: none.
    package var sizeLimit: Int64?
    /// The time of day, for save dates, UIDVALIDITY and deadlines.
    package var now: @Sendable () -> UnixTime = StoreFile.timeOfDay

    package init() {}
}
