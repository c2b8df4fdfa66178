// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// How one step of an authentication ended.
package enum SASLOutcome<Identity: Sendable>: Sendable {
    /// Send this challenge, in the protocol's encoding (``SASLEncoding``), and pass the answer to
    /// ``SASLAuthenticator/respond(to:)``.
    case challenge([UInt8])
    /// The client has proved to be this user.
    case success(Identity)
    /// Nobody is authenticated; the exchange is over.
    case failure(SASLFailure)
}

/// One authentication of one client: what IMAP's AUTHENTICATE and SMTP's AUTH both run.
///
///     var authenticator = try SASLAuthenticator(mechanism: name, allowsPlaintextPasswords: …, credentials: …)
///     var outcome = try await authenticator.start(initialResponse: initialResponse)
///     while case .challenge(let challenge) = outcome {
///         // send it, read a line; "*" ends the loop in failure
///         outcome = try await authenticator.respond(to: response)
///     }
package struct SASLAuthenticator<Identity: Sendable>: Sendable {
    /// The longest response, decoded: what fits into the 12,288 characters that RFC 4954 §4 asks for.
    package static var maximumResponseLength: Int { 9_216 }

    private var exchange: any SASLExchange
    private let credentials: CredentialSource<Identity>
    /// Whom the exchange asked for; nil if unknown.
    private var candidate: Identity?
    private var isOver = false

    /// Begins an exchange.
    ///
    /// - Parameters:
    ///   - mechanism: the name as the client wrote it, in any letter case.
    ///   - allowsPlaintextPasswords: whether mechanisms that show the password to listeners may be used: on connections
    ///     that are encrypted, or do not leave the machine.
    ///   - credentials: where users are found.
    ///   - nonce: for tests: the server's nonce, printable and without comma. Nil makes a random one.
    /// - Throws: ``SASLFailure/unknownMechanism`` or ``SASLFailure/encryptionRequired``; `OpenSSLError` without
    ///   entropy.
    package init(
        mechanism: String,
        allowsPlaintextPasswords: Bool,
        credentials: CredentialSource<Identity>,
        nonce: String? = nil
    ) throws {
        guard let mechanism = MechanismTable.mechanism(named: mechanism) else { throw SASLFailure.unknownMechanism }
        guard allowsPlaintextPasswords || !mechanism.revealsPassword else { throw SASLFailure.encryptionRequired }
        self.exchange = mechanism.begin(try nonce ?? ScramMessage.makeNonce())
        self.credentials = credentials
    }

    /// Takes the first step.
    ///
    /// - Parameter initialResponse: what came with the command (SASL-IR, RFC 4959); nil if nothing did.
    /// - Returns: how the step ended.
    /// - Throws: what the lookup throws.
    package mutating func start(initialResponse: [UInt8]?) async throws -> SASLOutcome<Identity> {
        guard initialResponse?.count ?? 0 <= Self.maximumResponseLength else { return self.tooLong() }
        return try await self.follow(self.exchange.start(initialResponse))
    }

    /// Takes the next step.
    ///
    /// - Parameter response: the client's answer to the last challenge, decoded.
    /// - Returns: how the step ended.
    /// - Throws: what the lookup throws.
    package mutating func respond(to response: [UInt8]) async throws -> SASLOutcome<Identity> {
        guard !self.isOver else { return .failure(.malformed(expected: "no response after the end")) }
        guard response.count <= Self.maximumResponseLength else { return self.tooLong() }
        return try await self.follow(self.exchange.respond(to: response))
    }

    private mutating func tooLong() -> SASLOutcome<Identity> {
        self.isOver = true
        return .failure(.malformed(expected: "a response of at most \(Self.maximumResponseLength) octets"))
    }

    /// Does what a step asks for until it is the client's turn, or over.
    private mutating func follow(_ first: SASLStep) async throws -> SASLOutcome<Identity> {
        self.isOver = true
        var step = first
        while true {
            switch step {
            case .challenge(let challenge):
                self.isOver = false
                return .challenge(challenge)
            case .lookUp(let user):
                let (credential, verifier) = try await self.credentials.credential(for: user)
                self.candidate = credential?.identity
                step = self.exchange.provide(verifier)
            case .check(let user, let password):
                do {
                    let identity = try await self.credentials.authenticate(user: user, password: password)
                    return identity.map { .success($0) } ?? .failure(.invalidCredentials)
                } catch is PasswordWork.Busy {
                    return .failure(.unavailable)
                }
            case .success:
                return self.candidate.map { .success($0) } ?? .failure(.invalidCredentials)
            case .failure(let failure):
                return .failure(failure)
            }
        }
    }
}
