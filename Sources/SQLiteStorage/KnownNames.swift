// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Synchronization

/// What accounts call mailboxes of their own, as the file said lately, so that most commands need not ask it.
///
/// Everything is forgotten when anybody's names, subscriptions, uses or rights change: that is rare, and nothing can be
/// overlooked. Only the writer's thread forgets, right after the commit and before anybody is answered.
final class KnownNames: Sendable {
    /// With one more, all are forgotten.
    private static let limit = 4096

    /// Octets: names that only look the same are names of two mailboxes.
    private struct Key: Hashable {
        let account: AccountID
        let name: [UInt8]

        init(_ account: AccountID, _ name: String) {
            self.account = account
            self.name = Array(name.utf8)
        }
    }

    private struct State {
        /// How often everything was forgotten.
        var generation = 0
        var mailboxes: [Key: Mailbox] = [:]
    }

    private let state = Mutex(State())

    /// The account's own mailbox of that name with its rights, if it is known; and what ``note(_:of:since:)`` wants to hear.
    func find(_ name: MailboxName, of account: AccountID) -> (mailbox: Mailbox?, generation: Int) {
        self.state.withLock { ($0.mailboxes[Key(account, name.text)], $0.generation) }
    }

    /// Takes what the file said to somebody who began to ask it at `generation`; of no use if that has passed.
    func note(_ mailbox: Mailbox, of account: AccountID, since generation: Int) {
        self.state.withLock { state in
            guard state.generation == generation else { return }
            if state.mailboxes.count >= Self.limit { state.mailboxes = [:] }
            state.mailboxes[Key(account, mailbox.name)] = mailbox
        }
    }

    func forgetAll() {
        self.state.withLock { state in
            state.generation += 1
            state.mailboxes = [:]
        }
    }
}
