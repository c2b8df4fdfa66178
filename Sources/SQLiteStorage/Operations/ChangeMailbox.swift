// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Transaction {
    /// Changes a mailbox of the account, or deletes it, if it still is what `isExpected` wants.
    func change(
        _ id: MailboxID,
        _ change: MailboxChange,
        by account: AccountID,
        if isExpected: (AccountOverview.Entry) -> Bool
    ) throws -> MailboxChangeOutcome {
        let (name, entry) = try self.requireEntry(id, account)
        guard isExpected(entry) else { return .unexpected }
        switch change {
        case .delete:
            try self.deleteMailbox(name, by: account)
            return .deleted
        case .update(let newName, let specialUses, let isSubscribed):
            if let newName {
                let newName = try MailboxName(newName)
                if newName != name {
                    // To move its messages is not to change its name (RFC 9051 §6.3.6).
                    guard name != .inbox else { throw StoreError.notPermitted("INBOX cannot be renamed") }
                    try self.renameMailbox(name, to: newName, by: account)
                }
            }
            if let specialUses { try self.setSpecialUses(specialUses, of: id, account) }
            if let isSubscribed {
                let (name, _) = try self.requireEntry(id, account)
                try self.setSubscribed(isSubscribed, name, of: account)
            }
            return .changed(try self.requireEntry(id, account).entry)
        }
    }

    /// The mailbox as the running group of transactions has it.
    private func requireEntry(
        _ id: MailboxID,
        _ account: AccountID
    ) throws -> (name: MailboxName, entry: AccountOverview.Entry) {
        guard let name = try self.sql.ownMailbox(id, of: account), var entry = try self.sql.entry(id, of: account)
        else { throw StoreError.noSuchMailbox }
        let state = try self.mailbox(id)
        entry.status = MailboxStatus(
            messages: state.messages,
            unseen: state.unseen,
            deleted: state.deleted,
            recent: state.recent,
            size: UInt64(clamping: state.size),
            uidNext: UID(rawValue: state.uidNext),
            uidValidity: state.uidValidity,
            highestModSeq: state.highestModSeq
        )
        return (name, entry)
    }
}
