// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailConnection
import MailMessage
import MailStorage
import SASLMechanisms

/// A token for a password, so that a front end need not keep that.
enum LoginResource {
    static let route = StorageRoute(
        method: .post,
        path: "v1/auth",
        scope: nil,
        summary: "Get a token for an account's password",
        body: .json(Schemas.login),
        answers: [.init(200, "The token", .json(Schemas.token))],
        handler: Self.logIn
    )

    /// Anybody may send one.
    private static let bodyLimit = 8192

    private static func logIn(_ call: StorageCall) async throws -> Response {
        let (body, _) = try await call.object(["user", "secret"], limit: Self.bodyLimit)
        guard let user = try body.text("user"), let secret = try body.text("secret") else {
            throw StorageRefusal.badBody("user and secret")
        }
        let service = call.service
        guard let identity = try await service.identity(of: user, password: Password(secret), call.client) else {
            throw StorageRefusal.unauthorized
        }
        let token = try TokenSecret()
        let expiry = UnixTime(rawValue: service.time.unixTime() + service.options.tokenLifetime)
        let account = identity.account
        let added = try await service.directory.addToken(
            token.digest,
            of: account.address,
            name: "auth",
            scopes: identity.scopes,
            expiresAt: expiry,
            isLogin: true
        )
        // The password may have been changed since it was checked.
        guard try await service.isStillValid(identity) else {
            try await service.directory.removeToken(added.id)
            throw StorageRefusal.unauthorized
        }
        return Response(
            json: [
                "account": .string(account.address), "token": .string(token.text), "expires": .string(expiry.timestamp),
            ]
        )
    }
}
