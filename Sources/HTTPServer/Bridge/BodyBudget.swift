// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many octets of bodies are in memory, of all that there may be, and whose they are.
///
/// No address gets more than its share, so that nobody alone can keep all others from sending. An eighth is for small bodies
/// only: however many messages are on their way, commands still get through.
final class BodyBudget: Sendable {
    /// What a small body has at most.
    private static let smallLimit = 64 * 1024

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

    /// Charges octets of a body that has `size` with them, unless there are too many.
    func reserve(_ count: Int, of size: Int, for owner: [UInt8]) -> Bool {
        let reserve = size <= Self.smallLimit ? 0 : self.limit / 8
        return self.state.withLock { state in
            guard state.used + count <= self.limit - reserve, state.shares[owner] + count <= self.shareLimit else {
                return false
            }
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
