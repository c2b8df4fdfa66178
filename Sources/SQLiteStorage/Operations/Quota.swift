// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQL {
    /// What the account uses and may use; nil if there is no such account.
    func quota(of account: AccountID) throws -> Quota? {
        try self.first(
            "SELECT messages, size, message_limit, size_limit FROM quota WHERE account = ?",
            .int(account.rawValue)
        ) { row in
            Quota(
                messages: row.int64(0),
                octets: row.int64(1),
                limits: QuotaLimits(messages: row.optionalInt64(2), octets: row.optionalInt64(3))
            )
        }
    }
}

extension SQL {
    /// Octets of the messages that have `\Deleted`; reads a row for each of them.
    func deletedSize(of id: MailboxID, by account: AccountID) throws -> UInt64 {
        try self.requireMailbox(id, by: account, needing: .read)
        guard var mailbox = try MailboxState(id, self, residents: nil) else { throw StoreError.noSuchMailbox }
        guard mailbox.deleted > 0 else { return 0 }
        var size: UInt64 = 0
        for number in try mailbox.pageNumbers(self) {
            var deleted: [UID] = []
            try mailbox.page(number, self)?.forEach { uid, slot in
                if slot.flags.contains(.deleted) { deleted.append(uid) }
            }
            for uid in deleted {
                size += UInt64(
                    clamping: try self.number(
                        "SELECT size FROM message WHERE mailbox = ? AND uid = ?",
                        .int(id.rawValue),
                        .int(uid.rawValue)
                    )
                )
            }
        }
        return size
    }
}

extension Transaction {
    func addQuota(of account: AccountID) throws {
        try self.sql.run("INSERT INTO quota (account, messages, size) VALUES (?, 0, 0)", .int(account.rawValue))
    }

    func removeQuota(of account: AccountID) throws {
        try self.sql.run("DELETE FROM quota WHERE account = ?", .int(account.rawValue))
    }

    /// Limits below what is used already only keep it from growing.
    func setLimits(_ limits: QuotaLimits, of address: AccountAddress) throws {
        guard let account = try self.sql.account(address) else { throw StoreError.notFound(address.text) }
        guard limits.messages ?? 0 >= 0, limits.octets ?? 0 >= 0 else {
            throw StoreError.notPermitted("a limit is not negative")
        }
        try self.sql.run(
            "UPDATE quota SET message_limit = ?, size_limit = ? WHERE account = ?",
            .optional(limits.messages),
            .optional(limits.octets),
            .int(account.id.rawValue)
        )
        self.forgetQuota(of: account.id)
    }
}
