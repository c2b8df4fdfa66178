// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Transaction {
    /// Removes the messages that have `\Deleted`; with `uids`, only those of them.
    func expunge(_ uids: [UID]?, in id: MailboxID, by account: AccountID) throws -> [UID] {
        var (mailbox, _) = try self.mailbox(id, by: account, needing: .expunge)
        guard mailbox.deleted > 0 else { return [] }
        var expunged: [UID] = []
        if let uids {
            for uid in uids.ascending() where try mailbox.slot(uid, self.sql)?.flags.contains(.deleted) == true {
                expunged.append(uid)
            }
        } else {
            for number in try mailbox.pageNumbers(self.sql) {
                try mailbox.page(number, self.sql)?.forEach { uid, slot in
                    if slot.flags.contains(.deleted) { expunged.append(uid) }
                }
            }
        }
        try self.remove(expunged, from: id, releasing: true)
        return expunged
    }

    /// Removes messages, which are there and ascending, and writes down that they are gone.
    ///
    /// With `releasing`, the references to their octets are given up; else they have been handed on.
    func remove(_ uids: [UID], from id: MailboxID, releasing: Bool) throws {
        guard !uids.isEmpty else { return }
        var mailbox = try self.mailbox(id)
        let modSeq = try self.modSeq(of: mailbox.account)
        var gone: [ClosedRange<UInt32>] = []
        for uid in uids {
            guard let slot = try mailbox.slot(uid, self.sql) else { continue }
            // All rows, to the end of the statement: there is one.
            let row = try self.sql.all(
                "DELETE FROM message WHERE mailbox = ? AND uid = ? RETURNING blob, size",
                .int(id.rawValue),
                .int(uid.rawValue)
            ) { (blob: BlobID(rawValue: $0.int64(0)), size: $0.int(1)) }.first
            guard let row else { throw StoreError.corrupt("expected a row for each message of a page") }
            if releasing { try self.release(row.blob) }
            try mailbox.remove(uid, flags: slot.flags, size: row.size, at: modSeq, self.sql)
            if let range = gone.last, range.upperBound + 1 == uid.rawValue {
                gone[gone.count - 1] = range.lowerBound...uid.rawValue
            } else {
                gone.append(uid.rawValue...uid.rawValue)
            }
        }
        try self.remember(gone, of: id, modSeq)
        self.put(mailbox)
    }
}
