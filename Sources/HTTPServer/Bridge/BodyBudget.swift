// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many octets of bodies are in memory, of all that there may be, and whose they are.
///
/// No address gets more than its share, so that nobody alone can keep all others from sending.
final class BodyBudget: Sendable {
    private struct State {
        var used = 0
        var shares = Tally<[UInt8]>()
    }

    private let limit: Int
    private let shareLimit: Int
    private let state = Mutex(State())

    /// `limit` octets for all clients, of which one address (see ``IPAddress/countingKey``) gets at most `shareLimit`.
    init(limit: Int, shareLimit: Int) {
        self.limit = limit
        self.shareLimit = shareLimit
    }

    /// Charges octets, unless there are too many.
    func reserve(_ count: Int, for owner: [UInt8]) -> Bool {
        self.state.withLock { state in
            guard state.used + count <= self.limit, state.shares[owner] + count <= self.shareLimit else { return false }
            state.used += count
            state.shares.add(count, to: owner)
            return true
        }
    }

    func release(_ count: Int, of owner: [UInt8]) {
        self.state.withLock { state in
            state.used -= count
            state.shares.subtract(count, from: owner)
        }
    }

    /// Hands `count` octets over to another owner, and charges him with `more`.
    func move(_ count: Int, of owner: [UInt8], to newOwner: [UInt8], adding more: Int) {
        self.state.withLock { state in
            state.used += more
            state.shares.subtract(count, from: owner)
            state.shares.add(count + more, to: newOwner)
        }
    }

    /// Octets charged now.
    var usedCount: Int { self.state.withLock { $0.used } }
}
