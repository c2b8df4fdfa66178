// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Which bridged connections there are, behind a mutex: requests of all clients look here.
final class BridgeTable: Sendable {
    private struct Closed {
        let digest: [UInt8]
        let until: Duration
    }

    private struct State {
        var sessions: [[UInt8]: BridgedSession] = [:]
        var countByOwner: [[UInt8]: Int] = [:]
        /// IDs of closed connections, oldest first; those before `oldest` are forgotten.
        var closed: [Closed] = []
        var oldest = 0
        var closedDigests: Set<[UInt8]> = []
        var guesses: GuessLimiter
        var isStopping = false
    }

    /// IDs of closed connections that are remembered.
    private static let closedLimit = 10_000

    private let options: HTTPServerOptions
    private let state: Mutex<State>

    init(options: HTTPServerOptions) {
        self.options = options
        let guesses = GuessLimiter(limit: options.guessLimit, penalty: options.guessPenalty)
        self.state = Mutex(State(guesses: guesses))
    }

    var isStopping: Bool { self.state.withLock { $0.isStopping } }

    /// Enters a new connection.
    func insert(_ session: BridgedSession, _ id: ConnectionID) throws(HTTPRefusal) {
        let digest = id.digest
        let refusal: HTTPRefusal? = self.state.withLock { state in
            if state.isStopping { return .shuttingDown }
            if state.sessions.count >= self.options.sessionsLimit { return .busy }
            if state.countByOwner[session.owner, default: 0] >= self.options.sessionsPerAddress {
                return .tooMany(retryAfter: self.options.unusedTimeout)
            }
            state.sessions[digest] = session
            state.countByOwner[session.owner, default: 0] += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Finds a connection for a request from `address`.
    ///
    /// Who guesses learns nothing any more, also not that a guess was right; only what the same address has opened
    /// itself it can still use.
    func session(_ id: ConnectionID, for address: [UInt8], at now: Duration) throws(HTTPRefusal) -> BridgedSession {
        let digest = id.digest
        let found: Result<BridgedSession, HTTPRefusal> = self.state.withLock { state in
            let session = state.sessions[digest]
            if let penalty = state.guesses.penalty(of: address, at: now), session?.owner != address {
                return .failure(.tooMany(retryAfter: penalty))
            }
            if let session { return .success(session) }
            self.forget(&state, at: now)
            if state.closedDigests.contains(digest) { return .failure(.closed) }
            state.guesses.count(address, at: now)
            return .failure(.noSession)
        }
        return try found.get()
    }

    /// Takes a connection out.
    ///
    /// Its ID is known for some time as that of a closed one.
    func remove(_ id: ConnectionID, at now: Duration) {
        let digest = id.digest
        self.state.withLock { state in
            guard let session = state.sessions.removeValue(forKey: digest) else { return }
            let left = state.countByOwner[session.owner, default: 1] - 1
            state.countByOwner[session.owner] = left > 0 ? left : nil
            state.closed.append(Closed(digest: digest, until: now + self.options.closedMemory))
            state.closedDigests.insert(digest)
            self.forget(&state, at: now)
        }
    }

    /// From now on nothing is opened; returns what is open.
    func stop() -> [BridgedSession] {
        self.state.withLock { state in
            state.isStopping = true
            return Array(state.sessions.values)
        }
    }

    var count: Int { self.state.withLock { $0.sessions.count } }

    /// Forgets old IDs of closed connections.
    private func forget(_ state: inout State, at now: Duration) {
        while state.oldest < state.closed.count {
            let oldest = state.closed[state.oldest]
            guard oldest.until <= now || state.closed.count - state.oldest > Self.closedLimit else { break }
            state.closedDigests.remove(oldest.digest)
            state.oldest += 1
        }
        // Moving the rest costs its length, and is paid for by at least as many that are dropped.
        guard state.oldest > state.closed.count / 2 else { return }
        state.closed.removeSubrange(..<state.oldest)
        state.oldest = 0
    }
}
