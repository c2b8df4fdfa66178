// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What was read from the store, and what of it has gone on to the client.
final class OctetBalance: Sendable {
    private struct State { var (read, taken, most) = (0, 0, 0) }
    private let state = Mutex(State())

    func read(_ count: Int) {
        self.state.withLock { state in
            state.read += count
            state.most = max(state.most, state.read - state.taken)
        }
    }

    func taken(_ count: Int) { self.state.withLock { $0.taken += count } }

    /// The most octets that had been read and not taken.
    var most: Int { self.state.withLock { $0.most } }
    var allRead: Int { self.state.withLock { $0.read } }
}
