// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension AccessList.Identifier {
    /// As the column has it.
    fileprivate var stored: Int64 {
        switch self {
        case .account(let account): account.rawValue
        case .anyone: 0
        }
    }

    fileprivate init(stored: Int64) { self = stored == 0 ? .anyone : .account(AccountID(rawValue: stored)) }
}

// MARK: From names to mailboxes, from mailboxes to rights

extension SQL {
    /// Whose mailbox an account means by a name, and what its owner calls it; nil where nobody's can be meant.
    func place(of name: MailboxName, for account: AccountID) throws -> (owner: AccountID, name: MailboxName)? {
        guard OtherUsers.contain(name.text) else { return (account, name) }
        guard let (address, rest) = OtherUsers.split(name.text), let parsed = try? AccountAddress(address),
            let owner = try self.account(parsed), owner.id != account,
            let mailbox = MailboxName(looking: rest),
            // In one spelling only.
            OtherUsers.name(of: mailbox.text, ownedBy: owner.address).utf8.elementsEqual(name.text.utf8)
        else { return nil }
        return (owner.id, mailbox)
    }

    /// The one way from a name that somebody uses to a mailbox; nil if he must not know that it is there.
    ///
    /// Throws ``StoreError/noPermission``.
    func mailbox(named name: MailboxName, by account: AccountID, needing access: Access) throws -> Mailbox? {
        guard let (owner, ownName) = try self.place(of: name, for: account),
            var mailbox = try self.mailbox(named: ownName, of: owner)
        else { return nil }
        mailbox.rights = try self.accessList(of: mailbox.id, owner, for: account).rights(of: account)
        do { try access.require(of: mailbox.rights) } catch .noSuchMailbox { return nil }
        if owner != account {
            mailbox.name = name.text
            mailbox.specialUses = []
            mailbox.isSubscribed = try self.isSubscribed(name, account)
        }
        return mailbox
    }

    /// The one way from a mailbox's number to the mailbox, for reading: its owner.
    ///
    /// Throws ``StoreError/noSuchMailbox`` or ``StoreError/noPermission``.
    @discardableResult
    func requireMailbox(
        _ id: MailboxID,
        by account: AccountID,
        needing access: Access
    ) throws -> (owner: AccountID, rights: Rights) {
        let owner = try self.first("SELECT account FROM mailbox WHERE id = ? AND name IS NOT NULL", .int(id.rawValue)) {
            AccountID(rawValue: $0.int64(0))
        }
        guard let owner else { throw StoreError.noSuchMailbox }
        let rights = try self.accessList(of: id, owner, for: account).rights(of: account)
        try access.require(of: rights)
        return (owner, rights)
    }

    /// What the list says of one account, which is enough for its rights; with nil, the whole list.
    func accessList(of id: MailboxID, _ owner: AccountID, for account: AccountID?) throws -> AccessList {
        let columns = "SELECT account, is_negative, rights FROM acl WHERE mailbox = ?"
        return AccessList(
            owner: owner,
            entries: try account.map {
                try self.all("\(columns) AND account IN (0, ?)", .int(id.rawValue), .int($0.rawValue)) {
                    try Self.entry($0)
                }
            } ?? self.all("\(columns) ORDER BY account, is_negative", .int(id.rawValue)) { try Self.entry($0) }
        )
    }

    private static func entry(_ row: SQLRow, from start: Int32 = 0) throws -> AccessList.Entry {
        guard let rights = Rights(text: row.text(start + 2)) else {
            throw StoreError.corrupt("expected the letters of rights")
        }
        return AccessList.Entry(
            identifier: AccessList.Identifier(stored: row.int64(start)),
            isNegative: row.bool(start + 1),
            rights: rights
        )
    }

