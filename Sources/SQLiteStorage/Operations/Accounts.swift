// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// `localpart@domain`, taken apart at the last `@`.
struct AccountAddress: Hashable, Sendable {
    let localPart: String
    let domain: String

    /// Throws ``StoreError/notPermitted(_:)``.
    init(_ address: String) throws {
        guard let at = address.utf8.lastIndex(of: UInt8(ascii: "@")), at != address.startIndex,
            address.utf8.index(after: at) != address.endIndex
        else { throw StoreError.notPermitted("an address has the form localpart@domain") }
        self.localPart = String(address[..<at])
        self.domain = String(address[address.utf8.index(after: at)...]).lowercased()
    }

    var text: String { "\(self.localPart)@\(self.domain)" }
}

extension SQL {
    func accounts() throws -> [Account] {
        try self.all(
            "SELECT id, local_part, domain FROM account WHERE domain IS NOT NULL ORDER BY domain, local_part",
            read: Self.account
        )
    }

    func account(_ address: AccountAddress) throws -> Account? {
        try self.first(
            "SELECT id, local_part, domain FROM account WHERE domain = ? AND local_part = ?",
            .text(address.domain),
            .text(address.localPart),
            read: Self.account
        )
    }

    func credential(_ address: AccountAddress) throws -> (account: Account, verifier: String)? {
        try self.first(
            "SELECT id, local_part, domain, verifier FROM account WHERE domain = ? AND local_part = ?",
            .text(address.domain),
            .text(address.localPart)
        ) { row in (Self.account(row), row.text(3)) }
    }

    private static func account(_ row: SQLRow) -> Account {
        Account(id: AccountID(rawValue: row.int64(0)), address: "\(row.text(1))@\(row.text(2))")
    }

    func hasDomain(_ name: String) throws -> Bool {
        try self.number("SELECT count(*) FROM domain WHERE name = ?", .text(name)) > 0
    }

    /// Throws unless the address is of a domain here and neither an account's nor an alias's.
    func requireFree(_ address: AccountAddress) throws {
        guard try self.hasDomain(address.domain) else { throw StoreError.notFound(address.domain) }
        guard try self.account(address) == nil, try self.alias(address) == nil else {
            throw StoreError.exists(address.text)
        }
    }

    func alias(_ address: AccountAddress) throws -> Int64? {
        try self.first(
            "SELECT id FROM alias WHERE domain = ? AND local_part = ?",
            .text(address.domain),
            .text(address.localPart)
        ) { $0.int64(0) }
    }
}

extension Transaction {
    /// What a new account has besides `INBOX` (RFC 6154 §2).
    private static let specialUses: [SpecialUse] = [.drafts, .sent, .junk, .trash, .archive]

    func addDomain(_ name: String) throws {
        guard !name.isEmpty, name.utf8.count <= 255, !name.utf8.contains(UInt8(ascii: "@")) else {
            throw StoreError.notPermitted("a domain has 1 to 255 octets")
        }
        guard try !self.sql.hasDomain(name) else { throw StoreError.exists(name) }
        try self.sql.run("INSERT INTO domain (name) VALUES (?)", .text(name))
    }

    func removeDomain(_ name: String) throws {
        let users = try self.sql.number(
            """
            SELECT (SELECT count(*) FROM account WHERE domain = ?1) + (SELECT count(*) FROM alias WHERE domain = ?1)
            + (SELECT count(*) FROM alias_address WHERE domain = ?1)
            """,
            .text(name)
        )
        guard users == 0 else {
            throw StoreError.notPermitted("accounts or aliases are in the domain, or aliases lead there")
        }
        try self.sql.run("DELETE FROM domain WHERE name = ?", .text(name))
        guard self.sql.changes == 1 else { throw StoreError.notFound(name) }
    }

    func addAccount(_ address: AccountAddress, verifier: String) throws -> Account {
        guard address.localPart != SQL.catchAll else {
            throw StoreError.notPermitted("\(address.text) stands for all addresses: it can be an alias only")
        }
        try self.sql.requireFree(address)
        try self.sql.run(
            "INSERT INTO account (local_part, domain, verifier, modseq, uidvalidity) VALUES (?, ?, ?, 1, 0)",
            .text(address.localPart),
            .text(address.domain),
            .text(verifier)
        )
        let id = AccountID(rawValue: self.sql.lastInsertedRow)
        try self.addQuota(of: id)
        let mailboxes = [(MailboxName.inbox, [])] + (try Self.specialUses.map { (try MailboxName($0.rawValue), [$0]) })
        for (name, specialUses) in mailboxes {
            _ = try self.createMailbox(name, specialUses: specialUses, of: id)
            try self.setSubscribed(true, name, of: id)
        }
        return Account(id: id, address: address.text)
    }

    /// Removes the account at once; its mail is erased in steps afterwards.
    func removeAccount(_ address: AccountAddress) throws {
        guard let account = try self.sql.account(address) else { throw StoreError.notFound(address.text) }
        let id = account.id
        for mailbox in try self.sql.mailboxes(of: id) { try self.dropMailbox(mailbox.id, of: id) }
        try self.removeQuota(of: id)
        try self.removeAnnotations(by: id)
        try self.removeAccess(of: id)
        try self.removeJunkLessons(of: id)
        try self.removeService(of: id)
        try self.sql.run("DELETE FROM subscription WHERE account = ?", .int(id.rawValue))
        try self.sql.run("DELETE FROM alias_target WHERE account = ?", .int(id.rawValue))
        try self.sql.run(
            """
            DELETE FROM alias WHERE id NOT IN (SELECT alias FROM alias_target)
            AND id NOT IN (SELECT alias FROM alias_address)
            """
        )
        try self.sql.run(
            "UPDATE account SET local_part = NULL, domain = NULL, verifier = '' WHERE id = ?",
            .int(id.rawValue)
        )
        self.forget(id)
        self.touch(.credential(id))
        self.wantErasure()
    }

    func setVerifier(_ verifier: String, of address: AccountAddress) throws {
        guard let account = try self.sql.account(address) else { throw StoreError.notFound(address.text) }
        try self.sql.run(
            "UPDATE account SET verifier = ? WHERE id = ?",
            .text(verifier),
            .int(account.id.rawValue)
        )
        try self.removeLoginTokens(of: account.id)
        self.touch(.credential(account.id))
    }
}
