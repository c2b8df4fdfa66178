// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import Synchronization

/// The IMAP sessions there are now, for operators to look at.
///
/// Sessions know nothing of each other, and nothing here lets anybody do something to one.
package final class SessionRegistry: Sendable {
    /// One session, as it is at the moment of asking.
    package struct Report: Sendable {
        /// Its number since the process began; none comes twice.
        package var id: Int
        /// The address of the account; nil before login.
        package var account: String?
        package var peer: Peer
        package var since: UnixTime
        /// The name of the selected mailbox when it was selected.
        package var mailbox: String?
    }

    private struct State {
        var lastID = 0
        var sessions: [Int: LiveSession] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// All sessions, in the order in which they began.
    package var reports: [Report] {
        let sessions = self.state.withLock { Array($0.sessions.values) }
        return sessions.map(\.report).sorted { $0.id < $1.id }
    }

    /// One session and its last commands with the times of day at which they began; nil if it has ended.
    package func journal(of id: Int) -> (report: Report, entries: [(began: UnixTime, entry: CommandJournal.Entry)])? {
        guard let session = self.state.withLock({ $0.sessions[id] }) else { return nil }
        return (session.report, session.datedEntries)
    }

    /// A number for a session; ``add(_:)`` it when it begins.
    func makeID() -> Int {
        self.state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
    }

    /// Notes a session that begins.
    func add(_ session: LiveSession) { self.state.withLock { $0.sessions[session.id] = session } }

    /// Forgets a session that has ended.
    func remove(_ session: LiveSession) { self.state.withLock { $0.sessions[session.id] = nil } }
}

/// What a session lets operators see of itself, and its journal.
final class LiveSession: Sendable {
    private struct State {
        var account: String?
        var peer: Peer
        var mailbox: String?
        var journal = CommandJournal()
    }

    let id: Int
    private let time: TimeSource
    private let began: Duration
    private let since: Int64
    private let state: Mutex<State>

    init(id: Int, peer: Peer, time: TimeSource) {
        self.id = id
        self.time = time
        self.began = time.now()
        self.since = time.unixTime()
        self.state = Mutex(State(peer: peer))
    }

    /// Notes what has changed about the session.
    func note(_ view: SessionView) {
        self.state.withLock { state in
            state.account = view.account?.address
            state.peer = view.peer
            state.mailbox = view.selected?.name
        }
    }

    func begin(tag: String, _ command: any IMAPCommand.Type, _ addressing: Addressing) {
        let now = self.time.now()
        self.state.withLock { $0.journal.begin(tag: tag, command, addressing, at: now) }
    }

    func end(tag: String, _ ending: CommandJournal.Ending) {
        let now = self.time.now()
        self.state.withLock { $0.journal.end(tag: tag, ending, at: now) }
    }

    func noteMistake() {
        let now = self.time.now()
        self.state.withLock { $0.journal.noteMistake(at: now) }
    }

    var report: SessionRegistry.Report {
        self.state.withLock { state in
            SessionRegistry.Report(
                id: self.id,
                account: state.account,
                peer: state.peer,
                since: UnixTime(rawValue: self.since),
                mailbox: state.mailbox
            )
        }
    }

    var datedEntries: [(began: UnixTime, entry: CommandJournal.Entry)] {
        self.state.withLock { $0.journal.entries }.map { entry in
            (UnixTime(rawValue: self.since + (entry.began - self.began).components.seconds), entry)
        }
    }
}
