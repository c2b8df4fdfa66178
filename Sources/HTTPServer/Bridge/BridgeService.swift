// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import IMAPServer
import Logging
import MailConnection
import MailStorage
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
    private let makeID: @Sendable () throws -> ConnectionID
    private let jobs: AsyncStream<Job>
    private let feed: AsyncStream<Job>.Continuation

    /// Puts a service together; ``run()`` must be running for it to open connections.
    package init(options: HTTPServerOptions, imap: IMAPService, smtp: SMTPService, time: TimeSource) {
        self.init(options: options, imap: imap, smtp: smtp, time: time) { try .random(bits: options.idBits) }
    }

    init(
        options: HTTPServerOptions,
        imap: IMAPService,
        smtp: SMTPService,
        time: TimeSource,
        makeID: @escaping @Sendable () throws -> ConnectionID
    ) {
        self.options = options
        self.imap = imap
        self.smtp = smtp
        self.time = time
        self.table = BridgeTable(options: options)
        self.bodies = BodyBudget(limit: options.bodiesLimit, shareLimit: options.bodiesPerAddress)
        self.makeID = makeID
        (self.jobs, self.feed) = AsyncStream.makeStream(of: Job.self)
    }

    /// Whether the process stops.
    var isStopping: Bool { self.table.isStopping }

    /// Runs the bridged sessions until graceful shutdown, or cancellation, and all of them have ended.
    package func run() async {
        await withTaskCancellationOrGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                for await job in self.jobs { group.addTask { await job() } }
            }
        } onCancelOrGracefulShutdown: {
            self.shutDown()
        }
    }

    /// Opens nothing any more, and has every session say farewell, which parked requests still get.
    func shutDown() {
        for session in self.table.stop() { session.shutDown() }
        self.feed.finish()
    }

    /// Opens an IMAP connection for a client.
    func open(
        _ client: HTTPClient,
        lock: SessionLock = SessionLock()
    ) throws -> (id: ConnectionID, session: BridgedSession) {
        let session = BridgedSession(
            owner: client.address.countingKey,
            lock: lock,
            options: self.options,
            bodies: self.bodies,
            time: self.time
        )
        let id = try self.insert(session)
        let (imap, table, time, peer) = (self.imap, self.table, self.time, client.peer)
        let result = self.feed.yield {
            await Logger.withConnection("bridge-\(id.logText)") {
                await Self.serve(session, for: peer, imap) { account in table.admit(id, to: account) }
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

    /// Plays an SMTP batch for a client, to its end.
    func play(_ batch: SMTPBatch, for client: HTTPClient) async throws -> SMTPBatchRun.Outcome {
        let (id, table) = (try self.beginSMTP(client), self.table)
        defer { self.endSMTP(id) }
        let run = SMTPBatchRun(
            service: self.smtp,
            peer: client.peer,
            timeout: self.options.batchTimeout,
            admit: { account in table.admit(id, to: account) }
        )
        var outcome = SMTPBatchRun.Outcome()
        await Logger.withConnection("bridge-\(id.logText)") { outcome = await run.run(batch) }
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
    private static func serve(
        _ session: BridgedSession,
        for peer: Peer,
        _ imap: IMAPService,
        admit: @escaping @Sendable (AccountID) -> Bool
    ) async {
        Metrics.sessionBegan()
        defer { Metrics.sessionEnded() }
        await withDiscardingTaskGroup { group in
            group.addTask { await session.closeWhenUnused() }
            var imapSession = IMAPSession(connection: session.connect(peer), service: imap, admit: admit)
            do {
                try await imapSession.run()
            } catch {
                Logger.current.debug("Bridged connection ended with an error", metadata: ["error": "\(error)"])
            }
            session.end()
            await session.untilDone()
            group.cancelAll()
        }
    }
}

extension Logger {
    /// Runs `body` with a task-local logger that names the connection.
    fileprivate static func withConnection(
        _ name: String,
        _ body: nonisolated(nonsending) () async -> Void
    ) async {
        var logger = Logger.current
        logger[metadataKey: "connection"] = "\(name)"
        await withLogger(logger) { _ in await body() }
    }
}
