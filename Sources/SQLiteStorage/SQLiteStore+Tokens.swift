// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQLiteStore: ServedDirectory {
    package func servedStore(of account: AccountID) -> any ServedMailStore {
        AccountStore(account: account, store: self)
    }

    package func addToken(
        _ digest: [UInt8],
        of address: String,
        name: String,
        scopes: Set<AccessScope>,
        expiresAt: UnixTime?,
        isLogin: Bool
    ) async throws -> AccessToken {
        let address = try AccountAddress(address)
        return try await self.write {
            try $0.addToken(digest, of: address, name: name, scopes: scopes, expiresAt: expiresAt, isLogin: isLogin)
        }
    }

    package func tokens(of address: String?) async throws -> [AccessToken] {
        let address = try address.map(AccountAddress.init)
        return try await self.read { try $0.tokens(of: address) }
    }

    package func removeToken(_ id: Int64) async throws { try await self.write { try $0.removeToken(id) } }

    package func token(_ digest: [UInt8]) async throws -> AccessToken? {
        let now = self.options.now()
        return try await self.read { try $0.token(digest, at: now) }
    }

    package func noteUse(ofToken id: Int64) async throws { try await self.write { try $0.noteUse(ofToken: id) } }
}
