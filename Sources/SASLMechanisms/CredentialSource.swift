// SPDX-License-Identifier: Apache-2.0

/// What a directory knows of a user who may log in.
package struct StoredCredential<Identity: Sendable>: Sendable {
    /// Who the user is, in the caller's terms.
    package let identity: Identity
    package let verifier: PasswordVerifier

    /// Joins the two.
    package init(identity: Identity, verifier: PasswordVerifier) {
        self.identity = identity
        self.verifier = verifier
    }
}

/// Where exchanges find verifiers, and where passwords are checked; one for the whole process.
package struct CredentialSource<Identity: Sendable>: Sendable {
    private let lookup: @Sendable (String) async throws -> StoredCredential<Identity>?
    private let work: PasswordWork
    let guesses: GuessCounter?
    let tokens: TokenAuthority?
    private let unknown: UnknownUser

    /// Joins directory and threads.
    ///
    /// - Parameters:
    ///   - unknownUserKey: 32 random octets, secret. Kept over restarts, the salts of users who do not exist stay the
    ///     same like those of users who do.
    ///   - work: the threads that check passwords.
    ///   - guesses: limits wrong passwords; nil: nobody counts them.
    ///   - tokens: knows whose a token is; nil: tokens are not accepted.
    ///   - lookup: finds a user by the name it logs in with; nil if there is none, or none that may log in. The name is
    ///     prepared UTF-8 without control characters; letter case is as sent.
    package init(
        unknownUserKey: [UInt8],
        work: PasswordWork,
        guesses: GuessCounter? = nil,
        tokens: TokenAuthority? = nil,
        lookup: @escaping @Sendable (String) async throws -> StoredCredential<Identity>?
    ) {
        self.lookup = lookup
        self.work = work
        self.guesses = guesses
        self.tokens = tokens
        self.unknown = UnknownUser(key: unknownUserKey)
    }

    /// Checks a password sent in clear: IMAP's LOGIN, HTTP's Basic, SASL's PLAIN and LOGIN.
    ///
    /// An unknown user costs the same work and gives the same answer as a wrong password: nil. `address` is where the
    /// password came from. Throws ``SASLFailure/tooManyGuesses`` without having looked at anything,
    /// ``PasswordWork/Busy``, and what the lookup throws.
    package func authenticate(user: String, password: Password, from address: String) async throws -> Identity? {
        try await self.credential(user: user, password: password, from: address)?.identity
    }

    /// Octets of a name, at most: those of a local part, an at sign and a domain (RFC 5321 §4.5.3.1).
    private static var longestName: Int { 64 + 1 + 255 }

    /// The same, with what was known of the user.
    package func credential(
        user: String,
        password: Password,
        from address: String
    ) async throws -> StoredCredential<Identity>? {
        guard user.utf8.count <= Self.longestName, let name = PreparedString.prepare(user) else { return nil }
        let guess = try self.guesses?.begin(name, from: address)
        var outcome = GuessLimits.Outcome.unseen
        defer { self.guesses?.end(guess, outcome) }
        let (credential, verifier) = try await self.credential(for: name)
        let isRight = try await self.work.run { verifier.verify(password) }
        let found = isRight ? credential : nil
        outcome = found == nil ? .wrong : .right
        return found
    }

    /// What is known of a user, and a verifier in any case.
    func credential(for user: String) async throws -> (StoredCredential<Identity>?, PasswordVerifier) {
        // Computed for all, so that it tells nothing.
        let imitation = self.unknown.verifier(for: user)
        let credential = try await self.lookup(user)
        return (credential, credential?.verifier ?? imitation)
    }

    /// The names of the mechanisms to announce to a client, the best first: `AUTH=` capabilities in IMAP, the AUTH line of
    /// EHLO in SMTP.
    package func mechanisms(for peer: SASLPeer) -> [String] {
        MechanismTable.names(for: peer, acceptsTokens: self.tokens != nil)
    }

    /// Whom a token is good for, and what is known of that user; nil if it is good for nobody, or not for `user`.
    ///
    /// A token is counted like a password, for each costs its issuer a question. Throws
    /// ``SASLFailure/tooManyGuesses``, ``SASLFailure/unavailable`` if the issuer cannot be asked, and what the lookup
    /// throws.
    func credential(
        token: String,
        user: String?,
        from address: String
    ) async throws -> (user: String, StoredCredential<Identity>)? {
        let guess = try self.guesses?.begin(user ?? "", from: address)
        var outcome = GuessLimits.Outcome.unseen
        defer { self.guesses?.end(guess, outcome) }
        let holder: String?
        do {
            holder = try await self.tokens?.holder(token)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw SASLFailure.unavailable
        }
        let name = holder.flatMap(PreparedString.prepare)
        guard let name, user == nil || user?.lowercased() == name.lowercased(),
            let credential = try await self.lookup(name)
        else {
            outcome = .wrong
            return nil
        }
        outcome = .right
        return (name, credential)
    }

    /// Checks a token sent in clear, as in HTTP's Bearer; nil if it is good for nobody.
    ///
    /// Throws like ``authenticate(user:password:from:)``, and ``SASLFailure/unavailable`` if the issuer cannot be asked.
    package func authenticate(token: String, from address: String) async throws -> Identity? {
        guard self.acceptsTokens, BearerToken.isToken(token) else { return nil }
        return try await self.credential(token: token, user: nil, from: address)?.1.identity
    }

    /// Whether tokens are good for anything.
    package var acceptsTokens: Bool { self.tokens != nil }

    /// Looks up, with `find`, who a secret belongs to that is not the password of `user`, and counts it like one.
    ///
    /// Nil, as `find` says, is a wrong one. A right one makes its owner, whom `find` names, known at the address; if that
    /// is not `user`, nobody: else its owner could make anybody known there, and guess that one's password. Throws
    /// ``SASLFailure/tooManyGuesses`` without having looked, and what `find` throws.
    package func guess<Found>(
        as user: String,
        from address: String,
        _ find: () async throws -> (found: Found, owner: String)?
    ) async throws -> Found? {
        guard user.utf8.count <= Self.longestName else { return nil }
        let guess = try self.guesses?.begin(user, from: address)
        var outcome = GuessLimits.Outcome.unseen
        defer { self.guesses?.end(guess, outcome) }
        guard let (found, owner) = try await find() else {
            outcome = .wrong
            return nil
        }
        if owner.lowercased() == user.lowercased() { outcome = .right }
        return found
    }

    /// Whether anybody has logged in from that address lately, whichever way, or its wrong passwords are not counted.
    package func knows(_ address: String) -> Bool { self.guesses?.knows(address) ?? false }

    /// Whether the user still has this verifier.
    package func isCurrent(_ verifier: PasswordVerifier, of user: String) async throws -> Bool {
        try await self.lookup(user)?.verifier == verifier
    }
}
