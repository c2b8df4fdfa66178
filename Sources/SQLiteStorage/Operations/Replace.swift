// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Transaction {
    /// Adds a message to `target` and removes another of `source`, which may be the same mailbox (RFC 8508 §3.4).
    ///
    /// Throws ``StoreError/expunged`` if there is none to remove.
    func replace(
        _ uid: UID,
        in source: MailboxID,
        with message: NewRow,
        in target: MailboxID,
        by account: AccountID
    ) throws -> AppendReceipt {
        var (mailbox, _) = try self.mailbox(source, by: account, needing: .takeAway)
        guard try mailbox.slot(uid, self.sql) != nil else { throw StoreError.expunged }
        // The new one first: if the octets are the same, they never lose their last reference.
        let receipt = try self.append([message], to: target, by: account)
        try self.remove([uid], from: source, releasing: true)
        return receipt
    }
}
