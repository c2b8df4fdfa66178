// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPTypes
import MailConnection
import MailMessage
import MailStorage
import SASLMechanisms
import SMTPSyntax

/// Who asks, and what he may do.
struct StorageIdentity: Sendable {
    let account: Account
    let scopes: Set<AccessScope>
    let proof: Proof

    /// By what he has shown it: if that ends, so does what it opened.
    enum Proof: Sendable {
        /// The digest of a token.
        case token([UInt8])
        /// What the password was checked against.
        case password(PasswordVerifier)
    }

    func permits(_ scope: AccessScope) -> Bool { self.scopes.contains(scope) || self.scopes.contains(.admin) }
}

extension StorageService {
    /// A use of a token is written down when the last one is so many seconds ago.
    private static let useInterval: Int64 = 3600

    /// Finds out who asks; wrong answers are counted like wrong passwords of all other protocols.
    ///
    /// `account`: the one in the path, as whom a token is counted.
    func identify(_ fields: HTTPFields, account: String, _ client: HTTPClient) async throws -> StorageIdentity {
        let parts = (fields[.authorization] ?? "").split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { throw StorageRefusal.unauthorized }
        let identity: StorageIdentity?
        switch parts[0].lowercased() {
        case "bearer":
            identity = try await self.identity(ofToken: String(parts[1]), user: account, client)
        case "basic":
            // RFC 7617 §2.
            guard let octets = Base64.decode(Array(parts[1].utf8)),
                let colon = octets.firstIndex(of: UInt8(ascii: ":")),
                let user = String(validating: octets[..<colon], as: UTF8.self)
            else { throw StorageRefusal.unauthorized }
            let secret = octets[(colon + 1)...]
            if let text = String(validating: secret, as: UTF8.self), TokenSecret(text) != nil {
                identity = try await self.identity(ofToken: text, user: user, client)
            } else {
                identity = try await self.identity(of: user, password: Password(secret), client)
            }
        default: throw StorageRefusal.unauthorized
        }
        guard let identity else { throw StorageRefusal.unauthorized }
        return identity
    }

    /// Who that is, by a password; nil if it is wrong.
    func identity(of user: String, password: Password?, _ client: HTTPClient) async throws -> StorageIdentity? {
        guard let password else { return nil }
        let address = client.address.description
        let credential = try await self.credentials.credential(user: user, password: password, from: address)
        return credential.map {
            StorageIdentity(account: $0.identity, scopes: [.read, .write], proof: .password($0.verifier))
        }
    }

    private func identity(
        ofToken text: String,
        user: String,
        _ client: HTTPClient
    ) async throws -> StorageIdentity? {
        let (directory, digest) = (self.directory, TokenSecret(text)?.digest)
        let token: AccessToken? = try await self.credentials.guess(as: user, from: client.address.description) {
            guard let digest, let token = try await directory.token(digest) else { return nil }
            return (found: token, owner: token.account.address)
        }
        guard let digest, let token else { return nil }
        let now = self.time.unixTime()
        // A full store must not shut out who wants to make room.
        if now - (token.usedAt?.rawValue ?? 0) >= Self.useInterval { try? await directory.noteUse(ofToken: token.id) }
        return StorageIdentity(account: token.account, scopes: token.scopes, proof: .token(digest))
    }

    /// Whether who asked may still ask.
    func isStillValid(_ identity: StorageIdentity) async throws -> Bool {
        switch identity.proof {
        case .token(let digest): try await self.directory.token(digest) != nil
        case .password(let verifier): try await self.credentials.isCurrent(verifier, of: identity.account.address)
        }
    }

    /// The account of that address, if who asks may use it; else it is not there.
    func enter(_ address: String, as identity: StorageIdentity) async throws -> StorageCall.Caller {
        let account: Account
        if address.lowercased() == identity.account.address.lowercased() {
            account = identity.account
        } else {
            guard identity.permits(.admin), let found = try await self.directory.credential(for: address)?.account
            else { throw StorageRefusal.notFound }
            account = found
        }
        return StorageCall.Caller(account: account, store: self.directory.servedStore(of: account.id))
    }
}
