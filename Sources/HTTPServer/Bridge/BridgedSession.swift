// SPDX-License-Identifier: Apache-2.0

import IMAPServer
import MailConnection
import Synchronization

/// One bridged IMAP connection: the meeting place of its IMAP session, which runs in one task, and of HTTP requests,
/// which come and go in others.
///
/// That is why it is behind a mutex. Nothing waits while holding it; continuations are resumed after it was released.
final class BridgedSession: Sendable {
    /// What a request for data gets.
    enum Received: Sendable, Equatable {
        /// Octets that are lent: ``BridgedSession/settle(_:isDelivered:)`` must follow.
        case octets(OutputWindow.Loan)
        /// Nothing came in time.
        case nothing
        /// A newer request has taken this one's place.
        case superseded
        /// What begins where its client wants to go on is not kept, or was never sent.
        case notKept
        /// The connection is closed, and everything was fetched.
        case closed
    }

    /// The client will not fetch what the session writes.
    struct ClientGone: Error {}

    /// The counting key of the address that opened the connection.
    let owner: [UInt8]
    /// Who may use it, of those who know its ID.
    let lock: SessionLock
    /// Whether what the session says is a sequence of whole responses, which are not to be cut.
    let hasUnits: Bool
    let options: HTTPServerOptions
    let time: TimeSource
    let bodies: BodyBudget
    let state: Mutex<State>

    init(
        owner: [UInt8],
        lock: SessionLock = SessionLock(),
        hasUnits: Bool = true,
        options: HTTPServerOptions,
        bodies: BodyBudget,
        time: TimeSource
    ) {
        self.owner = owner
        self.lock = lock
        self.hasUnits = hasUnits
        self.options = options
        self.bodies = bodies
        self.time = time
        self.state = Mutex(State(now: time.now()))
    }

    /// Makes the IMAP session's end; once, by the task that runs the session.
    func connect(_ peer: Peer) -> CountedConnection<IMAPNote> {
        CountedConnection(self.makePipe(peer)) { count in self.taken(count) }
    }

    /// Makes the pipe; once.
    func makePipe(_ peer: Peer) -> PipeConnection<IMAPNote> {
        let (server, client) = PipeConnection<IMAPNote>.make(peer: peer) { octets in try await self.deliver(octets) }
        self.state.withLock { state in
            for piece in state.early { client.send(piece) }
            state.early = []
            if state.isStopping { client.shutDown() }
            if state.isAbandoned { client.close() }
            state.pipe = client
        }
        return server
    }

    // MARK: Use

    /// An HTTP request for this connection has begun.
    func beginRequest() { self.state.withLock { $0.requests += 1 } }

    /// It has ended: from now on the connection is unused, if there is no other.
    func endRequest() {
        let now = self.time.now()
        self.state.withLock { state in
            state.requests -= 1
            state.lastUse = now
        }
    }

    /// Closes the connection as soon as nobody has used it for so long, and returns then.
    func closeWhenUnused() async {
        while let deadline = self.closeIfUnused() {
            do { try await self.time.sleep(deadline) } catch { return }
        }
    }

    /// Closes the connection if it is unused; else says when to look again.
    private func closeIfUnused() -> Duration? {
        let now = self.time.now()
        var wakeups = Wakeups()
        let deadline: Duration? = self.state.withLock { state in
            guard !state.isDone else { return nil }
            let deadline = (state.requests > 0 ? now : state.lastUse) + self.options.unusedTimeout
            guard deadline <= now else { return deadline }
            wakeups = state.abandon()
            return nil
        }
        wakeups.resume()
        return deadline
    }

    /// Closes the connection: its place is needed.
    func abandon() { self.state.withLock { $0.abandon() }.resume() }

