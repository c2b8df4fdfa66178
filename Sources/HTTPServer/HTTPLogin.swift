// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPTypes
import MailStorage
import SASLMechanisms
import SMTPSyntax
import Synchronization

/// Who logs in to HTTP itself (RFC 7617, RFC 6750), where the settings ask for that.
///
/// Who has just been let in is known for a minute: checking a password takes long, and requests come often.
final class HTTPLogin: Sendable {
    private struct Known {
        let account: AccountID
        let until: Duration
    }

    private static let memory: Duration = .seconds(60)
    private static let memoryLimit = 10_000

    private let credentials: CredentialSource<Account>
    private let now: @Sendable () -> Duration
    private let known = Mutex<[[UInt8]: Known]>([:])

    init(_ credentials: CredentialSource<Account>, now: @escaping @Sendable () -> Duration) {
        self.credentials = credentials
        self.now = now
    }

    /// Whose request it is.
    ///
    /// - Throws: ``HTTPRefusal/loginRequired(acceptsTokens:)`` if that is not said, or not true.
    func account(of fields: HTTPFields, from client: HTTPClient) async throws -> AccountID {
        let refusal = HTTPRefusal.loginRequired(acceptsTokens: self.credentials.acceptsTokens)
        let values = fields[values: .authorization]
        guard values.count == 1, let value = values.first else { throw refusal }
        let digest = SHA256.hash(Array("\(client.address) \(value)".utf8))
        let now = self.now()
        let known = self.known.withLock { $0[digest] }
        if let known, known.until > now { return known.account }
        guard let account = try await self.check(value, from: client) else { throw refusal }
        self.known.withLock { known in
            if known.count >= Self.memoryLimit { known = known.filter { $0.value.until > now } }
            if known.count < Self.memoryLimit { known[digest] = Known(account: account.id, until: now + Self.memory) }
        }
        return account.id
    }

    private func check(_ value: String, from client: HTTPClient) async throws -> Account? {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let (scheme, rest) = (parts[0].lowercased(), parts[1].drop { $0 == " " })
        do {
            switch scheme {
            case "basic":
                // user-pass = user-id ":" password
                guard let pair = Base64.decode(Array(rest.utf8)), let colon = pair.firstIndex(of: UInt8(ascii: ":")),
                    let user = String(validating: pair[..<colon], as: UTF8.self),
                    let password = Password(pair[(colon + 1)...])
                else { return nil }
                let address = client.address.description
                return try await self.credentials.authenticate(user: user, password: password, from: address)
            case "bearer":
                return try await self.credentials.authenticate(token: String(rest), from: client.address.description)
            default: return nil
            }
        } catch SASLFailure.tooManyGuesses {
            throw HTTPRefusal.tooMany(retryAfter: .seconds(60))
        } catch SASLFailure.unavailable {
            throw HTTPRefusal.busy
        } catch is PasswordWork.Busy {
            throw HTTPRefusal.busy
        }
    }
}
