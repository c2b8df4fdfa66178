// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Synchronization

/// How many requests each account has running.
final class RequestSlots: Sendable {
    private let limit: Int
    private let counts = Mutex(Tally<AccountID>())

    init(limit: Int) { self.limit = limit }

    /// Counts a request, unless there are too many.
    func begin(_ account: AccountID) -> Bool {
        self.counts.withLock { counts in
            guard counts[account] < self.limit else { return false }
            counts.add(1, to: account)
            return true
        }
    }

    func end(_ account: AccountID) { self.counts.withLock { $0.subtract(1, from: account) } }
}
