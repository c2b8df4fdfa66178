// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailStorage
import SASLMechanisms
import SMTPSyntax

/// AUTH's exchange and STARTTLS: what takes more than one line.
extension SMTPSession {
    mutating func beginAuthentication(_ mechanism: String, _ initialResponse: [UInt8]?) async throws {
        do {
            var authenticator = try SASLAuthenticator(
                mechanism: mechanism,
                peer: self.view.saslPeer,
                credentials: self.service.credentials
            )
            let outcome = try await authenticator.start(initialResponse: initialResponse)
            try await self.follow(outcome, authenticator)
        } catch let failure as SASLFailure {
            self.refuse(Reply(failure))
        }
    }

    /// Takes the client's answer to a challenge.
    mutating func continueAuthentication(
        _ authenticator: SASLAuthenticator<Account>,
        response line: ArraySlice<UInt8>
    ) async throws {
        var authenticator = authenticator
        do {
            // RFC 4954 §4.
            if line.elementsEqual(CollectionOfOne(UInt8(ascii: "*"))) {
                self.refuse(.authenticationCancelled)
            } else if let response = SASLEncoding.decode(line) {
                let outcome = try await authenticator.respond(to: response)
                try await self.follow(outcome, authenticator)
            } else {
                self.refuse(Reply(SASLFailure.malformed(expected: "base64")))
            }
        } catch {
            self.refuse(try self.reply(to: error))
        }
        try await self.flush()
    }

    private mutating func follow(
        _ outcome: SASLOutcome<Account>,
        _ authenticator: SASLAuthenticator<Account>
    ) async throws {
        switch outcome {
        case .challenge(let challenge):
            self.say(.challenge(String(decoding: SASLEncoding.encode(challenge), as: UTF8.self)))
            self.expecting = .saslResponse(authenticator)
        case .success(let account):
            guard self.admit(account.id), self.service.clients.admit(account.id) else {
                return self.refuse(.tooManyConnections)
            }
            var isIn = false
            defer { if !isIn { self.service.clients.release(account.id) } }
            guard try await self.isWatched(account, authenticator) else {
                return self.loginFailed(.invalidCredentials)
            }
            isIn = true
            self.view.account = account
            self.failedLogins = 0
            self.say(.authenticated)
            Metrics.count(login: .ok)
            Logger.current.info(
                "Logged in",
                metadata: ["account": "\(account.address)", "peer": "\(self.view.peer.address)"]
            )
        case .failure(.unavailable):
            // The password has not been looked at: no attempt at it.
            Metrics.count(login: .unavailable)
            self.refuse(Reply(SASLFailure.unavailable))
        case .failure(let failure):
            self.loginFailed(failure)
        }
    }

    private mutating func loginFailed(_ failure: SASLFailure) {
        if case .tooManyGuesses = failure {
            Metrics.count(login: .refused)
        } else {
            Metrics.count(login: .failed)
            Logger.current.notice("Login failed", metadata: ["peer": "\(self.view.peer.address)"])
        }
        self.failedLogins += 1
        self.refuse(Reply(failure))
        if self.failedLogins >= self.service.options.loginAttempts, self.isOpen {
            self.end(.tooManyErrors(self.service.options.hostname))
        }
    }

    /// From now on a change of the password, or the account's removal, is noticed; false if it has happened since the
    /// authenticator looked.
    private mutating func isWatched(
        _ account: Account,
        _ authenticator: SASLAuthenticator<Account>
    ) async throws -> Bool {
        self.stopWatchingCredential()
        let post = self.connection.post
        let feed = self.service.directory.mailStore(of: account.id).feed
        self.credentialWatch = (feed, feed.watch(.credential(account.id)) { post(.credentialChanged) })
        if try await authenticator.isStillValid() { return true }
        self.stopWatchingCredential()
        return false
    }

    mutating func stopWatchingCredential() {
        if let (feed, watch) = self.credentialWatch.take() { feed.cancel(watch) }
    }

    /// Who had the old password is sent away.
    mutating func credentialChanged() {
        guard let account = self.view.account else { return }
        Logger.current.notice(
            "Session ended: its password was changed, or its account removed",
            metadata: ["account": "\(account.address)", "peer": "\(self.view.peer.address)"]
        )
        self.end(.credentialChanged(self.service.options.hostname))
    }

    /// Turns TLS on; what came before it is not to be believed (RFC 3207 §4.2, §6).
    mutating func startTLS() async throws {
        if self.framer.hasUnread {
            Logger.current.notice("Commands came behind STARTTLS", metadata: ["peer": "\(self.view.peer.address)"])
        }
        self.framer.reset()
        await self.dropMessage()
        try await self.flush()
        do {
            try await self.connection.startTLS(after: Reply.readyToStartTLS.octets)
        } catch {
            // Nobody knows what the next octets are, so there is nothing more to say or to hear.
            Logger.current.info(
                "TLS could not be started",
                metadata: ["peer": "\(self.view.peer.address)", "error": "\(error)"]
            )
            self.isOpen = false
            return
        }
        await self.forget()
        // Who the client is may have been told by XCLIENT.
        self.view.peer.security = self.connection.peer.security
    }

    /// Forgets what the client said, and who it has shown to be.
    private mutating func forget() async {
        await self.milters?.close()
        if let account = self.view.account { self.service.clients.release(account.id) }
        self.stopWatchingCredential()
        self.view.forget()
    }

    /// The session is another client's from now on, which is greeted (XCLIENT), unless it may not come.
    mutating func beginAnew(_ address: String?, _ port: Int?) async {
        await self.dropMessage()
        await self.forget()
        self.view.standing = nil
        // Whose address is not known is nobody's but the front's, not that of the client before.
        self.view.peer.address = address ?? self.view.connectedAddress
        if address != nil { self.view.peer.isLoopback = false }
        self.view.peer.port = port ?? 0
        if let place = self.place.take() { self.service.clients.end(place) }
        (self.errors, self.failedLogins) = (0, 0)
        do { try self.beginCounting() } catch { return self.end(error) }
        self.say(self.greeting)
    }
}
