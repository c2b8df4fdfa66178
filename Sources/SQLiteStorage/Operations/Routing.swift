// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQL {
    /// Where mail for an address goes: to the account, else the alias of that name, else the same without `+tag`.
    func route(localPart: String, domain: String) throws -> RecipientRoute {
        guard try self.hasDomain(domain) else { return .remote }
        for name in Self.names(localPart) {
            let accounts = try self.targets(name, domain)
            if !accounts.isEmpty { return .local(accounts) }
        }
        if localPart.utf8.elementsEqual("postmaster".utf8, by: { $0 | 0x20 == $1 }) {
            let first = try self.first("SELECT id FROM account WHERE domain IS NOT NULL ORDER BY id LIMIT 1") {
                AccountID(rawValue: $0.int64(0))
            }
            if let first { return .local([first]) }
        }
        return .unknownMailbox
    }

    /// Whether the address is the account's own, with or without a `+tag`, or an alias of it.
    func mayUse(_ address: AccountAddress, _ account: AccountID) throws -> Bool {
        for name in Self.names(address.localPart) {
            let accounts = try self.targets(name, address.domain)
            if !accounts.isEmpty { return accounts.contains(account) }
        }
        return false
    }

    /// The accounts of exactly that address.
    private func targets(_ localPart: String, _ domain: String) throws -> [AccountID] {
        let own = try self.first(
            "SELECT id FROM account WHERE domain = ? AND local_part = ?",
            .text(domain),
            .text(localPart)
        ) { AccountID(rawValue: $0.int64(0)) }
        if let own { return [own] }
        return try self.all(
            """
            SELECT account FROM alias_target JOIN alias ON alias.id = alias_target.alias
            WHERE domain = ? AND local_part = ? ORDER BY account
            """,
            .text(domain),
            .text(localPart)
        ) { AccountID(rawValue: $0.int64(0)) }
    }

    /// The local part, and what is before its first `+`.
    private static func names(_ localPart: String) -> [String] {
        guard let plus = localPart.utf8.firstIndex(of: UInt8(ascii: "+")), plus != localPart.startIndex else {
            return [localPart]
        }
        return [localPart, String(localPart[..<plus])]
    }
}