    /// All mailboxes that the account may know of: its own, then those of others by their names.
    func mailboxes(for account: AccountID) throws -> [Mailbox] {
        var own = try self.mailboxes(of: account)
        let lists = try self.lists(
            "mailbox.account = ?1",
            for: account
        )
        for index in own.indices {
            if let list = lists[own[index].id] { own[index].rights = list.rights(of: account) }
        }
        let others = try self.lists("mailbox.account <> ?1 AND mailbox.name IS NOT NULL", for: account)
            .filter { $0.value.rights(of: account).contains(.lookup) }
        guard !others.isEmpty else { return own }
        let subscriptions = Set(try self.subscriptions(of: account).map { Array($0.utf8) })
        let shared = try others.compactMap { id, list in
            let mailbox = try self.first(
                """
                SELECT mailbox.name, mailbox.uidvalidity, local_part, domain, was_inbox FROM mailbox
                JOIN account ON account.id = mailbox.account WHERE mailbox.id = ? AND domain IS NOT NULL
                """,
                .int(id.rawValue)
            ) { row in
                Mailbox(
                    id: id,
                    name: OtherUsers.name(of: row.text(0), ownedBy: "\(row.text(2))@\(row.text(3))"),
                    uidValidity: UIDValidity(rawValue: try row.uint32(1)),
                    rights: list.rights(of: account),
                    wasInbox: row.bool(4)
                )
            }
            return mailbox.map { mailbox in
                var mailbox = mailbox
                mailbox.isSubscribed = subscriptions.contains(Array(mailbox.name.utf8))
                return mailbox
            }
        }
        return own + shared.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// What the lists of some mailboxes say of the account, of those that say something.
    private func lists(_ condition: String, for account: AccountID) throws -> [MailboxID: AccessList] {
        var lists: [MailboxID: (owner: AccountID, entries: [AccessList.Entry])] = [:]
        try self.each(
            """
            SELECT mailbox.id, mailbox.account, acl.account, is_negative, rights FROM acl
            JOIN mailbox ON mailbox.id = acl.mailbox WHERE acl.account IN (0, ?1) AND \(condition)
            """,
            .int(account.rawValue)
        ) { row in
            let owner = AccountID(rawValue: row.int64(1))
            lists[MailboxID(rawValue: row.int64(0)), default: (owner, [])].entries.append(try Self.entry(row, from: 2))
        }
        return lists.mapValues { AccessList(owner: $0.owner, entries: $0.entries) }
    }

    private func isSubscribed(_ name: MailboxName, _ account: AccountID) throws -> Bool {
        try self.number(
            "SELECT count(*) FROM subscription WHERE account = ? AND name = ?",
            .int(account.rawValue),
            .text(name.text)
        ) > 0
    }
}

// MARK: Lists as users see them

extension SQL {
    /// As GETACL tells it: the owner first, whether the list has him or not, then addresses, then `anyone`.
    func accessEntries(of id: MailboxID, by account: AccountID) throws -> [AccessEntry] {
        let (owner, _) = try self.requireMailbox(id, by: account, needing: .administer)
        let list = try self.accessList(of: id, owner, for: nil)
        var entries: [(order: Int, entry: AccessEntry)] = []
        if !list.entries.contains(where: { $0.identifier == .account(owner) && !$0.isNegative }) {
            entries.append((0, AccessEntry(identifier: try self.address(of: owner), rights: .all)))
        }
        for entry in list.entries {
            let sign = entry.isNegative ? "-" : ""
            switch entry.identifier {
            case .anyone: entries.append((2, AccessEntry(identifier: "\(sign)anyone", rights: entry.rights)))
            case .account(owner) where !entry.isNegative:
                let rights = entry.rights.union(.ofOwner)
                entries.append((0, AccessEntry(identifier: try self.address(of: owner), rights: rights)))
            case .account(let account):
                let identifier = sign + (try self.address(of: account))
                entries.append((1, AccessEntry(identifier: identifier, rights: entry.rights)))
            }
        }
        return entries.sorted { left, right in
            left.order != right.order
                ? left.order < right.order
                : left.entry.identifier.utf8.lexicographicallyPrecedes(right.entry.identifier.utf8)
        }.map(\.entry)
    }

    private func address(of account: AccountID) throws -> String {
        let address = try self.first(
            "SELECT local_part, domain FROM account WHERE id = ? AND domain IS NOT NULL",
            .int(account.rawValue)
        ) { "\($0.text(0))@\($0.text(1))" }
        guard let address else { throw StoreError.corrupt("expected an account for each identifier") }
        return address
    }

    /// Whom an identifier means (RFC 4314 §2).
    ///
    /// Throws ``StoreError/notFound(_:)``.
    fileprivate func identifier(_ text: String) throws -> (identifier: AccessList.Identifier, isNegative: Bool) {
        let isNegative = text.hasPrefix("-")
        let name = isNegative ? String(text.dropFirst()) : text
        if name == "anyone" { return (.anyone, isNegative) }
        guard let address = try? AccountAddress(name), let account = try self.account(address) else {
            throw StoreError.notFound("identifier")
        }
        return (.account(account.id), isNegative)
    }

