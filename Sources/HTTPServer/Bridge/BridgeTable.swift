// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Synchronization

/// Which bridged connections there are, behind a mutex: requests of all clients look here.
final class BridgeTable: Sendable {
    private struct Closed {
        let digest: [UInt8]
        let until: Duration
    }

    private struct State {
        var sessions: [[UInt8]: BridgedSession] = [:]
        var sessionsByOwner = Tally<[UInt8]>()
        var counts: ConnectionCounts
        /// IDs of closed connections, oldest first; those before `oldest` are forgotten.
        var closed: [Closed] = []
        var oldest = 0
        var closedLocks: [[UInt8]: SessionLock] = [:]
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
        let counts = ConnectionCounts(accountLimit: options.connectionsPerAccount)
        self.state = Mutex(State(counts: counts, guesses: guesses))
    }

    var isStopping: Bool { self.state.withLock { $0.isStopping } }

    // MARK: IMAP connections

    /// Enters a new connection; false if its ID is another's, or was a short time ago.
    ///
    /// If its address has too many that have not logged in, the one of them that has been silent for the longest time is
    /// closed.
    func insert(_ session: BridgedSession, _ id: ConnectionID, at now: Duration) throws(HTTPRefusal) -> Bool {
        let digest = id.digest
        var evicted: BridgedSession?
        let result: Result<Bool, HTTPRefusal> = self.state.withLock { state in
            if state.isStopping { return .failure(.shuttingDown) }
            guard state.sessions[digest] == nil, state.closedLocks[digest] == nil else { return .success(false) }
            do throws(HTTPRefusal) { evicted = try self.makeRoom(for: session.owner, in: &state, at: now) } catch {
                return .failure(error)
            }
            if state.sessions.count >= self.options.sessionsLimit { return .failure(.busy) }
            if state.sessionsByOwner[session.owner] >= self.options.sessionsPerAddress {
                return .failure(.tooMany(retryAfter: self.options.unusedTimeout))
            }
            state.sessions[digest] = session
            state.sessionsByOwner.add(to: session.owner)
            state.counts.begin(digest, of: session.owner)
            return .success(true)
        }
        evicted?.abandon()
        return try result.get()
    }

    /// Finds a connection for a request of `caller`.
    ///
    /// A connection of somebody else is as good as none. Who guesses learns nothing any more, also not that a guess was
    /// right; only what the same address has opened itself it can still use.
    func session(
        _ id: ConnectionID,
        for caller: SessionLock.Caller,
        at now: Duration
    ) throws(HTTPRefusal) -> BridgedSession {
        let digest = id.digest
        let found: Result<BridgedSession, HTTPRefusal> = self.state.withLock { state in
            let session = state.sessions[digest].flatMap { $0.lock.opens(to: caller) ? $0 : nil }
            if let penalty = state.guesses.penalty(of: caller.address, at: now), session?.owner != caller.address {
                return .failure(.tooMany(retryAfter: penalty))
            }
            if let session { return .success(session) }
            self.forget(&state, at: now)
            if state.closedLocks[digest]?.opens(to: caller) == true { return .failure(.closed) }
            state.guesses.count(caller.address, at: now)
            return .failure(.noSession)
        }
        return try found.get()
    }

    /// Takes a connection out, if it is still there.
    ///
    /// Its ID is known for some time as that of a closed one.
    func remove(_ id: ConnectionID, at now: Duration) {
        let digest = id.digest
        self.state.withLock { state in _ = self.remove(digest, from: &state, at: now) }
    }

    private func remove(_ digest: [UInt8], from state: inout State, at now: Duration) -> BridgedSession? {
        guard let session = state.sessions.removeValue(forKey: digest) else { return nil }
        state.sessionsByOwner.subtract(from: session.owner)
        state.counts.end(digest)
        state.closed.append(Closed(digest: digest, until: now + self.options.closedMemory))
        state.closedLocks[digest] = session.lock
        self.forget(&state, at: now)
        return session
    }

    // MARK: SMTP batches

    /// A batch begins; the same limits as for IMAP hold for connections that have not logged in.
    func beginBatch(_ id: ConnectionID, of owner: [UInt8], at now: Duration) throws(HTTPRefusal) {
        var evicted: BridgedSession?
        let refusal: HTTPRefusal? = self.state.withLock { state in
            if state.isStopping { return .shuttingDown }
            do throws(HTTPRefusal) { evicted = try self.makeRoom(for: owner, in: &state, at: now) } catch {
                return error
            }
            state.counts.begin(id.digest, of: owner)
            return nil
        }
        evicted?.abandon()
        if let refusal { throw refusal }
    }

    func endBatch(_ id: ConnectionID) { self.state.withLock { $0.counts.end(id.digest) } }

    // MARK: Logging in

    /// Whether a connection may log in to an account, in which case it counts as the account's from now on.
    func admit(_ id: ConnectionID, to account: AccountID) -> Bool {
        let digest = id.digest
        return self.state.withLock { $0.counts.logIn(digest, to: account) }
    }

    /// Makes room for one more connection that has not logged in; returns the one to be closed for it.
    private func makeRoom(
        for owner: [UInt8],
        in state: inout State,
        at now: Duration
    ) throws(HTTPRefusal) -> BridgedSession? {
        guard state.counts.unauthenticatedCount(of: owner) >= self.options.unauthenticatedPerAddress else { return nil }
        let counts = state.counts
        let silent = state.sessions.lazy.filter { $0.value.owner == owner && counts.isUnauthenticated($0.key) }
            .min { $0.value.lastSend < $1.value.lastSend }
        // What is left are batches, which do not take long.
        guard let silent else { throw .tooMany(retryAfter: .seconds(1)) }
        return self.remove(silent.key, from: &state, at: now)
    }

    // MARK: The end

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
            state.closedLocks[oldest.digest] = nil
            state.oldest += 1
        }
        // Moving the rest costs its length, and is paid for by at least as many that are dropped.
        guard state.oldest > state.closed.count / 2 else { return }
        state.closed.removeSubrange(..<state.oldest)
        state.oldest = 0
    }
}
