// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// What an address, or an alias, leads to in the end.
struct AddressExpansion {
    var accounts: Set<AccountID> = []
    /// In the order in which they were found.
    var forwards: [ForwardAddress] = []
    /// The aliases on the way, without the one that it began with unless that is reached again.
    var aliases: Set<Int64> = []
    private var known: Set<ForwardAddress> = []

    fileprivate mutating func forward(_ address: ForwardAddress) {
        if self.known.insert(address).inserted { self.forwards.append(address) }
    }

    /// Where the mail goes; ``RecipientRoute/unknownMailbox`` if it leads to nobody.
    var route: RecipientRoute {
        guard !self.accounts.isEmpty || !self.forwards.isEmpty else { return .unknownMailbox }
        return .local(self.accounts.sorted { $0.rawValue < $1.rawValue }, forwards: self.forwards)
    }
}

extension SQL {
    /// What has a local part at a domain here.
    private enum Holder {
        case account(AccountID)
        case alias(Int64)
    }

    /// The local part of an alias that gets what nobody else does.
    static let catchAll = "*"

    /// Where mail for an address goes: to the account, else the alias of that name, else the same without `+tag`, else
    /// to who answers for the domain, else to its catch-all.
    ///
    /// Each alias is followed once, so that one which leads back to itself does no harm.
    func route(localPart: String, domain: String) throws -> RecipientRoute {
        guard try self.hasDomain(domain) else { return .remote }
        var expansion = AddressExpansion()
        guard let holder = try self.receiver(localPart, domain) else { return .unknownMailbox }
        try self.expand(holder, into: &expansion)
        return expansion.route
    }

    /// Whether the address is the account's own, with or without a `+tag`, or an alias of it.
    func mayUse(_ address: AccountAddress, _ account: AccountID) throws -> Bool {
        guard try self.hasDomain(address.domain) else { return false }
        guard let holder = try self.namedHolder(address.localPart, address.domain) else { return false }
        var expansion = AddressExpansion()
        try self.expand(holder, into: &expansion)
        return expansion.accounts.contains(account)
    }

    /// What an alias leads to.
    func expansion(of alias: Int64) throws -> AddressExpansion {
        var expansion = AddressExpansion()
        for target in try self.targets(of: alias, into: &expansion) { try self.expand(target, into: &expansion) }
        return expansion
    }

    private func expand(_ holder: Holder, into expansion: inout AddressExpansion) throws {
        var waiting = [holder]
        while let next = waiting.popLast() {
            switch next {
            case .account(let account): expansion.accounts.insert(account)
            case .alias(let alias):
                if expansion.aliases.insert(alias).inserted {
                    waiting += try self.targets(of: alias, into: &expansion)
                }
            }
        }
    }

    /// The targets of an alias that are here; those elsewhere are noted at once, and what is nobody's any more is left.
    private func targets(of alias: Int64, into expansion: inout AddressExpansion) throws -> [Holder] {
        var holders = try self.all("SELECT account FROM alias_target WHERE alias = ?", .int(alias)) {
            Holder.account(AccountID(rawValue: $0.int64(0)))
        }
        let addresses = try self.all(
            "SELECT local_part, domain FROM alias_address WHERE alias = ?",
            .int(alias)
        ) { ForwardAddress(localPart: $0.text(0), domain: $0.text(1)) }
        for address in addresses {
            if try !self.hasDomain(address.domain) {
                expansion.forward(address)
            } else if let holder = try self.receiver(address.localPart, address.domain) {
                holders.append(holder)
            }
        }
        return holders
    }

    // MARK: Who has an address

    /// Who gets mail for a local part at a domain here; nil if nobody does.
    private func receiver(_ localPart: String, _ domain: String) throws -> Holder? {
        if let holder = try self.namedHolder(localPart, domain) { return holder }
        if let holder = try self.roleHolder(localPart, domain) { return holder }
        if let holder = try self.holder(Self.catchAll, domain) { return holder }
        // These are always there: who could answer will have an account soon.
        guard !Self.isRole(localPart) else { throw StoreError.unavailable }
        return nil
    }

    private static func isRole(_ localPart: String) -> Bool {
        let name = localPart.lowercased()
        return name == "postmaster" || name == "abuse"
    }

    /// Who has exactly that local part, or the same without its tag.
    private func namedHolder(_ localPart: String, _ domain: String) throws -> Holder? {
        if localPart != Self.catchAll, let holder = try self.holder(localPart, domain) { return holder }
        guard let plus = localPart.utf8.firstIndex(of: UInt8(ascii: "+")), plus != localPart.startIndex else {
            return nil
        }
        let name = String(localPart[..<plus])
        guard name != Self.catchAll, try self.usesTags(domain: domain) else { return nil }
        return try self.holder(name, domain)
    }

    /// Who answers for the domain (RFC 5321 §4.5.1, RFC 2142 §5), unless somebody has that name.
    private func roleHolder(_ localPart: String, _ domain: String) throws -> Holder? {
        guard Self.isRole(localPart) else { return nil }
        if let holder = try self.holder("postmaster", domain) { return holder }
        return try self.first("SELECT id FROM account WHERE domain IS NOT NULL ORDER BY id LIMIT 1") {
            .account(AccountID(rawValue: $0.int64(0)))
        }
    }

    private func holder(_ localPart: String, _ domain: String) throws -> Holder? {
        let address = try? AccountAddress("\(localPart)@\(domain)")
        guard let address else { return nil }
        if let account = try self.account(address) { return .account(account.id) }
        return try self.alias(address).map { .alias($0) }
    }
}

extension SQL {
    /// Throws ``StoreError/notFound(_:)`` unless the domain is here.
    func usesTags(domain: String) throws -> Bool {
        let usesTags = try self.first("SELECT uses_tags FROM domain WHERE name = ?", .text(domain)) { $0.bool(0) }
        guard let usesTags else { throw StoreError.notFound(domain) }
        return usesTags
    }
}

extension Transaction {
    func setUsesTags(_ usesTags: Bool, domain: String) throws {
        try self.sql.run("UPDATE domain SET uses_tags = ? WHERE name = ?", .bool(usesTags), .text(domain))
        guard self.sql.changes == 1 else { throw StoreError.notFound(domain) }
    }

    /// The secret of that name, made of `octets` if there was none.
    func secret(_ name: String, orElse octets: [UInt8]) throws -> [UInt8] {
        try self.sql.run("INSERT OR IGNORE INTO secret (name, octets) VALUES (?, ?)", .text(name), .octets(octets))
        return try self.sql.first("SELECT octets FROM secret WHERE name = ?", .text(name)) { $0.octets(0) } ?? octets
    }
}
