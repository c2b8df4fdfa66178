// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Synchronization

/// How many requests are running: of each owner of a token or password, about each account.
///
/// An administrator's requests about many accounts have more room than anybody's about one.
final class RequestSlots: Sendable {
    /// So many times as many as about one account.
    private static let accounts = 32

    private struct Counts {
        var pairs = Tally<Pair>()
        var owners = Tally<AccountID>()
    }

    private struct Pair: Hashable {
        let owner: AccountID
        let account: AccountID
    }

    private let limit: Int
    private let counts = Mutex(Counts())

    init(limit: Int) { self.limit = limit }

    /// Counts a request, unless there are too many.
    func begin(_ owner: AccountID, about account: AccountID) -> Bool {
        let pair = Pair(owner: owner, account: account)
        return self.counts.withLock { counts in
            guard counts.pairs[pair] < self.limit, counts.owners[owner] < self.limit * Self.accounts else {
                return false
            }
            counts.pairs.add(to: pair)
            counts.owners.add(to: owner)
            return true
        }
    }

    func end(_ owner: AccountID, about account: AccountID) {
        self.counts.withLock { counts in
            counts.pairs.subtract(from: Pair(owner: owner, account: account))
            counts.owners.subtract(from: owner)
        }
    }
}
