// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQLiteStore: SigningKeys {
    package func signingKeys(of domain: String?) async throws -> [StoredSigningKey] {
        let domain = domain?.lowercased()
        return try await self.read { try $0.signingKeys(of: domain) }
    }

    package func addSigningKeys(_ keys: [StoredSigningKey]) async throws {
        try await self.write { transaction in
            for key in keys { try transaction.add(key) }
        }
    }

    package func startSigning(domain: String, selector: String) async throws {
        let (domain, selector) = (domain.lowercased(), selector.lowercased())
        try await self.write { try $0.startSigning(domain: domain, selector: selector) }
    }

    package func removeSigningKey(domain: String, selector: String) async throws {
        let (domain, selector) = (domain.lowercased(), selector.lowercased())
        try await self.write { try $0.removeSigningKey(domain: domain, selector: selector) }
    }
}
