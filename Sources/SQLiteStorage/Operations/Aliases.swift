// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQL {
    func aliases() throws -> [Alias] {
        var aliases: [Alias] = []
        try self.each(
            """
            SELECT alias.local_part, alias.domain, target.local_part, target.domain FROM alias JOIN (
                SELECT alias, local_part, domain FROM alias_target JOIN account ON account.id = account
                UNION ALL SELECT alias, local_part, domain FROM alias_address
            ) AS target ON target.alias = alias.id
            ORDER BY alias.domain, alias.local_part, target.domain, target.local_part
            """
        ) { row in
            let address = "\(row.text(0))@\(row.text(1))"
            let target = "\(row.text(2))@\(row.text(3))"
            if let last = aliases.indices.last, aliases[last].address == address {
                aliases[last].targets.append(target)
            } else {
                aliases.append(Alias(address: address, targets: [target]))
            }
        }
        return aliases
    }
}

extension Transaction {
    /// A target that is an account's own address is that account, whatever else happens; others stay addresses, and are
    /// looked up when mail comes.
    func addAlias(_ address: AccountAddress, targets: [AccountAddress]) throws {
        guard !targets.isEmpty else { throw StoreError.notPermitted("an alias has at least one target") }
        guard targets.count <= Alias.targetLimit else {
            throw StoreError.notPermitted("an alias has at most \(Alias.targetLimit) targets")
        }
        try self.sql.requireFree(address)
        try self.sql.run(
            "INSERT INTO alias (local_part, domain) VALUES (?, ?)",
            .text(address.localPart),
            .text(address.domain)
        )
        let alias = self.sql.lastInsertedRow
        for target in targets { try self.add(target, to: alias) }
        let leads = try self.sql.expansion(of: alias)
        guard !leads.aliases.contains(alias) else {
            throw StoreError.notPermitted("\(address.text) would lead back to itself")
        }
        for target in targets where try self.sql.hasDomain(target.domain) {
            let route = try self.sql.route(localPart: target.localPart, domain: target.domain)
            guard route != .unknownMailbox else { throw StoreError.notFound(target.text) }
        }
    }

    private func add(_ target: AccountAddress, to alias: Int64) throws {
        if let account = try self.sql.account(target) {
            try self.sql.run(
                "INSERT OR IGNORE INTO alias_target (alias, account) VALUES (?, ?)",
                .int(alias),
                .int(account.id.rawValue)
            )
        } else {
            try self.sql.run(
                "INSERT OR IGNORE INTO alias_address (alias, local_part, domain) VALUES (?, ?, ?)",
                .int(alias),
                .text(target.localPart),
                .text(target.domain)
            )
        }
    }

    func removeAlias(_ address: AccountAddress) throws {
        guard let alias = try self.sql.alias(address) else { throw StoreError.notFound(address.text) }
        try self.sql.run("DELETE FROM alias WHERE id = ?", .int(alias))
    }
}
