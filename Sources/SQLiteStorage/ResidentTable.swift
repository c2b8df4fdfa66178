// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Synchronization

/// Which mailboxes are in memory: those that somebody holds, and the last few that were opened.
///
/// Only the writer's thread adds, changes and removes; so a mailbox cannot become resident during a commit that it
/// would then miss.
final class ResidentTable: Sendable {
    /// All kept mailboxes together have at most this many messages; the one opened last stays in any case.
    private static let keptMessages = 1_000_000

    private struct Entry {
        weak var mailbox: ResidentIndex?
    }

    private struct State {
        var entries: [MailboxID: Entry] = [:]
        /// Opened last, last.
        var kept: [ResidentIndex] = []
    }

    let names = KnownNames()
    private let limit: Int
    private let state = Mutex(State())

    init(keeping limit: Int) { self.limit = limit }

    /// For the writer: the mailbox if it is resident.
    func find(_ id: MailboxID) -> ResidentIndex? { self.state.withLock { $0.entries[id]?.mailbox } }

    /// For sessions: the mailbox if it is resident.
    func open(_ id: MailboxID) -> ResidentIndex? {
        self.state.withLock { state in
            guard let mailbox = state.entries[id]?.mailbox else { return nil }
            self.keep(mailbox, &state)
            return mailbox
        }
    }

    func add(_ mailbox: ResidentIndex) {
        self.state.withLock { state in
            state.entries = state.entries.filter { $0.value.mailbox != nil }
            state.entries[mailbox.id] = Entry(mailbox: mailbox)
            self.keep(mailbox, &state)
        }
    }

    func remove(_ id: MailboxID) {
        self.state.withLock { state in
            state.entries[id] = nil
            state.kept.removeAll { $0.id == id }
        }
    }

    private func keep(_ mailbox: ResidentIndex, _ state: inout State) {
        if state.kept.last === mailbox { return }
        state.kept.removeAll { $0 === mailbox }
        state.kept.append(mailbox)
        var messages = state.kept.reduce(0) { $0 + ($1.current?.count ?? 0) }
        while state.kept.count > max(self.limit, 1) || (messages > Self.keptMessages && state.kept.count > 1) {
            messages -= state.kept.removeFirst().current?.count ?? 0
        }
    }
}
