// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension Transaction {
    /// Renames the mailbox and those below it if the account may: it stays its owner's, with its access list.
    func renameMailbox(_ old: MailboxName, to new: MailboxName, by account: AccountID) throws {
        let isMailbox = try self.sql.mailbox(named: old, by: account, needing: .delete) != nil
        guard let from = try self.sql.place(of: old, for: account),
            // A level that is no mailbox has no access list: it is its owner's to rename.
            isMailbox || from.owner == account
        else { throw StoreError.noSuchMailbox }
        guard let to = try self.sql.place(of: new, for: account), to.owner == from.owner else {
            throw StoreError.noPermission
        }
        try self.requireUnknown(to.name, of: to.owner, by: account)
        try self.requireCreation(of: to.name, of: to.owner, by: account)
        // One that is there, but not to be known; and an INBOX is not renamed, but emptied.
        guard try self.sql.mailbox(named: to.name, of: to.owner) == nil,
            from.name != .inbox || from.owner == account
        else { throw StoreError.noPermission }
        try self.renameMailbox(from.name, to: to.name, of: from.owner)
    }

    /// Renames the mailbox and those below it, and creates those above its new name that are missing.
    ///
    /// A name that is only the level of others is no mailbox afterwards either (RFC 9051 §6.3.6, example).
    /// Renaming `INBOX` moves its messages to a new mailbox and leaves those below `INBOX` alone (RFC 9051 §6.3.6).
    private func renameMailbox(_ old: MailboxName, to new: MailboxName, of account: AccountID) throws {
        let mailbox = try self.sql.mailbox(named: old, of: account)
        let inferiors = try self.inferiors(of: old, account)
        guard mailbox != nil || !inferiors.isEmpty else { throw StoreError.noSuchMailbox }
        guard try self.sql.mailbox(named: new, of: account) == nil else { throw StoreError.mailboxExists }
        if old == .inbox, let mailbox { return try self.emptyInbox(mailbox.id, into: new, of: account) }
        guard !new.isInferior(to: old) else {
            throw StoreError.notPermitted("a mailbox cannot become its own inferior")
        }
        _ = try self.modSeq(of: account)
        // It first, then ascending: so each name is free when it is another's.
        if let mailbox { try self.setName(new, of: mailbox.id) }
        for inferior in inferiors {
            let name = try MailboxName(inferior.name).moved(from: old, to: new)
            // Mailboxes may be below a name that is none itself.
            guard try self.sql.mailbox(named: name, of: account) == nil else { throw StoreError.mailboxExists }
            try self.setName(name, of: inferior.id)
            try self.touchLists(of: inferior.id, account)
        }
        for superior in new.superiors where try self.sql.mailbox(named: superior, of: account) == nil {
            _ = try self.createMailbox(superior, specialUses: [], of: account)
        }
        if let mailbox { try self.touchLists(of: mailbox.id, account) }
    }

    private func emptyInbox(_ inbox: MailboxID, into name: MailboxName, of account: AccountID) throws {
        let target = try self.createMailbox(name, specialUses: [], of: account)
        try self.copyAnnotations(from: inbox, to: target.id, of: account)
        try self.sql.run("UPDATE mailbox SET was_inbox = 1 WHERE id = ?", .int(target.id.rawValue))
        // Its messages are for whom they were for.
        try self.inheritAccess(to: target.id, from: inbox)
        try self.touchLists(of: target.id, account)
        var source = try self.mailbox(inbox)
        var uids: [UID] = []
        for number in try source.pageNumbers(self.sql) {
            try source.page(number, self.sql)?.forEach { uid, _ in uids.append(uid) }
        }
        _ = try self.move(uids, from: inbox, to: target.id)
    }

    private func inferiors(of name: MailboxName, _ account: AccountID) throws -> [(id: MailboxID, name: String)] {
        // `0` is what follows `/`.
        try self.sql.all(
            "SELECT id, name FROM mailbox WHERE account = ? AND name > ? AND name < ? ORDER BY name",
            .int(account.rawValue),
            .text("\(name.text)/"),
            .text("\(name.text)0")
        ) { row in (MailboxID(rawValue: row.int64(0)), row.text(1)) }
    }

    private func setName(_ name: MailboxName, of id: MailboxID) throws {
        try self.sql.run("UPDATE mailbox SET name = ? WHERE id = ?", .text(name.text), .int(id.rawValue))
    }
}
