// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization

/// From the IMAP session to the client.
extension BridgedSession {
    /// What a request for data asks for.
    struct Demand: Sendable {
        var rules = OutputWindow.Rules()
        /// How long to wait, at most; nil: as long as the server waits.
        var wait: Duration?
        /// The client has all octets before this one.
        var acknowledged: UInt64?
        /// The WebSocket that asks: once another has taken its place, it gets nothing more.
        var socket: Int?
    }

    /// Takes what the IMAP session writes; waits while the client fetches too little.
    ///
    /// - Throws: ``ClientGone``.
    func deliver(_ octets: [UInt8]) async throws {
        while true {
            let now = self.time.now()
            let wakeups: Wakeups? = try self.state.withLock { state in
                guard !state.isLeft else { return Wakeups() }
                guard !state.isAbandoned else { throw ClientGone() }
                guard self.hasRoom(for: octets.count, in: state) else { return nil }
                state.output.append(octets)
                state.lastOutput = now
                return state.takeWakeups()
            }
            if let wakeups { return wakeups.resume() }
            try await self.waitForRoom(for: octets.count)
        }
    }

    /// What a session may say last, at the end of the process, beyond what waits already.
    private static var farewellLimit: Int { 64 * 1024 }

    private func hasRoom(for count: Int, in state: State) -> Bool {
        let waitingCount = state.output.waitingCount
        let limit = self.options.outputLimit + (state.isStopping ? Self.farewellLimit : 0)
        return waitingCount == 0 || waitingCount + count <= limit
    }

    /// Returns when something has changed; there is one writer only.
    private func waitForRoom(for count: Int) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let (isReady, wakeups) = self.state.withLock { state in
                    if state.isAbandoned || Task.isCancelled || self.hasRoom(for: count, in: state) {
                        return (true, Wakeups())
                    }
                    state.writer = continuation
                    // What was held back because it is not complete would now be waited for in vain.
                    guard let waiter = state.waiter, let loan = state.lend(waiter.rules) else {
                        return (false, Wakeups())
                    }
                    state.waiter = nil
                    return (false, Wakeups(answer: (waiter.continuation, .octets(loan))))
                }
                wakeups.resume()
                if isReady { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.writer.take() }?.resume()
        }
        try Task.checkCancellation()
    }

    /// Whether a client may say that it has everything before `place`: not if what begins there is not kept, or was never
    /// sent.
    func keeps(_ place: UInt64) -> Bool {
        self.state.withLock { state in state.isAbandoned || state.output.first...state.output.next ~= place }
    }

    /// Waits for something to fetch, at most for the poll timeout.
    ///
    /// A newer call ends an older one with nothing: the client has forgotten it. So does `exchange`, when the client
    /// hangs up; nothing is sent to a client that is not there.
    ///
    /// - Throws: ``HTTPRefusal/ackWindow``.
    func receive(_ demand: Demand, exchange: Exchange) async throws(HTTPRefusal) -> Received {
        let now = self.time.now()
        let deadline = now + min(demand.wait ?? self.options.pollTimeout, self.options.pollTimeout)
        let number = self.state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        let isPatient = demand.wait.map { $0 >= self.options.pollTimeout } ?? true
        let received: Received = await withTaskGroup(of: Void.self) { group in
            group.addTask { [time = self.time] in
                do { try await time.sleep(deadline) } catch { return }
                self.endWait(number, isTimeout: true)
            }
            let received = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let waiter = Waiter(
                        number: number,
                        rules: demand.rules,
                        isPatient: isPatient,
                        acknowledged: demand.acknowledged,
                        socket: demand.socket,
                        continuation: continuation
                    )
                    self.wait(waiter, until: deadline, isLeft: exchange.isDisconnected)
                    exchange.onDisconnect { self.endWait(number, isTimeout: false) }
                }
            } onCancel: {
                self.endWait(number, isTimeout: false)
            }
            group.cancelAll()
            return received
        }
        if received == .notKept { throw .ackWindow }
        return received
    }

    /// Parks a request, or answers it at once; with nothing if its client has left, or its time has passed already.
    ///
    /// What it acknowledges and that it waits is one change: in between, nothing is lent to anybody else. One whose place
    /// was taken says nothing about what the newer one has.
    private func wait(_ waiter: Waiter, until deadline: Duration, isLeft: Bool) {
        let now = self.time.now()
        let (older, wakeups): (Waiter?, Wakeups) = self.state.withLock { state -> (Waiter?, Wakeups) in
            let older = state.waiter
            // A newer one came here first.
            if waiter.number < state.lastNumber, older?.number ?? 0 > waiter.number {
                return (nil, Wakeups(answer: (waiter.continuation, .superseded)))
            }
            if let socket = waiter.socket, state.socket?.number != socket {
                return (nil, Wakeups(answer: (waiter.continuation, .superseded)))
            }
            if let place = waiter.acknowledged, !state.isAbandoned, !state.output.acknowledge(place) {
                return (nil, Wakeups(answer: (waiter.continuation, .notKept)))
            }
            state.waiter = nil
            if isLeft {
                var wakeups = state.takeWakeups()
                wakeups.answer = (waiter.continuation, .nothing)
                return (older, wakeups)
            }
            state.waiter = waiter
            var wakeups = state.takeWakeups()
            if wakeups.answer == nil, Task.isCancelled || deadline <= now {
                state.waiter = nil
                wakeups.answer = (waiter.continuation, self.lastChance(of: waiter, in: &state, at: now))
            }
            return (older, wakeups)
        }
        older?.continuation.resume(returning: .superseded)
        wakeups.resume()
    }

    /// Ends the wait of that number, if it has not ended; at a timeout also with half a character.
    private func endWait(_ number: Int, isTimeout: Bool) {
        let now = self.time.now()
        let answer: (CheckedContinuation<Received, Never>, Received)? = self.state.withLock { state in
            guard let waiter = state.waiter, waiter.number == number else { return nil }
            state.waiter = nil
            return (waiter.continuation, isTimeout ? self.lastChance(of: waiter, in: &state, at: now) : .nothing)
        }
        if let (continuation, received) = answer { continuation.resume(returning: received) }
    }

    /// What a request gets whose time is over: also what is not complete, if it has had its time.
    private func lastChance(of waiter: Waiter, in state: inout State, at now: Duration) -> Received {
        guard waiter.isPatient || state.lastOutput + self.options.pollTimeout <= now else { return .nothing }
        return state.lend(waiter.rules, isLast: true).map { .octets($0) } ?? .nothing
    }

    /// Says whether a response with lent octets was written completely; if not, they come first in the next one.
    func settle(_ loan: OutputWindow.Loan, isDelivered: Bool) {
        let wakeups = self.state.withLock { state in
            if !state.isAbandoned { state.output.settle(loan.number, isDelivered: isDelivered) }
            return state.takeWakeups()
        }
        wakeups.resume()
    }
}