    /// Closes the connection because its client says so.
    ///
    /// What it has sent is still done; a request that waits gets what is left, and what is said from now on is for nobody.
    /// Nor is what was said last by a session that has ended.
    ///
    /// - Throws: ``HTTPRefusal/closed`` if it was closed before.
    func close() throws(HTTPRefusal) {
        let wakeups: Wakeups? = self.state.withLock { state in
            guard !state.isAbandoned else { return nil }
            var wakeups = Wakeups()
            if let waiter = state.waiter, let loan = state.output.lend(waiter.rules, isLast: true) {
                wakeups.answer = (waiter.continuation, .octets(loan))
                state.waiter = nil
            }
            state.isLeft = true
            wakeups.add(state.abandon())
            return wakeups
        }
        guard let wakeups else { throw .closed }
        wakeups.resume()
    }

    /// Whether the process stops.
    var isStopping: Bool { self.state.withLock { $0.isStopping } }

    /// When something was sent last, or the connection was opened.
    var lastSend: Duration { self.state.withLock { $0.lastSend } }

    // MARK: WebSockets

    /// The connection is used through a WebSocket from now on, until another, or a request for data, takes its place: then
    /// `onTakeover` is called.
    func attachSocket(onTakeover: @escaping @Sendable () -> Void) -> Int {
        let (number, older) = self.state.withLock { state in
            state.lastNumber += 1
            let older = state.socket
            state.socket = (state.lastNumber, onTakeover)
            return (state.lastNumber, older)
        }
        older?.onTakeover()
        return number
    }

    /// That WebSocket is gone.
    func detachSocket(_ number: Int) {
        self.state.withLock { if $0.socket?.number == number { $0.socket = nil } }
    }

    /// Ends the WebSocket that there may be: a request for data comes in its place.
    func takeOverSocket() {
        self.state.withLock { $0.socket.take() }?.onTakeover()
    }

    // MARK: The end

    /// The IMAP session has ended; what it said last can still be fetched.
    func end() {
        let (wakeups, left) = self.state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = 0 }
            return (state.takeWakeups(), state.waiting)
        }
        self.bodies.release(left, of: self.owner)
        wakeups.resume()
    }

    /// The process stops: the session says farewell, and does not wait for anybody to fetch it.
    func shutDown() {
        let wakeups = self.state.withLock { state in
            state.isStopping = true
            state.pipe?.shutDown()
            return state.takeWakeups()
        }
        wakeups.resume()
    }

    /// Returns when the connection was closed, or the task is cancelled; for one task.
    func untilAbandoned() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    if state.isAbandoned || Task.isCancelled { return true }
                    state.leaver = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.leaver.take() }?.resume()
        }
    }

    /// Returns when the IMAP session has ended and everything was fetched, or nobody will.
    func untilDone() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = self.state.withLock { state in
                    if state.isDone || Task.isCancelled { return true }
                    state.watcher = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.watcher.take() }?.resume()
        }
    }
}

extension BridgedSession {
    /// A parked request.
    struct Waiter {
        let number: Int
        let rules: OutputWindow.Rules
        /// Whether it waits as long as the server lets it.
        let isPatient: Bool
        /// Its client has all octets before this one.
        let acknowledged: UInt64?
        /// Its WebSocket, if that is how it asks.
        let socket: Int?
        let continuation: CheckedContinuation<Received, Never>
    }

    /// A body that waits for others before it.
    struct EarlyBody: Sendable {
        let body: Body
        let isRaw: Bool
        /// When it stops waiting.
        let deadline: Duration
        let continuation: CheckedContinuation<Result<Void, HTTPRefusal>, Never>
    }

