// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailConnection
import MailStorage
import SASLMechanisms

/// AUTHENTICATE's exchange and STARTTLS: what takes more than one line (RFC 9051 §6.2).
extension IMAPSession {
    mutating func beginAuthentication(_ tag: String, _ mechanism: String, _ initialResponse: [UInt8]?) async throws {
        do {
            var authenticator = try SASLAuthenticator(
                mechanism: mechanism,
                peer: self.view.saslPeer,
                credentials: self.service.credentials
            )
            let outcome = try await authenticator.start(initialResponse: initialResponse)
            try await self.follow(outcome, tag, authenticator)
        } catch {
            if case SASLFailure.encryptionRequired = error, initialResponse != nil {
                Logger.current.notice("Credentials came in clear text", metadata: ["peer": "\(self.view.peer.address)"])
            }
            try self.refuse(tag, Refusal.authentication(error))
        }
    }

    /// LOGIN: PLAIN in other words.
    mutating func logIn(_ tag: String, _ message: [UInt8]) async throws {
        do {
            var authenticator = try SASLAuthenticator(
                mechanism: "PLAIN",
                peer: self.view.saslPeer,
                credentials: self.service.credentials
            )
            let outcome = try await authenticator.start(initialResponse: message)
            // The command follows its grammar: a name or password that nobody can have is a wrong one.
            if case .failure(.malformed) = outcome {
                try self.loginFailed(tag, .invalidCredentials)
            } else {
                try await self.follow(outcome, tag, authenticator)
            }
        } catch {
            try self.refuse(tag, Refusal.authentication(error))
        }
    }

    mutating func continueAuthentication(
        _ tag: String,
        _ authenticator: SASLAuthenticator<Account>,
        response line: [UInt8]
    ) async throws {
        if line == [UInt8(ascii: "*")] {
            self.answer(tag, .bad, code: .clientBug, "Authentication cancelled")
            return
        }
        guard let response = Base64.decode(line[...]) else {
            self.answer(tag, .bad, code: .clientBug, "Expected base64")
            return
        }
        var authenticator = authenticator
        do {
            let outcome = try await authenticator.respond(to: response)
            try await self.follow(outcome, tag, authenticator)
        } catch {
            try self.refuse(tag, Refusal.authentication(error))
        }
    }

    private mutating func follow(
        _ outcome: SASLOutcome<Account>,
        _ tag: String,
        _ authenticator: SASLAuthenticator<Account>
    ) async throws {
        switch outcome {
        case .challenge(let challenge):
            self.output.continuation(challenge: challenge)
            self.expecting = .saslResponse(tag: tag, authenticator)
        case .success(let account):
            guard self.admit(account.id) else { return try self.refuse(tag, Refusal.tooManyConnections) }
            guard try await self.logIn(account, authenticator) else {
                return try self.loginFailed(tag, .invalidCredentials)
            }
            self.answer(tag, .ok, code: .capability(ExtensionTable.capabilities(self.view)), "Logged in")
        case .failure(let failure):
            try self.loginFailed(tag, failure)
        }
    }

    /// False if the password was changed, or the account removed, since the authenticator looked: from then on that is
    /// noticed.
    private mutating func logIn(_ account: Account, _ authenticator: SASLAuthenticator<Account>) async throws -> Bool {
        let post = self.connection.post
        let feed = self.service.directory.mailStore(of: account.id).feed
        self.credentialWatch = (feed, feed.watch(.credential(account.id)) { post(.credentialChanged) })
        guard try await authenticator.isStillValid() else {
            self.stopWatchingCredential()
            return false
        }
        self.view.account = account
        self.connection.keepPlace()
        self.live.note(self.view)
        self.framer.limits = .authenticated
        self.failedLogins = 0
        Metrics.logins("ok")
        Logger.current.info(
            "Logged in",
            metadata: ["account": "\(account.address)", "peer": "\(self.view.peer.address)"]
        )
        return true
    }

    mutating func stopWatchingCredential() {
        if let (feed, watch) = self.credentialWatch.take() { feed.cancel(watch) }
    }

    /// Who had the old password is sent away.
    mutating func credentialChanged() {
        Logger.current.notice(
            "Session ended: its password was changed, or its account removed",
            metadata: ["account": "\(self.view.account?.address ?? "")", "peer": "\(self.view.peer.address)"]
        )
        // Within a response it would be taken for the rest of that.
        guard self.blocks.holder == nil else { return self.isOpen = false }
        self.bye("Password has changed: log in again", code: .expired)
    }

    private mutating func loginFailed(_ tag: String, _ failure: SASLFailure) throws {
        // No password was found wrong: the client is to try the same one again.
        if case .unavailable = failure { return try self.refuse(tag, Refusal.authentication(failure)) }
        if case .tooManyGuesses = failure {
            Metrics.logins("refused")
        } else {
            Metrics.logins("failed")
            Logger.current.notice("Login failed", metadata: ["peer": "\(self.view.peer.address)"])
        }
        self.failedLogins += 1
        try self.refuse(tag, Refusal.authentication(failure))
        if self.failedLogins >= self.service.options.loginAttempts { self.bye("Too many failed logins") }
    }

    mutating func startTLS(_ tag: String) async throws {
        // What came before TLS is not to be believed (RFC 9051 §6.2.1).
        self.framer.reset()
        var farewell = ResponseWriter()
        farewell.tagged(tag, .ok, "Begin TLS negotiation now")
        try await self.flush()
        try await self.connection.startTLS(after: farewell.take())
        self.view.peer = self.connection.peer
        self.live.end(tag: tag, .ok)
        self.live.note(self.view)
        self.consecutiveErrors = 0
    }
}

extension Refusal {
    /// SASL's reasons in IMAP's words; what is none of them stays what it is.
    fileprivate static func authentication(_ error: any Error) -> any Error {
        switch error {
        case SASLFailure.unknownMechanism: Refusal("Mechanism is not available", code: .cannot)
        case SASLFailure.encryptionRequired:
            Refusal("Turn TLS on before you send a password", code: .privacyRequired)
        case SASLFailure.unavailable: Refusal("Logins cannot be checked now: try again in a moment", code: .unavailable)
        case SASLFailure.tooManyGuesses:
            Refusal("Too many wrong passwords from your address: try again later", code: .unavailable)
        case SASLFailure.authorizationDenied:
            Refusal(
                "Nobody may act for somebody else: log in without an authorization identity",
                code: .authorizationFailed
            )
        case SASLFailure.malformed(let expected): SyntaxError(expected: expected, offset: 0)
        case is SASLFailure: Refusal.authenticationFailed
        default: error
        }
    }
}
