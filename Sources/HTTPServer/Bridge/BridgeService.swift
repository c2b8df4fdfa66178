// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import IMAPServer
import Logging
import MailConnection
import MailStorage
import SASLMechanisms
import SMTPServer
import ServiceLifecycle

/// IMAP and SMTP wrapped in HTTP: opens connections, keeps them between requests, and closes them.
///
/// Bridged IMAP sessions run in the task of ``run()``, as its children; HTTP requests only meet them there. An SMTP
/// batch runs within its request.
package struct BridgeService: Service {
    typealias Job = @Sendable () async -> Void

    let options: HTTPServerOptions
    private let smtp: SMTPService
    let time: TimeSource
    let table: BridgeTable
    let bodies: BodyBudget
    private let imap: IMAPService
    /// What was answered to batches that name themselves; nil: they cannot.
    let replays: (any ReplayStore)?
    let running = RunningBatches()
    /// Who logs in to HTTP; nil: nobody has to.
    private let login: HTTPLogin?
    private let makeID: @Sendable () throws -> ConnectionID
    private let jobs: AsyncStream<Job>
    private let feed: AsyncStream<Job>.Continuation
    /// Ends when the process stops.
    private let stop: AsyncStream<Void>
    private let stopFeed: AsyncStream<Void>.Continuation

    /// Puts a service together; ``run()`` must be running for it to open connections.
    ///
    /// `credentials` are needed where the options ask for a login.
    package init(
        options: HTTPServerOptions,
        imap: IMAPService,
        smtp: SMTPService,
        credentials: CredentialSource<Account>? = nil,
        replays: (any ReplayStore)? = nil,
        time: TimeSource
    ) {
        self.init(
            options: options,
            imap: imap,
            smtp: smtp,
            credentials: credentials,
            replays: replays,
            time: time
        ) { try .random(bits: options.idBits) }
    }

    init(
        options: HTTPServerOptions,
        imap: IMAPService,
        smtp: SMTPService,
        credentials: CredentialSource<Account>?,
        replays: (any ReplayStore)?,
        time: TimeSource,
        makeID: @escaping @Sendable () throws -> ConnectionID
    ) {
        self.options = options
        self.imap = imap
        self.smtp = smtp
        self.replays = replays
        self.login = options.requiresLogin ? credentials.map { HTTPLogin($0, now: time.now) } : nil
        self.time = time
        self.table = BridgeTable(options: options)
        self.bodies = BodyBudget(limit: options.bodiesLimit, shareLimit: options.bodiesPerAddress)
        self.makeID = makeID
        (self.jobs, self.feed) = AsyncStream.makeStream(of: Job.self)
        (self.stop, self.stopFeed) = AsyncStream.makeStream(of: Void.self)
    }

    /// Who asks, over a way on which nobody can read along, and logged in where that is asked for.
    func caller(
        _ request: Request,
        _ context: HTTPContext
    ) async throws -> (client: HTTPClient, principal: AccountID?) {
        let client = try context.secureClient()
        guard self.options.requiresLogin else { return (client, nil) }
        guard let login = self.login else { throw HTTPRefusal.loginRequired(acceptsTokens: false) }
        return (client, try await login.account(of: request.headers, from: client))
    }

    /// The server elsewhere that a request is about, and its name; nil: it is about this one.
    func target(_ context: HTTPContext) throws(HTTPRefusal) -> (name: String, target: RemoteTarget)? {
        guard let name = context.parameters.get("name") else { return nil }
        guard self.options.requiresLogin, let target = self.options.targets[name] else { throw .notFound }
        return (name, target)
    }

    /// Whether the process stops.
    var isStopping: Bool { self.table.isStopping }

    /// Runs the bridged sessions until graceful shutdown, or cancellation, and all of them have ended.
    ///
    /// Those that have not ended some time after a shutdown are cut off, as connections of sockets are.
    package func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.runJobs() }
                group.addTask {
                    for await _ in self.stop {}
                    try? await self.time.sleep(self.time.now() + self.options.drainDeadline)
                }
                await group.next()
                group.cancelAll()
            }
        } onCancelOrGracefulShutdown: {
            self.shutDown()
        }
    }

    private func runJobs() async {
        await withDiscardingTaskGroup { group in
            for await job in self.jobs { group.addTask { await job() } }
        }
    }

    /// Opens nothing any more, and has every session say farewell, which parked requests still get.
    func shutDown() {
        for session in self.table.stop() { session.shutDown() }
        self.feed.finish()
        self.stopFeed.finish()
    }

    /// Opens an IMAP connection for a client.
    func open(
        _ client: HTTPClient,
        lock: SessionLock = SessionLock()
    ) throws -> (id: ConnectionID, session: BridgedSession) {
        let (imap, table, peer) = (self.imap, self.table, client.peer)
        return try self.open(client, lock: lock, hasUnits: true) { id, session in
            var imapSession = IMAPSession(connection: session.connect(peer), service: imap) { account in
                table.admit(id, to: account)
            }
            do {
                try await imapSession.run()
            } catch {
                Logger.current.debug("Bridged connection ended with an error", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Opens a connection to an IMAP server elsewhere for a client; returns when it is there.
    func open(
        _ client: HTTPClient,
        lock: SessionLock,
        principal: AccountID,
        to connect: @escaping RemoteTarget.Connect
    ) async throws -> (id: ConnectionID, session: BridgedSession) {
        let opening = RemoteSession.Opening()
        let opened = try self.open(client, lock: lock, hasUnits: false) { _, session in
            await RemoteSession(session: session, connect: connect, opening: opening).run()
        }
        do throws(HTTPRefusal) {
            // It counts as the account's that has logged in to HTTP; what is said there, nobody here knows.
            guard self.table.admit(opened.id, to: principal) else { throw .tooMany(retryAfter: .seconds(60)) }
            try await opening.wait()
        } catch {
            opened.session.abandon()
            throw error
        }
        return opened
    }

    /// Enters a connection, and has `body` run it in the task of ``run()``.
    private func open(
        _ client: HTTPClient,
        lock: SessionLock,
        hasUnits: Bool,
        _ body: @escaping @Sendable (ConnectionID, BridgedSession) async -> Void
    ) throws -> (id: ConnectionID, session: BridgedSession) {
        let session = BridgedSession(
            owner: client.address.countingKey,
            lock: lock,
            hasUnits: hasUnits,
            options: self.options,
            bodies: self.bodies,
            time: self.time
        )
        let id = try self.insert(session)
        let (table, time) = (self.table, self.time)
        let result = self.feed.yield {
            await Logger.withConnection("bridge-\(id.logText)") {
                await Self.serve(session) { await body(id, session) }
            }
            table.remove(id, at: time.now())
        }
        guard case .enqueued = result else {
            self.table.remove(id, at: self.time.now())
            throw HTTPRefusal.shuttingDown
        }
        return (id, session)
    }

    /// Enters a connection under an ID that is no other's.
    private func insert(_ session: BridgedSession) throws -> ConnectionID {
        // Twice the same in this universe means that the random numbers are none.
        for _ in 0..<3 {
            let id = try self.makeID()
            if try self.table.insert(session, id, at: self.time.now()) { return id }
        }
        throw HTTPRefusal.busy
    }

    /// Plays an SMTP batch for a client, to its end; tells who has logged in, and when the text of a message will be sent.
    func play(
        _ batch: SMTPBatch,
        skipsRecipients: Bool,
        for client: HTTPClient,
        at target: RemoteTarget.Connect? = nil,
        onLogin: @escaping @Sendable (AccountID) -> Void = { _ in },
        beforeText: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> SMTPOutcome {
        let (id, table) = (try self.beginSMTP(client), self.table)
        defer { self.endSMTP(id) }
        let rules = SMTPDialogue.Rules(
            skipsRecipients: skipsRecipients,
            commandTimeout: self.options.commandTimeout,
            textTimeout: self.options.textTimeout,
            deadline: self.time.now() + self.options.batchTimeout,
            beforeText: beforeText
        )
        if let target {
            let run = RemoteBatch(connect: target, rules: rules, time: self.time)
            return try await Logger.withConnection("bridge-\(id.logText)") { try await run.run(batch) }
        }
        let run = SMTPBatchRun(service: self.smtp, peer: client.peer, rules: rules) { account in
            guard table.admit(id, to: account) else { return false }
            onLogin(account)
            return true
        }
        let outcome = try await Logger.withConnection("bridge-\(id.logText)") { try await run.run(batch) }
        Metrics.batchEnded(outcome)
        return outcome
    }

    /// A connection of SMTP begins, and counts as one that has not logged in; ``endSMTP(_:)`` must follow.
    func beginSMTP(_ client: HTTPClient) throws -> ConnectionID {
        let id = try self.makeID()
        try self.table.beginBatch(id, of: client.address.countingKey, at: self.time.now())
        return id
    }

    func endSMTP(_ id: ConnectionID) { self.table.endBatch(id) }

    /// Runs one SMTP session of a client to its end.
    func serveSMTP(_ connection: CountedConnection<SMTPNote>, _ id: ConnectionID) async {
        let (smtp, table) = (self.smtp, self.table)
        await Logger.withConnection("bridge-\(id.logText)") {
            var session = SMTPSession(connection: connection, service: smtp, role: .submission) { account in
                table.admit(id, to: account)
            }
            // A session that fails hangs up, which is all that its client can see of it.
            try? await session.run()
        }
    }

    /// Runs one IMAP session to its end, and keeps what it said last until it was fetched or nobody comes for it.
    private static func serve(_ session: BridgedSession, _ run: @Sendable () async -> Void) async {
        Metrics.sessionBegan()
        defer { Metrics.sessionEnded() }
        await withDiscardingTaskGroup { group in
            group.addTask { await session.closeWhenUnused() }
            await run()
            session.end()
            await session.untilDone()
            group.cancelAll()
        }
    }
}

extension Logger {
    /// Runs `body` with a task-local logger that names the connection.
    fileprivate static func withConnection<Result>(
        _ name: String,
        _ body: nonisolated(nonsending) () async throws -> Result
    ) async rethrows -> Result {
        var logger = Logger.current
        logger[metadataKey: "connection"] = "\(name)"
        return try await withLogger(logger) { _ in try await body() }
    }
}