    func lastingRights(for text: String, to id: MailboxID, by account: AccountID) throws -> Rights {
        let (owner, _) = try self.requireMailbox(id, by: account, needing: .administer)
        let (identifier, isNegative) = try self.identifier(text)
        return identifier == .account(owner) && !isNegative ? .ofOwner : .none
    }
}

// MARK: Changing lists

extension Transaction {
    /// Changes what a list says of an identifier.
    func setAccess(_ change: RightsChange, for text: String, to id: MailboxID, by account: AccountID) throws {
        let (mailbox, _) = try self.mailbox(id, by: account, needing: .administer)
        let (identifier, isNegative) = try self.sql.identifier(text)
        let isOwner = identifier == .account(mailbox.account) && !isNegative
        let before = try self.sql.accessList(of: id, mailbox.account, for: nil).entries
            .first { $0.identifier == identifier && $0.isNegative == isNegative }
        let rights = change.applied(to: before?.rights ?? (isOwner ? .all : .none))
        // Who could see it, and who can now.
        try self.touchLists(of: id, mailbox.account)
        // An owner who is not listed has all rights: so one without any has to be.
        if rights.isEmpty && !isOwner {
            try self.sql.run(
                "DELETE FROM acl WHERE mailbox = ? AND account = ? AND is_negative = ?",
                .int(id.rawValue),
                .int(identifier.stored),
                .bool(isNegative)
            )
        } else {
            try self.sql.run(
                """
                INSERT INTO acl (mailbox, account, is_negative, rights) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET rights = excluded.rights
                """,
                .int(id.rawValue),
                .int(identifier.stored),
                .bool(isNegative),
                .text(rights.text)
            )
        }
        try self.publishAccess(to: id, mailbox.account)
        try self.touchLists(of: id, mailbox.account)
    }

    /// A new mailbox has the list of the one above it (RFC 4314 §4).
    func inheritAccess(to id: MailboxID, from source: MailboxID) throws {
        try self.sql.run("DELETE FROM acl WHERE mailbox = ?", .int(id.rawValue))
        try self.sql.run(
            """
            INSERT INTO acl (mailbox, account, is_negative, rights)
            SELECT ?, account, is_negative, rights FROM acl WHERE mailbox = ?
            """,
            .int(id.rawValue),
            .int(source.rawValue)
        )
    }

    /// The list goes with its mailbox (RFC 4314 §4).
    func removeAccess(to id: MailboxID) throws {
        try self.sql.run("DELETE FROM acl WHERE mailbox = ?", .int(id.rawValue))
    }

    /// An account that goes is in nobody's lists any more.
    func removeAccess(of account: AccountID) throws {
        let mailboxes = try self.sql.all(
            "SELECT mailbox.id, mailbox.account FROM acl JOIN mailbox ON mailbox.id = acl.mailbox WHERE acl.account = ?",
            .int(account.rawValue)
        ) { (id: MailboxID(rawValue: $0.int64(0)), owner: AccountID(rawValue: $0.int64(1))) }
        try self.sql.run("DELETE FROM acl WHERE account = ?", .int(account.rawValue))
        for mailbox in mailboxes { try self.publishAccess(to: mailbox.id, mailbox.owner) }
    }

    private func publishAccess(to id: MailboxID, _ owner: AccountID) throws {
        self.publish(try self.sql.accessList(of: id, owner, for: nil), to: id)
    }

    /// Says that a mailbox came, goes or is called otherwise: to all who may know of it.
    func touchLists(of id: MailboxID, _ owner: AccountID) throws {
        self.touchMailboxList(of: owner)
        let accounts = try self.sql.all("SELECT DISTINCT account FROM acl WHERE mailbox = ?", .int(id.rawValue)) {
            $0.int64(0)
        }
        for account in accounts where account != 0 { self.touchMailboxList(of: AccountID(rawValue: account)) }
        guard accounts.contains(0) else { return }
        try self.sql.each("SELECT id FROM account WHERE domain IS NOT NULL") { row in
            self.touchMailboxList(of: AccountID(rawValue: row.int64(0)))
        }
    }

    /// Creating, and renaming to, a name asks for the right to it with the nearest mailbox above it that is there.
    ///
    /// At the top of the hierarchy only its owner may. Throws ``StoreError/noPermission``, also where the mailbox above
    /// must not be known, for then it must not be told whether it is there.
    func requireCreation(of name: MailboxName, of owner: AccountID, by account: AccountID) throws {
        for superior in name.superiors.reversed() {
            guard let parent = try self.sql.mailbox(named: superior, of: owner) else { continue }
            let rights = try self.sql.accessList(of: parent.id, owner, for: account).rights(of: account)
            guard Access.create.isGranted(by: rights) else { throw StoreError.noPermission }
            return
        }
        guard owner == account else { throw StoreError.noPermission }
    }

    /// Throws ``StoreError/mailboxExists`` if there is one that the account may know of.
    func requireUnknown(_ name: MailboxName, of owner: AccountID, by account: AccountID) throws {
        guard let mailbox = try self.sql.mailbox(named: name, of: owner) else { return }
        let rights = try self.sql.accessList(of: mailbox.id, owner, for: account).rights(of: account)
        if Access.lookup.isGranted(by: rights) { throw StoreError.mailboxExists }
    }
}