    struct State {
        /// The client's end, from ``BridgedSession/connect(_:)`` on.
        var pipe: PipeConnection<IMAPNote>.Client?
        /// What was sent before.
        var early: [[UInt8]] = []
        /// What the client has not fetched, or not acknowledged.
        var output = OutputWindow()
        /// When the session has said something last.
        var lastOutput: Duration
        /// The parked request.
        var waiter: Waiter?
        var lastNumber = 0
        /// The IMAP session, waiting for room in the output.
        var writer: CheckedContinuation<Void, any Error>?
        /// Whoever waits in ``BridgedSession/untilDone()``.
        var watcher: CheckedContinuation<Void, Never>?
        /// Whoever waits in ``BridgedSession/untilAbandoned()``.
        var leaver: CheckedContinuation<Void, Never>?
        /// The IMAP session has ended.
        var hasEnded = false
        /// The connection was closed: by its client, because nobody used it, or because its place was needed.
        var isAbandoned = false
        /// It was closed by its client, who wants what it has sent to be done.
        var isLeft = false
        /// The process stops.
        var isStopping = false
        /// HTTP requests in progress for this connection.
        var requests = 0
        var lastUse: Duration
        var lastSend: Duration
        /// Octets that the IMAP session has not taken yet.
        var waiting = 0
        var lines = IMAPLines()
        var sequence = SequenceWindow<EarlyBody>()
        /// Whoever reads a WebSocket, waiting for room for what has come.
        var sender: CheckedContinuation<Void, Never>?
        /// Tells the WebSocket that the connection is used through that its place is taken.
        var socket: (number: Int, onTakeover: @Sendable () -> Void)?

        init(now: Duration) { (self.lastUse, self.lastSend, self.lastOutput) = (now, now, now) }

        /// Nothing will ever come again.
        var isClosed: Bool { self.isAbandoned || self.hasEnded && self.output.isExhausted }

        var isDone: Bool {
            guard self.hasEnded else { return self.isAbandoned }
            return self.isAbandoned || self.output.isEmpty || self.isStopping && !self.output.isLent
        }

        /// Lends what is there; nil if there is nothing that may be sent now.
        ///
        /// While the session waits for room, it cannot complete what is not complete.
        mutating func lend(_ rules: OutputWindow.Rules, isLast: Bool = false) -> OutputWindow.Loan? {
            var rules = rules
            if self.writer != nil { rules.unitLimit = 0 }
            return self.output.lend(rules, isLast: isLast || self.hasEnded)
        }

        /// Closes the connection.
        mutating func abandon() -> Wakeups {
            self.isAbandoned = true
            self.output.removeAll()
            self.pipe?.close()
            return self.takeWakeups()
        }

        /// Who can go on in the state as it is now.
        mutating func takeWakeups() -> Wakeups {
            var wakeups = Wakeups()
            if let waiter = self.waiter {
                if let loan = self.lend(waiter.rules) {
                    wakeups.answer = (waiter.continuation, .octets(loan))
                } else if self.isClosed {
                    wakeups.answer = (waiter.continuation, .closed)
                }
                if wakeups.answer != nil { self.waiter = nil }
            }
            // The writer looks for itself whether there is room, or nobody to write to.
            wakeups.writer = self.writer.take()
            if self.isDone { wakeups.watcher = self.watcher.take() }
            if self.isAbandoned { wakeups.leaver = self.leaver.take() }
            if self.hasEnded || self.isAbandoned {
                wakeups.senders = self.sequence.removeAll().map { ($0.continuation, .failure(.closed)) }
                wakeups.sender = self.sender.take()
            }
            return wakeups
        }
    }

    /// Continuations to resume when the mutex has been released.
    struct Wakeups: Sendable {
        var answer: (CheckedContinuation<Received, Never>, Received)?
        var writer: CheckedContinuation<Void, any Error>?
        var watcher: CheckedContinuation<Void, Never>?
        var leaver: CheckedContinuation<Void, Never>?
        var sender: CheckedContinuation<Void, Never>?
        var senders: [(CheckedContinuation<Result<Void, HTTPRefusal>, Never>, Result<Void, HTTPRefusal>)] = []

        func resume() {
            if let (continuation, received) = self.answer { continuation.resume(returning: received) }
            self.writer?.resume()
            self.watcher?.resume()
            self.leaver?.resume()
            self.sender?.resume()
            for (continuation, result) in self.senders { continuation.resume(returning: result) }
        }

        /// Adds others, of the same state.
        mutating func add(_ other: Wakeups) {
            if let answer = other.answer { self.answer = answer }
            if let writer = other.writer { self.writer = writer }
            if let watcher = other.watcher { self.watcher = watcher }
            if let leaver = other.leaver { self.leaver = leaver }
            if let sender = other.sender { self.sender = sender }
            self.senders += other.senders
        }
    }
}
