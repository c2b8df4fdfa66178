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
///     var authenticator = try SASLAuthenticator(mechanism: name, peer: …, credentials: …)
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
    private let peer: SASLPeer
    /// By which name the exchange asked for somebody, and who that is; nil if unknown.
    private var user = ""
    private var candidate: StoredCredential<Identity>?
    /// The next response is a guess at the candidate's password.
    private var awaitsProof = false
    private var isOver = false

    /// Begins an exchange.
    ///
    /// - Parameters:
    ///   - mechanism: the name as the client wrote it, in any letter case.
    ///   - peer: who wants to authenticate.
    ///   - credentials: where users are found.
    ///   - nonce: for tests: the server's nonce, printable and without comma. Nil makes a random one.
    /// - Throws: ``SASLFailure/unknownMechanism`` or ``SASLFailure/encryptionRequired``; `OpenSSLError` without
    ///   entropy.
    package init(
        mechanism: String,
        peer: SASLPeer,
        credentials: CredentialSource<Identity>,
        nonce: String? = nil
    ) throws {
        guard
            let mechanism = MechanismTable.mechanism(
                named: mechanism,
                for: peer,
                acceptsTokens: credentials.tokens != nil
            )
        else {
            throw SASLFailure.unknownMechanism
        }
        guard peer.allowsPlaintextPasswords || !mechanism.revealsPassword else { throw SASLFailure.encryptionRequired }
        self.exchange = mechanism.begin(try nonce ?? ScramMessage.makeNonce(), peer)
        self.credentials = credentials
        self.peer = peer
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
        return try await self.follow(self.awaitsProof ? self.prove(response) : self.exchange.respond(to: response))
    }

    /// Whether what the client has proved to know is still what opens the account.
    ///
    /// To be asked after success, when changes of it are being watched: so none falls between. Throws what the lookup
    /// throws.
    package func isStillValid() async throws -> Bool {
        guard let candidate = self.candidate else { return false }
        return try await self.credentials.isCurrent(candidate.verifier, of: self.user)
    }

    /// Passes on a response that tells whether the client knows the password, which is counted like a password.
    private mutating func prove(_ response: [UInt8]) -> SASLStep {
        self.awaitsProof = false
        do {
            let guess = try self.credentials.guesses?.begin(self.user, from: self.peer.address)
            let step = self.exchange.respond(to: response)
            switch step {
            case .failure(.invalidCredentials): self.credentials.guesses?.end(guess, .wrong)
            case .challenge, .success: self.credentials.guesses?.end(guess, .right)
            case .failure, .check, .lookUp, .trust, .checkToken: self.credentials.guesses?.end(guess, .unseen)
            }
            return step
        } catch {
            return .failure(error)
        }
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
                do { try self.credentials.guesses?.check(user, from: self.peer.address) } catch {
                    return .failure(error)
                }
                let (credential, verifier) = try await self.credentials.credential(for: user)
                (self.user, self.candidate, self.awaitsProof) = (user, credential, true)
                step = self.exchange.provide(verifier)
            case .check(let user, let password):
                let address = self.peer.address
                do {
                    self.candidate = try await self.credentials.credential(
                        user: user,
                        password: password,
                        from: address
                    )
                    self.user = user
                    return self.conclusion
                } catch is PasswordWork.Busy {
                    return .failure(.unavailable)
                } catch let failure as SASLFailure {
                    return .failure(failure)
                }
            case .checkToken(let token, let user):
                let address = self.peer.address
                do {
                    let found = try await self.credentials.credential(token: token, user: user, from: address)
                    guard let (name, credential) = found else {
                        step = self.exchange.refuseToken(scope: self.credentials.tokens?.scope)
                        continue
                    }
                    (self.user, self.candidate) = (name, credential)
                    return self.conclusion
                } catch let failure as SASLFailure {
                    return .failure(failure)
                }
            case .trust(let user):
                (self.user, self.candidate) = (user, try await self.credentials.credential(for: user).0)
                if self.candidate != nil { self.credentials.guesses?.welcome(user, from: self.peer.address) }
                return self.conclusion
            case .success:
                return self.conclusion
            case .failure(let failure):
                return .failure(failure)
            }
        }
    }

    private var conclusion: SASLOutcome<Identity> {
        self.candidate.map { .success($0.identity) } ?? .failure(.invalidCredentials)
    }
}
