// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQLiteStore: TransportPolicyStore {
    package func transportPolicy(of domain: String, at time: UnixTime) async throws -> TransportPolicy? {
        let domain = domain.lowercased()
        return try await self.read { try $0.transportPolicy(of: domain, at: time) }
    }

    package func keep(_ policy: TransportPolicy, of domain: String) async throws {
        let domain = domain.lowercased()
        try await self.write { try $0.keep(policy, of: domain) }
    }
}
