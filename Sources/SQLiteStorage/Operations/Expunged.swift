// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// What is remembered of expunged messages, so that a client that comes back can be told of them (RFC 7162 §5.3).
extension Transaction {
    /// Writes down that the UIDs are gone since `modSeq`, and forgets the oldest if that makes too many.
    func remember(_ gone: [ClosedRange<UInt32>], of mailbox: MailboxID, _ modSeq: ModSeq) throws {
        guard !gone.isEmpty else { return }
        for range in gone {
            try self.sql.run(
                "INSERT INTO gone (mailbox, modseq, first, last) VALUES (?, ?, ?, ?)",
                .int(mailbox.rawValue),
                .int(modSeq.rawValue),
                .int(range.lowerBound),
                .int(range.upperBound)
            )
        }
        try self.sql.run(
            """
            INSERT INTO gone_extent (mailbox, since, ranges) VALUES (?, 0, ?)
            ON CONFLICT DO UPDATE SET ranges = ranges + excluded.ranges
            """,
            .int(mailbox.rawValue),
            .int(gone.count)
        )
        let ranges = try self.sql.number("SELECT ranges FROM gone_extent WHERE mailbox = ?", .int(mailbox.rawValue))
        let limit = max(self.options.expungedRanges, 0)
        // Down to seven eighths: it is not to be done again with each message that goes.
        if ranges > limit { try self.forget(of: mailbox, keeping: limit - limit / 8) }
    }

    /// Forgets the oldest, by whole mod-sequences, until at most so many ranges are left.
    private func forget(of mailbox: MailboxID, keeping count: Int) throws {
        let last = try self.sql.first(
            "SELECT modseq FROM gone WHERE mailbox = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?",
            .int(mailbox.rawValue),
            .int(count)
        ) { $0.int64(0) }
        guard let last else { return }
        try self.sql.run(
            "DELETE FROM gone WHERE mailbox = ? AND modseq <= ?",
            .int(mailbox.rawValue),
            .int(last)
        )
        try self.sql.run(
            "UPDATE gone_extent SET since = ?, ranges = ranges - ? WHERE mailbox = ?",
            .int(last),
            .int(self.sql.changes),
            .int(mailbox.rawValue)
        )
    }
}

extension SQL {
    /// The UIDs expunged after `modSeq`, ascending; nil if that is too long ago to be remembered.
    func expunged(in mailbox: MailboxID, since modSeq: ModSeq) throws -> [ClosedRange<UID>]? {
        let since = try self.first("SELECT since FROM gone_extent WHERE mailbox = ?", .int(mailbox.rawValue)) {
            $0.int64(0)
        }
        guard let since else { return [] }
        guard modSeq.rawValue >= since else { return nil }
        let ranges = try self.all(
            "SELECT first, last FROM gone WHERE mailbox = ? AND modseq > ?",
            .int(mailbox.rawValue),
            .int(modSeq.rawValue)
        ) { row in
            let (first, last) = (try row.uint32(0), try row.uint32(1))
            guard first <= last else { throw StoreError.corrupt("expected a range of UIDs") }
            return UID(rawValue: first)...UID(rawValue: last)
        }
        return ranges.sorted { $0.lowerBound < $1.lowerBound }
    }
}
