// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization

/// From the IMAP session to the client.
extension BridgedSession {
    /// Takes what the IMAP session writes; waits while the client fetches too little.
    ///
    /// - Throws: ``ClientGone``.
    func deliver(_ octets: [UInt8]) async throws {
        while true {
            let wakeups: Wakeups? = try self.state.withLock { state in
                guard !state.isAbandoned else { throw ClientGone() }
                guard self.hasRoom(for: octets.count, in: state) else { return nil }
                state.output += octets
                return state.takeWakeups()
            }
            if let wakeups { return wakeups.resume() }
            try await self.waitForRoom(for: octets.count)
        }
    }

    private func hasRoom(for count: Int, in state: State) -> Bool {
        state.isStopping || state.heldCount == 0 || state.heldCount + count <= self.options.outputLimit
    }

    /// Returns when something has changed; there is one writer only.
    private func waitForRoom(for count: Int) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isReady = self.state.withLock { state in
                    if state.isAbandoned || Task.isCancelled || self.hasRoom(for: count, in: state) { return true }
                    state.writer = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.writer.take() }?.resume()
        }
        try Task.checkCancellation()
    }

    /// Waits for something to fetch, at most for the poll timeout.
    ///
    /// A newer call ends an older one with nothing: the client has forgotten it. So does `exchange`, when the client
    /// hangs up; nothing is sent to a client that is not there.
    func receive(isUTF8: Bool, exchange: Exchange) async -> Received {
        let deadline = self.time.now() + self.options.pollTimeout
        let number = self.state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        return await withTaskGroup(of: Void.self) { group in
            group.addTask { [time = self.time] in
                do { try await time.sleep(deadline) } catch { return }
                self.endWait(number, isTimeout: true)
            }
            let received = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let waiter = Waiter(number: number, isUTF8: isUTF8, continuation: continuation)
                    self.wait(waiter, until: deadline, isLeft: exchange.isDisconnected)
                    exchange.onDisconnect { self.endWait(number, isTimeout: false) }
                }
            } onCancel: {
                self.endWait(number, isTimeout: false)
            }
            group.cancelAll()
            return received
        }
    }

    /// Parks a request, or answers it at once; with nothing if its client has left, or its time has passed already.
    private func wait(_ waiter: Waiter, until deadline: Duration, isLeft: Bool) {
        let (older, wakeups) = self.state.withLock { state in
            let older = state.waiter
            state.waiter = nil
            if isLeft { return (older, Wakeups(answer: (waiter.continuation, .nothing))) }
            state.waiter = waiter
            var wakeups = state.takeWakeups()
            if wakeups.answer == nil, Task.isCancelled || deadline <= self.time.now() {
                state.waiter = nil
                wakeups.answer = (waiter.continuation, .nothing)
            }
            return (older, wakeups)
        }
        older?.continuation.resume(returning: .nothing)
        wakeups.resume()
    }

    /// Ends the wait of that number, if it has not ended; at a timeout also with half a character.
    private func endWait(_ number: Int, isTimeout: Bool) {
        let answer: (CheckedContinuation<Received, Never>, Received)? = self.state.withLock { state in
            guard let waiter = state.waiter, waiter.number == number else { return nil }
            state.waiter = nil
            let octets = isTimeout ? state.lend(isUTF8: waiter.isUTF8, isLast: true) : nil
            return (waiter.continuation, octets.map { .octets($0) } ?? .nothing)
        }
        if let (continuation, received) = answer { continuation.resume(returning: received) }
    }

    /// Says whether a response with the lent octets was written completely; if not, they come first in the next one.
    func settle(isDelivered: Bool) {
        let wakeups = self.state.withLock { state in
            guard let lent = state.lent.take() else { return Wakeups() }
            if !isDelivered, !state.isAbandoned { state.output = lent + state.output }
            return state.takeWakeups()
        }
        wakeups.resume()
    }
}
