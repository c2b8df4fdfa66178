// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQLiteStore: Directory {
    package func domains() async throws -> [String] {
        try await self.read { sql in try sql.all("SELECT name FROM domain ORDER BY name") { $0.text(0) } }
    }

    package func addDomain(_ name: String) async throws {
        let name = name.lowercased()
        try await self.write { try $0.addDomain(name) }
    }

    package func removeDomain(_ name: String) async throws {
        let name = name.lowercased()
        try await self.write { try $0.removeDomain(name) }
    }

    package func usesTags(domain: String) async throws -> Bool {
        let domain = domain.lowercased()
        return try await self.read { try $0.usesTags(domain: domain) }
    }

    package func setUsesTags(_ usesTags: Bool, domain: String) async throws {
        let domain = domain.lowercased()
        try await self.write { try $0.setUsesTags(usesTags, domain: domain) }
    }

    package func accounts() async throws -> [Account] { try await self.read { try $0.accounts() } }

    package func addAccount(_ address: String, verifier: String) async throws -> Account {
        let address = try AccountAddress(address)
        return try await self.write { try $0.addAccount(address, verifier: verifier) }
    }

    package func removeAccount(_ address: String) async throws {
        let address = try AccountAddress(address)
        try await self.write { try $0.removeAccount(address) }
    }

    package func setVerifier(_ verifier: String, of address: String) async throws {
        let address = try AccountAddress(address)
        try await self.write { try $0.setVerifier(verifier, of: address) }
    }

    package func credential(for name: String) async throws -> (account: Account, verifier: String)? {
        guard let address = try? AccountAddress(name) else { return nil }
        return try await self.read { try $0.credential(address) }
    }

    package func quota(of address: String) async throws -> Quota {
        let address = try AccountAddress(address)
        return try await self.read { sql in
            guard let account = try sql.account(address), let quota = try sql.quota(of: account.id) else {
                throw StoreError.notFound(address.text)
            }
            return quota
        }
    }

    package func setLimits(_ limits: QuotaLimits, of address: String) async throws {
        let address = try AccountAddress(address)
        try await self.write { try $0.setLimits(limits, of: address) }
    }

    package func aliases() async throws -> [Alias] { try await self.read { try $0.aliases() } }

    package func addAlias(_ address: String, targets: [String]) async throws {
        let address = try AccountAddress(address)
        let targets = try targets.map(AccountAddress.init)
        try await self.write { try $0.addAlias(address, targets: targets) }
    }

    package func removeAlias(_ address: String) async throws {
        let address = try AccountAddress(address)
        try await self.write { try $0.removeAlias(address) }
    }

    package func route(localPart: String, domain: String) async throws -> RecipientRoute {
        try await self.read { try $0.route(localPart: localPart, domain: domain) }
    }

    package func mayUse(_ address: String, account: AccountID) async throws -> Bool {
        guard let address = try? AccountAddress(address) else { return false }
        return try await self.read { try $0.mayUse(address, account) }
    }

    package func secret(_ name: String, orElse octets: [UInt8]) async throws -> [UInt8] {
        try await self.write { try $0.secret(name, orElse: octets) }
    }
}
