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
        /// Octets that are lent: ``BridgedSession/settle(isDelivered:)`` must follow.
        case octets([UInt8])
        /// Nothing came in time, or a newer request has taken this one's place.
        case nothing
        /// The connection is closed, and everything was fetched.
        case closed
    }

    /// The client will not fetch what the session writes.
    struct ClientGone: Error {}

    /// The counting key of the address that opened the connection.
    let owner: [UInt8]
    let options: HTTPServerOptions
    let time: TimeSource
    let bodies: BodyBudget
    let state: Mutex<State>

    init(owner: [UInt8], options: HTTPServerOptions, bodies: BodyBudget, time: TimeSource) {
        self.owner = owner
        self.options = options
        self.bodies = bodies
        self.time = time
        self.state = Mutex(State(now: time.now()))
    }

    /// Makes the IMAP session's end; once, by the task that runs the session.
    func connect(_ peer: Peer) -> BridgedConnection {
        let (server, client) = PipeConnection<IMAPNote>.make(peer: peer) { octets in try await self.deliver(octets) }
        self.state.withLock { state in
            for piece in state.early { client.send(piece) }
            state.early = []
            if state.isStopping { client.shutDown() }
            if state.isAbandoned { client.close() }
            state.pipe = client
        }
        return BridgedConnection(pipe: server, session: self)
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

    /// When something was sent last, or the connection was opened.
    var lastSend: Duration { self.state.withLock { $0.lastSend } }

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
        let isUTF8: Bool
        let continuation: CheckedContinuation<Received, Never>
    }

    struct State {
        /// The client's end, from ``BridgedSession/connect(_:)`` on.
        var pipe: PipeConnection<IMAPNote>.Client?
        /// What was sent before.
        var early: [[UInt8]] = []
        /// What the client has not fetched.
        var output: [UInt8] = []
        /// What is being written into a response; nil when no response is being written.
        var lent: [UInt8]?
        /// The parked request.
        var waiter: Waiter?
        var lastNumber = 0
        /// The IMAP session, waiting for room in the output.
        var writer: CheckedContinuation<Void, any Error>?
        /// Whoever waits in ``BridgedSession/untilDone()``.
        var watcher: CheckedContinuation<Void, Never>?
        /// The IMAP session has ended.
        var hasEnded = false
        /// The connection was closed: nobody used it, or its place was needed.
        var isAbandoned = false
        /// The process stops.
        var isStopping = false
        /// HTTP requests in progress for this connection.
        var requests = 0
        var lastUse: Duration
        var lastSend: Duration
        /// Octets that the IMAP session has not taken yet.
        var waiting = 0
        var boundary = CommandBoundary()

        init(now: Duration) { (self.lastUse, self.lastSend) = (now, now) }

        /// Nothing will ever come again.
        var isClosed: Bool { self.isAbandoned || self.hasEnded && self.lent == nil && self.output.isEmpty }

        var isDone: Bool { self.isClosed || self.hasEnded && self.lent == nil && self.isStopping }

        /// How many octets are held for the client.
        var heldCount: Int { self.output.count + (self.lent?.count ?? 0) }

        /// Lends what is there; nil if there is nothing that may be sent now.
        ///
        /// While a response is being written, a second one has to wait: should the first one fail, its octets come
        /// before all others.
        mutating func lend(isUTF8: Bool, isLast: Bool) -> [UInt8]? {
            guard self.lent == nil, !self.output.isEmpty else { return nil }
            let cut = isUTF8 && !isLast && !self.hasEnded ? UTF8Boundary.incompleteCount(self.output) : 0
            guard cut < self.output.count else { return nil }
            let octets = cut == 0 ? self.output : Array(self.output.dropLast(cut))
            self.output = cut == 0 ? [] : Array(self.output.suffix(cut))
            self.lent = octets
            return octets
        }

        /// Closes the connection.
        mutating func abandon() -> Wakeups {
            self.isAbandoned = true
            self.output = []
            self.pipe?.close()
            return self.takeWakeups()
        }

        /// Who can go on in the state as it is now.
        mutating func takeWakeups() -> Wakeups {
            var wakeups = Wakeups()
            if let waiter = self.waiter {
                if let octets = self.lend(isUTF8: waiter.isUTF8, isLast: false) {
                    wakeups.answer = (waiter.continuation, .octets(octets))
                } else if self.isClosed {
                    wakeups.answer = (waiter.continuation, .closed)
                }
                if wakeups.answer != nil { self.waiter = nil }
            }
            // The writer looks for itself whether there is room, or nobody to write to.
            wakeups.writer = self.writer.take()
            if self.isDone { wakeups.watcher = self.watcher.take() }
            return wakeups
        }
    }

    /// Continuations to resume when the mutex has been released.
    struct Wakeups: Sendable {
        var answer: (CheckedContinuation<Received, Never>, Received)?
        var writer: CheckedContinuation<Void, any Error>?
        var watcher: CheckedContinuation<Void, Never>?

        func resume() {
            if let (continuation, received) = self.answer { continuation.resume(returning: received) }
            self.writer?.resume()
            self.watcher?.resume()
        }
    }
}
