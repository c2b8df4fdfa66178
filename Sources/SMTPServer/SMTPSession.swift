// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailStorage
import SASLMechanisms
import SMTPSyntax

/// What an SMTP session posts to itself.
package enum SMTPNote: Sendable {
    /// It is time to greet; what came before spoke too early.
    case greet
    /// The inactivity timer has run out, perhaps.
    case timer
    /// The account's password was changed, or the account removed.
    case credentialChanged
}

/// One client's conversation, from greeting to 221.
///
/// A value owned by its connection's task: nothing here is shared, and whatever happens comes through
/// ``Connection/next()``. The loop is: take what has arrived, one command after the other, flush, wait.
package struct SMTPSession<C: Connection<SMTPNote>> {
    /// What the next octets from the client are.
    enum Expecting {
        case command
        /// A response to a challenge.
        case saslResponse(SASLAuthenticator<Account>)
        /// The message, behind DATA.
        case content(DotStuffing.Decoder)
        /// A chunk, behind BDAT; with a refusal it is passed over.
        case chunk(ChunkCounter, refusal: Reply?)
    }

    let service: SMTPService
    var connection: C
    var framer = LineFramer()
    var view: SMTPView
    var expecting = Expecting.command
    /// The message that is arriving.
    var reception: MessageReception?
    var credentialWatch: (ChangeFeed, ChangeFeed.Watch)?
    /// The filters that are asked about messages; nil: none.
    let milters: MilterRun?
    /// Of the chunks of the message that is arriving.
    var lineEnds = LineEndCheck()
    var output: [UInt8] = []
    var isOpen = true
    private var isGreeted = false
    var lastActivity: Duration
    /// When the session ends in any case, because the process stops.
    var ending: Duration?
    var failedLogins = 0
    /// Permanent negative replies since the last accepted message.
    var errors = 0
    let admit: @Sendable (AccountID) -> Bool
    /// As whose the session is counted, once it has been greeted.
    var place: ClientCounter.Place?

    /// Makes the session of one connection; over implicit TLS the handshake is done.
    ///
    /// `admit` is asked once the password was right, and may refuse the login when the account has too many connections.
    package init(
        connection: C,
        service: SMTPService,
        role: SMTPRole,
        admit: @escaping @Sendable (AccountID) -> Bool = { _ in true }
    ) {
        self.connection = connection
        self.service = service
        self.admit = admit
        self.view = SMTPView(service: service, role: role, peer: connection.peer)
        self.milters = MilterRun(service, role: role)
        self.lastActivity = service.time.now()
    }

    /// Serves the client until it or the server ends the conversation.
    ///
    /// Throws when the connection breaks.
    package mutating func run() async throws {
        Metrics.sessionBegan()
        defer { Metrics.sessionEnded() }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await self.serve()) } catch { outcome = .failure(error) }
        await self.dropMessage()
        await self.milters?.close()
        if let account = self.view.account { self.service.clients.release(account.id) }
        if let place = self.place { self.service.clients.end(place) }
        try outcome.get()
    }

    private mutating func serve() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            defer {
                self.stopWatchingCredential()
                group.cancelAll()
            }
            self.prepareGreeting(in: &group)
            self.startTimer(in: &group)
            while self.isOpen {
                switch try await self.connection.next() {
                case .octets(let octets): try await self.take(octets)
                case .note(.greet): try await self.greet()
                case .note(.timer): self.checkTimer(in: &group)
                case .note(.credentialChanged): self.credentialChanged()
                case .shutdown: self.beginEnding(in: &group)
                case .endOfOctets: try await self.takeEnd()
                case nil: self.isOpen = false
                }
                try await self.flush()
            }
        }
    }

    // MARK: The beginning

    /// The greeting waits in the inbox behind whatever the client has sent already.
    private func prepareGreeting(in group: inout ThrowingDiscardingTaskGroup<any Error>) {
        let (time, post) = (self.service.time, self.connection.post)
        guard self.view.role == .exchange, self.service.options.greetingDelay > .zero, !self.view.isFront else {
            return post(.greet)
        }
        let deadline = time.now() + self.service.options.greetingDelay
        group.addTask {
            do { try await time.sleep(deadline) } catch { return }
            post(.greet)
        }
    }

    private mutating func greet() async throws {
        self.isGreeted = true
        self.lastActivity = self.service.time.now()
        do { try self.beginCounting() } catch { return self.end(error) }
        self.say(self.greeting)
        try await self.flush()
        try await self.takeInput()
    }

    /// Counts the session as its client's; throws why it may not go on.
    mutating func beginCounting() throws(Reply) {
        guard !self.view.isFront else { return }
        self.place = try self.service.clients.begin(self.view.peer, hostname: self.service.options.hostname)
    }

    /// The first line.
    var greeting: Reply {
        .serviceReady(self.service.options.hostname, protocol: self.view.role == .lmtp ? "LMTP" : "ESMTP")
    }

    private mutating func take(_ octets: [UInt8]) async throws {
        // QUIRK: our own users' programs may speak first; a server that does sends spam (RFC 5321 §3.1).
        if !self.isGreeted, self.view.role == .exchange, !self.view.isFront {
            Logger.current.info("Client spoke before the greeting", metadata: ["peer": "\(self.view.peer.address)"])
            try? self.beginCounting()
            return self.expel(.noService)
        }
        self.framer.append(octets)
        if self.isGreeted { try await self.takeInput() }
    }

    /// Every command that was received is answered by now, unless the greeting waits behind the end.
    private mutating func takeEnd() async throws {
        if !self.isGreeted, self.view.role != .exchange || self.view.isFront { try await self.greet() }
        self.isOpen = false
    }

    // MARK: What is said

    /// Puts a reply behind those that wait for ``flush()``.
    mutating func say(_ reply: Reply) { reply.write(into: &self.output) }

    /// Writes what is waiting to the client.
    mutating func flush() async throws {
        guard !self.output.isEmpty else { return }
        let octets = self.output
        self.output.removeAll(keepingCapacity: octets.count <= 4096)
        try await self.connection.write(octets)
    }

    /// Says a last reply and ends the session.
    mutating func end(_ reply: Reply) {
        self.say(reply)
        self.isOpen = false
    }

    /// The same for what only a program does that sends spam, or worse: too often, and its address is banned.
    mutating func expel(_ reply: Reply) {
        self.end(reply)
        guard self.view.account == nil, let place = self.place, self.service.clients.offend(place) else { return }
        Metrics.countBan()
        Logger.current.warning("Address is banned", metadata: ["peer": "\(self.view.peer.address)"])
    }

    /// The one place where an error becomes a reply.
    func reply(to error: any Error) throws -> Reply {
        switch error {
        case let reply as Reply: return reply
        case let error as SyntaxError: return .syntaxError(error)
        case let error as StoreError:
            if case .corrupt(let what) = error {
                Logger.current.error("Store is damaged", metadata: ["error": "\(what)"])
            }
            return Reply(error)
        case is CancellationError: throw error
        default:
            Logger.current.error("Command failed", metadata: ["error": "\(error)"])
            return .localError
        }
    }

    /// Says a refusal; a peer that only makes mistakes, or tries out names, is sent away.
    mutating func refuse(_ reply: Reply) {
        self.say(reply)
        guard reply.severity == .permanentNegative, !self.isNoMistake(reply) else { return }
        self.errors += 1
        let limit = self.service.options.errorLimit * (self.view.account == nil ? 1 : 5)
        if self.errors >= limit { self.expel(.tooManyErrors(self.service.options.hostname)) }
    }

    /// Whether a refusal says nothing of how the client behaves: it is on a list, and must still be able to write to those who
    /// could help; or it has sent DATA along with recipients who were refused.
    private func isNoMistake(_ reply: Reply) -> Bool {
        if case .blocked = self.view.standing, reply.enhanced == EnhancedStatusCode(5, 7, 1) { return true }
        return reply == .noValidRecipients
    }

    /// A message was accepted: mistakes before it are forgiven.
    mutating func forgive() {
        self.errors = 0
        if self.ending != nil { self.end(.notAvailable(self.service.options.hostname)) }
    }
}
