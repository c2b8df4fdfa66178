// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension Transaction {
    /// Copies those messages that are there to the end of `target`, which may be the same mailbox, or somebody else's.
    func copy(
        _ uids: [UID],
        from source: MailboxID,
        to target: MailboxID,
        by account: AccountID
    ) throws -> CopyReceipt {
        _ = try self.mailbox(source, by: account, needing: .read)
        let (_, rights) = try self.mailbox(target, by: account, needing: .insert)
        let receipt = try self.transfer(uids, from: source, to: target, keeping: rights, isMove: false)
        try self.teach(receipt.target, from: source, to: target, by: account)
        return receipt
    }

    /// Copies and expunges in one step.
    func move(
        _ uids: [UID],
        from source: MailboxID,
        to target: MailboxID,
        by account: AccountID
    ) throws -> CopyReceipt {
        _ = try self.mailbox(source, by: account, needing: .takeAway)
        let (_, rights) = try self.mailbox(target, by: account, needing: .insert)
        let receipt = try self.move(uids, from: source, to: target, keeping: rights)
        try self.teach(receipt.target, from: source, to: target, by: account)
        return receipt
    }

    /// The same for what need not be allowed: the references to the octets move along.
    ///
    /// The copies keep those flags that the rights let set.
    func move(
        _ uids: [UID],
        from source: MailboxID,
        to target: MailboxID,
        keeping rights: Rights = .all
    ) throws -> CopyReceipt {
        let receipt = try self.transfer(uids, from: source, to: target, keeping: rights, isMove: true)
        try self.remove(receipt.source, from: source, releasing: false)
        return receipt
    }

    private func transfer(
        _ uids: [UID],
        from sourceID: MailboxID,
        to targetID: MailboxID,
        keeping rights: Rights,
        isMove: Bool
    ) throws -> CopyReceipt {
        var source = try self.mailbox(sourceID)
        // Found before the target changes: it may be the same.
        let slots = try uids.ascending().compactMap { uid in try source.slot(uid, self.sql).map { (uid, $0) } }
        var target = try self.mailbox(targetID)
        var receipt = CopyReceipt(uidValidity: target.uidValidity, source: [], target: [])
        guard !slots.isEmpty else { return receipt }
        let modSeq = try self.modSeq(of: target.account)
        let first = try target.takeUIDs(slots.count)
        var keywords: [UInt64: UInt64] = [:]
        for run in Self.runs(slots.map(\.0)) {
            let firstCopy = first + UInt32(run.lowerBound)
            let sizes = try self.copyRows(
                slots[run.lowerBound].0,
                run.count,
                from: sourceID,
                to: targetID,
                firstCopy,
                modSeq
            )
            guard sizes.count == run.count else {
                throw StoreError.corrupt("expected a row for each message of a page")
            }
            if !isMove { try self.referenceBlobs(of: firstCopy, run.count, in: targetID) }
            for (offset, position) in run.enumerated() {
                let (uid, slot) = slots[position]
                var copy = slot
                copy.flags.formIntersection(rights.systemFlags)
                if !rights.contains(.write) {
                    copy.keywords = 0
                } else if let known = keywords[slot.keywords] {
                    copy.keywords = known
                } else {
                    copy.keywords = try target.keywordBits(source.keywordNames(slot.keywords), adding: true, self.sql)
                    keywords[slot.keywords] = copy.keywords
                }
                copy.modSeq = modSeq
                let copyUID = UID(rawValue: firstCopy + UInt32(offset))
                try target.add(copyUID, copy, size: sizes[offset], self.sql)
                receipt.source.append(uid)
                receipt.target.append(copyUID)
            }
        }
        self.wantIndexing()
        self.put(target)
        return receipt
    }

    /// The positions of UIDs that follow one another without a gap.
    static func runs(_ uids: [UID]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for (position, uid) in uids.enumerated() {
            if let run = runs.last, uids[position - 1].rawValue + 1 == uid.rawValue {
                runs[runs.count - 1] = run.lowerBound..<position + 1
            } else {
                runs.append(position..<position + 1)
            }
        }
        return runs
    }

    /// Copies what never changes about `count` messages with consecutive UIDs, in one statement however many they are.
    ///
    /// Returns their sizes.
    private func copyRows(
        _ uid: UID,
        _ count: Int,
        from source: MailboxID,
        to target: MailboxID,
        _ firstCopy: UInt32,
        _ modSeq: ModSeq
    ) throws -> [Int] {
        let last = Int64(uid.rawValue) + Int64(count) - 1
        try self.sql.run(
            """
            INSERT INTO message (mailbox, uid, blob, size, internaldate, zone, savedate, created_modseq)
            SELECT ?, uid + ?, blob, size, internaldate, zone, ?, ?
            FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ?
            """,
            .int(target.rawValue),
            .int(Int64(firstCopy) - Int64(uid.rawValue)),
            .int(self.now.rawValue),
            .int(modSeq.rawValue),
            .int(source.rawValue),
            .int(uid.rawValue),
            .int(last)
        )
        return try self.sql.all(
            "SELECT size FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ? ORDER BY uid",
            .int(source.rawValue),
            .int(uid.rawValue),
            .int(last)
        ) { $0.int(0) }
    }

    /// Adds a reference for each of `count` new messages, whose blobs are there.
    private func referenceBlobs(of uid: UInt32, _ count: Int, in mailbox: MailboxID) throws {
        let last = Int64(uid) + Int64(count) - 1
        let blobs = try self.sql.number(
            "SELECT count(DISTINCT blob) FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ?",
            .int(mailbox.rawValue),
            .int(uid),
            .int(last)
        )
        try self.sql.run(
            """
            UPDATE blob SET refs = refs + copy.count, erase_after = NULL
            FROM (
                SELECT blob, count(*) AS count FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ? GROUP BY blob
            ) AS copy WHERE id = copy.blob
            """,
            .int(mailbox.rawValue),
            .int(uid),
            .int(last)
        )
        guard self.sql.changes == Int(blobs) else {
            throw StoreError.corrupt("expected a blob that a message refers to")
        }
    }
}
