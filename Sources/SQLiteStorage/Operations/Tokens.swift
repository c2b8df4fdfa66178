// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    private static var tokenColumns: String {
        """
        SELECT access_token.id, account.id, local_part, account.domain, name, scopes, created_at, expires_at, used_at
        FROM access_token JOIN account ON account.id = access_token.account
        """
    }

    private static func token(_ row: SQLRow) throws -> AccessToken {
        let scopes = row.text(5).split(separator: " ").map { AccessScope(rawValue: String($0)) }
        guard !scopes.contains(nil) else { throw StoreError.corrupt("expected scopes of a token") }
        return AccessToken(
            id: row.int64(0),
            account: Account(id: AccountID(rawValue: row.int64(1)), address: "\(row.text(2))@\(row.text(3))"),
            name: row.text(4),
            scopes: Set(scopes.compactMap { $0 }),
            createdAt: UnixTime(rawValue: row.int64(6)),
            expiresAt: row.optionalInt64(7).map(UnixTime.init(rawValue:)),
            usedAt: row.optionalInt64(8).map(UnixTime.init(rawValue:))
        )
    }

    /// The tokens of an account, or of all.
    func tokens(of address: AccountAddress?) throws -> [AccessToken] {
        guard let address else {
            return try self.all(
                "\(Self.tokenColumns) ORDER BY account.domain, local_part, access_token.id",
                read: Self.token
            )
        }
        guard let account = try self.account(address) else { throw StoreError.notFound(address.text) }
        return try self.all(
            "\(Self.tokenColumns) WHERE access_token.account = ? ORDER BY access_token.id",
            .int(account.id.rawValue),
            read: Self.token
        )
    }

    /// The token with that digest, unless it has expired.
    func token(_ digest: [UInt8], at now: UnixTime) throws -> AccessToken? {
        try self.first(
            "\(Self.tokenColumns) WHERE digest = ? AND (expires_at IS NULL OR expires_at > ?)",
            .octets(digest),
            .int(now.rawValue),
            read: Self.token
        )
    }

    func token(_ id: Int64) throws -> AccessToken? {
        try self.first("\(Self.tokenColumns) WHERE access_token.id = ?", .int(id), read: Self.token)
    }
}

extension Transaction {
    func addToken(
        _ digest: [UInt8],
        of address: AccountAddress,
        name: String,
        scopes: Set<AccessScope>,
        expiresAt: UnixTime?,
        isLogin: Bool
    ) throws -> AccessToken {
        guard let account = try self.sql.account(address) else { throw StoreError.notFound(address.text) }
        guard name.utf8.count <= AccessTokenLimits.longestName, !scopes.isEmpty else {
            throw StoreError.notPermitted(
                "a token has a scope, and a name of at most \(AccessTokenLimits.longestName) octets"
            )
        }
        try self.makeRoomForToken(of: account.id)
        let words = AccessScope.allCases.filter(scopes.contains).map(\.rawValue).joined(separator: " ")
        try self.sql.run(
            """
            INSERT INTO access_token (account, digest, name, scopes, created_at, expires_at, is_login)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            .int(account.id.rawValue),
            .octets(digest),
            .text(name),
            .text(words),
            .int(self.now.rawValue),
            .optional(expiresAt?.rawValue),
            .int(isLogin ? 1 : 0)
        )
        guard let token = try self.sql.token(self.sql.lastInsertedRow) else {
            throw StoreError.corrupt("expected the token just added")
        }
        return token
    }

    /// Clears expired tokens away and, if that is too little, the one that would expire first.
    private func makeRoomForToken(of account: AccountID) throws {
        try self.sql.run(
            "DELETE FROM access_token WHERE account = ? AND expires_at <= ?",
            .int(account.rawValue),
            .int(self.now.rawValue)
        )
        let count = try self.sql.number("SELECT count(*) FROM access_token WHERE account = ?", .int(account.rawValue))
        guard count >= AccessTokenLimits.perAccount else { return }
        try self.sql.run(
            """
            DELETE FROM access_token WHERE id = (
                SELECT id FROM access_token WHERE account = ? AND expires_at IS NOT NULL
                ORDER BY expires_at, id LIMIT 1
            )
            """,
            .int(account.rawValue)
        )
        guard self.sql.changes == 1 else {
            throw StoreError.notPermitted("an account has at most \(AccessTokenLimits.perAccount) tokens")
        }
        self.touch(.tokens(account))
    }

    func removeToken(_ id: Int64) throws {
        guard let token = try self.sql.token(id) else { throw StoreError.notFound("token \(id)") }
        try self.sql.run("DELETE FROM access_token WHERE id = ?", .int(id))
        self.touch(.tokens(token.account.id))
    }

    /// Removes the tokens that were given for a password: it is good for nothing any more.
    func removeLoginTokens(of account: AccountID) throws {
        try self.sql.run("DELETE FROM access_token WHERE account = ? AND is_login = 1", .int(account.rawValue))
        self.touch(.tokens(account))
    }

    func noteUse(ofToken id: Int64) throws {
        try self.sql.run("UPDATE access_token SET used_at = ? WHERE id = ?", .int(self.now.rawValue), .int(id))
    }

    /// Throws ``StoreError/notFound`` for an account that has been removed while somebody was busy with it.
    ///
    /// What is added to it now would never be erased.
    func requireAccount(_ account: AccountID) throws {
        let isThere = try self.sql.first(
            "SELECT 1 FROM account WHERE id = ? AND domain IS NOT NULL",
            .int(account.rawValue)
        ) { _ in true }
        guard isThere == true else { throw StoreError.notFound("account") }
    }

    /// Removes what programs of an account have here: the account is no more.
    func removeService(of account: AccountID) throws {
        try self.sql.run("DELETE FROM access_token WHERE account = ?", .int(account.rawValue))
        try self.sql.run("DELETE FROM request WHERE account = ?", .int(account.rawValue))
        try self.sql.run("DELETE FROM stored_value WHERE account = ?", .int(account.rawValue))
    }
}
