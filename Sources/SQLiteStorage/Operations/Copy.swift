// SPDX-License-Identifier: Apache-2.0

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
        return try self.transfer(uids, from: source, to: target, keeping: rights, isMove: false)
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
        return try self.move(uids, from: source, to: target, keeping: rights)
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
        for (offset, (uid, slot)) in slots.enumerated() {
            let row = try self.sql.first(
                "SELECT \(MessageRow.columns) FROM message WHERE mailbox = ? AND uid = ?",
                .int(sourceID.rawValue),
                .int(uid.rawValue)
            ) { MessageRow($0) }
            guard let row else { throw StoreError.corrupt("expected a row for each message of a page") }
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
            let copyUID = UID(rawValue: first + UInt32(offset))
            try self.insert(row, copyUID, targetID, modSeq)
            if !isMove { try self.reference(row.blob) }
            try target.add(copyUID, copy, size: row.size, self.sql)
            receipt.source.append(uid)
            receipt.target.append(copyUID)
        }
        self.put(target)
        return receipt
    }
}
