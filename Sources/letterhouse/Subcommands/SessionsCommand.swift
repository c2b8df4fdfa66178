// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import IMAPServer

/// `letterhouse sessions`: who is connected with IMAP.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions",
        abstract: "See who is connected with IMAP, and what clients have asked for.",
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )

    struct List: ServerCommand {
        static let configuration = CommandConfiguration(abstract: "Show the sessions there are now.")

        @OptionGroup var common: StoreArguments

        func run(in server: RunningServer, console: Console) async throws {
            try console.list(server.sessions.reports.map(SessionRow.init), none: "Nobody is connected.")
        }
    }

    struct Show: ServerCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one session and its last commands, without their arguments."
        )

        @Argument(help: "Its number, as `sessions list` shows it.") var id: Int
        @OptionGroup var common: StoreArguments

        func run(in server: RunningServer, console: Console) async throws {
            guard let (report, entries) = server.sessions.journal(of: self.id) else {
                throw OperatorError("there is no session \(self.id) (any more); see: letterhouse sessions list", .data)
            }
            let journal = SessionJournal(session: SessionRow(report), commands: entries.map(JournalRow.init))
            try console.write(journal) { journal.text }
        }
    }
}
