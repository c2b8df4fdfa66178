// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Transaction {
    /// Copies those messages that are there to the end of `target`, which may be the same mailbox.
    func copy(
        _ uids: [UID],
        from source: MailboxID,
        to target: MailboxID,
        of account: AccountID
    ) throws -> CopyReceipt {
        try self.transfer(uids, from: source, to: target, of: account, isMove: false)
    }

    /// Copies and expunges in one step: the references to the octets move along.
    func move(
        _ uids: [UID],
        from source: MailboxID,
        to target: MailboxID,
        of account: AccountID
    ) throws -> CopyReceipt {
        let receipt = try self.transfer(uids, from: source, to: target, of: account, isMove: true)
        try self.remove(receipt.source, from: source, of: account, releasing: false)
        return receipt
    }

    private func transfer(
        _ uids: [UID],
        from sourceID: MailboxID,
        to targetID: MailboxID,
        of account: AccountID,
        isMove: Bool
    ) throws -> CopyReceipt {
        var source = try self.mailbox(sourceID, of: account)
        // Found before the target changes: it may be the same.
        let slots = try uids.ascending().compactMap { uid in try source.slot(uid, self.sql).map { (uid, $0) } }
        var target = try self.mailbox(targetID, of: account)
        var receipt = CopyReceipt(uidValidity: target.uidValidity, source: [], target: [])
        guard !slots.isEmpty else { return receipt }
        let modSeq = try self.modSeq(of: account)
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
            if let known = keywords[slot.keywords] {
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
