// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What a token lets its holder do.
package enum AccessScope: String, CaseIterable, Sendable {
    case read
    case write
    /// Deliver messages as a mail server in front of us does.
    case deliver
    /// Everything, and with every account.
    case admin
}

/// A secret that stands for an account in programs; the store knows only its digest.
package struct AccessToken: Hashable, Sendable {
    /// Never reused.
    package var id: Int64
    package var account: Account
    /// What its owner calls it.
    package var name: String
    package var scopes: Set<AccessScope>
    package var createdAt: UnixTime
    /// When it ends; nil: never.
    package var expiresAt: UnixTime?
    /// When it was last used, within an hour; nil: never.
    package var usedAt: UnixTime?

    package init(
        id: Int64,
        account: Account,
        name: String,
        scopes: Set<AccessScope>,
        createdAt: UnixTime,
        expiresAt: UnixTime?,
        usedAt: UnixTime?
    ) {
        self.id = id
        self.account = account
        self.name = name
        self.scopes = scopes
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.usedAt = usedAt
    }

    /// Whether it may do that.
    package func permits(_ scope: AccessScope) -> Bool {
        self.scopes.contains(scope) || self.scopes.contains(.admin)
    }
}

/// The tokens there are; all methods throw ``StoreError``.
package protocol AccessTokens: Sendable {
    /// Adds a token of an account; `digest`: SHA-256 of its text.
    ///
    /// An account has ``AccessTokenLimits/perAccount`` at most; those that have expired are cleared away first, then the
    /// one that would expire first. Throws ``StoreError/notPermitted(_:)`` if none expires. `isLogin`: it stands for the
    /// account's password, and ends with it.
    func addToken(
        _ digest: [UInt8],
        of address: String,
        name: String,
        scopes: Set<AccessScope>,
        expiresAt: UnixTime?,
        isLogin: Bool
    ) async throws -> AccessToken
    /// The tokens of an account, or of all; by account, then by age.
    func tokens(of address: String?) async throws -> [AccessToken]
    /// Ends a token at once.
    func removeToken(_ id: Int64) async throws
    /// The token with that digest, unless it has expired.
    func token(_ digest: [UInt8]) async throws -> AccessToken?
    /// Writes down that a token has been used now.
    func noteUse(ofToken id: Int64) async throws
}

extension AccessTokens {
    /// Adds a token that does not depend on the password.
    package func addToken(
        _ digest: [UInt8],
        of address: String,
        name: String,
        scopes: Set<AccessScope>,
        expiresAt: UnixTime?
    ) async throws -> AccessToken {
        try await self.addToken(
            digest,
            of: address,
            name: name,
            scopes: scopes,
            expiresAt: expiresAt,
            isLogin: false
        )
    }
}

/// How many tokens there can be.
package enum AccessTokenLimits {
    package static let perAccount = 200
    /// Octets of a name.
    package static let longestName = 100
}
