// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What a client has received and not yet read, for tests that wait for it.
package final class ReceivedOctets: Sendable {
    private struct State {
        var octets: [UInt8] = []
        var start = 0
        var isClosed = false
        /// How often something happened here, so that nobody waits for what has happened already.
        var changes = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
    }

    /// How long, in real time, a read waits before the test fails; passing tests never wait so long.
    package static let safetyLimit: Duration = .seconds(120)

    private let state = Mutex(State())

    package init() {}

    /// Adds what the server wrote; this is a pipe's `deliver`.
    package func append(_ octets: [UInt8]) {
        self.change { state in state.octets += octets }
    }

    /// Says that nothing more will come.
    package func close() {
        self.change { state in state.isClosed = true }
    }

    /// The next line without its line end; nil at the end of the connection.
    ///
    /// Throws ``TimedOut``.
    package func line() async throws -> [UInt8]? {
        try await self.read { state in
            guard let end = state.octets[state.start...].firstIndex(of: UInt8(ascii: "\n")) else {
                guard state.isClosed else { return .incomplete }
                return state.start == state.octets.count ? .end : .taken(state.octets.count)
            }
            return .taken(end + 1)
        }.map { octets in
            var line = octets
            if line.last == UInt8(ascii: "\n") { line.removeLast() }
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            return line
        }
    }

    /// The next `count` octets, or fewer at the end of the connection.
    ///
    /// Throws ``TimedOut``.
    package func octets(_ count: Int) async throws -> [UInt8] {
        if count == 0 { return [] }
        return try await self.read { state in
            if state.octets.count - state.start >= count { return .taken(state.start + count) }
            guard state.isClosed else { return .incomplete }
            return state.start == state.octets.count ? .end : .taken(state.octets.count)
        } ?? []
    }

    /// Everything from here to the end of the connection.
    ///
    /// Throws ``TimedOut``.
    package func all() async throws -> [UInt8] {
        try await self.read { state in state.isClosed ? .taken(state.octets.count) : .incomplete } ?? []
    }

    /// What is there and has not been read.
    package var unread: [UInt8] { self.state.withLock { state in Array(state.octets[state.start...]) } }

    /// Nothing came for ``safetyLimit``.
    package struct TimedOut: Error, CustomStringConvertible {
        package let unread: [UInt8]
        package var description: String {
            "nothing came for \(ReceivedOctets.safetyLimit); unread so far: \"\(LinePattern.text(self.unread))\""
        }
    }

    // MARK: Waiting

    private enum Attempt {
        /// Up to this index.
        case taken(Int)
        case end
        case incomplete
    }

    private func read(_ attempt: (State) -> Attempt) async throws -> [UInt8]? {
        let start = ContinuousClock.now
        while true {
            let outcome: (octets: [UInt8]?, isDone: Bool, changes: Int) = self.state.withLock { state in
                switch attempt(state) {
                case .taken(let end):
                    let octets = Array(state.octets[state.start..<end])
                    state.start = end
                    if state.start == state.octets.count {
                        state.octets = []
                        state.start = 0
                    }
                    return (octets, true, state.changes)
                case .end: return (nil, true, state.changes)
                case .incomplete: return (nil, false, state.changes)
                }
            }
            if outcome.isDone { return outcome.octets }
            let left = Self.safetyLimit - start.duration(to: .now)
            guard left > .zero else { throw TimedOut(unread: self.unread) }
            try await self.waitForChange(after: outcome.changes, atMost: left)
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiters = self.state.withLock { state in
            body(&state)
            state.changes += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    private func waitForChange(after changes: Int, atMost limit: Duration) async throws {
        await withTaskGroup { group in
            group.addTask { await self.nextChange(after: changes) }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    private func nextChange(after changes: Int) async {
        let number = self.state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = self.state.withLock { state in
                    if state.changes != changes || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            let waiter = self.state.withLock { state in state.waiters.removeValue(forKey: number) }
            waiter?.resume()
        }
    }
}
