// SPDX-License-Identifier: Apache-2.0

import IMAPServer
import MailConnection
import MailMessage

/// An IMAP session, as a line of `sessions list` and an object for programs.
struct SessionRow: ConsoleRow {
    static let header = ["ID", "ACCOUNT", "PEER", "SINCE", "MAILBOX"]

    var id: Int
    var account: String?
    var peer: String
    var since: String
    var mailbox: String?

    init(_ report: SessionRegistry.Report) {
        self.id = report.id
        self.account = report.account
        self.peer = report.peer.address
        self.since = report.since.timestamp
        self.mailbox = report.mailbox
    }

    var cells: [String] { ["\(self.id)", self.account ?? "-", self.peer, self.since, self.mailbox ?? "-"] }
}

/// A command that a session has received, as a line of `sessions show` and an object for programs.
struct JournalRow: ConsoleRow {
    static let header = ["TAG", "COMMAND", "BEGAN", "TOOK", "RESULT"]

    var tag: String?
    var command: String?
    var began: String
    var milliseconds: Int?
    var result: CommandJournal.Ending?

    init(began: UnixTime, entry: CommandJournal.Entry) {
        self.tag = entry.tag.isEmpty ? nil : entry.tag
        self.command = entry.command
        self.began = began.timestamp
        self.milliseconds = entry.took.map { Int($0 / .milliseconds(1)) }
        self.result = entry.ending
    }

    var cells: [String] {
        [
            self.tag ?? "-", self.command ?? "(not a command)", self.began,
            self.milliseconds.map { "\($0) ms" } ?? "-", self.result?.rawValue ?? "running",
        ]
    }
}

/// A session with its last commands, oldest first.
struct SessionJournal: Encodable {
    var session: SessionRow
    var commands: [JournalRow]

    var text: String {
        let session = TextTable(header: SessionRow.header, rows: [self.session.cells]).text
        return session + "\n\n" + TextTable(header: JournalRow.header, rows: self.commands.map(\.cells)).text
    }
}
