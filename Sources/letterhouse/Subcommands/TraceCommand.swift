// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailStorage
import SQLiteStorage

/// `letterhouse trace`: what has become of a message.
struct TraceCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Tell the story of a message, from its arrival to where it went.",
        discussion: """
            A message is named by its id, which is in its Received field and in the reply to whoever brought it; by its \
            number in the queue, also when it has left that; or by its Message-ID. For an address, the latest messages \
            from it and for it are listed.
            """
    )

    @Argument(help: "An id, a number in the queue, a Message-ID, or an address.") var message: String
    @Option(help: "At most so many messages, the latest ones.") var limit = 20
    @OptionGroup var common: StoreArguments

    func validate() throws {
        guard (1...10_000).contains(self.limit) else { throw ValidationError("--limit is a number from 1 to 10000.") }
    }

    func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
        let name = self.message.split(whereSeparator: \.isWhitespace).joined()
        let stories = try await store.stories(of: name, limit: self.limit)
        guard stories.isEmpty else {
            return try console.write(stories.map(StoryRecord.init)) {
                stories.map(StoryRecord.text).joined(separator: "\n\n")
            }
        }
        let others = name.contains("@") ? try await store.stories(with: name, limit: self.limit) : []
        guard !others.isEmpty else {
            throw OperatorError(
                "nothing is known of \(name.printable): give an id, a queue number, a Message-ID or an address of a message "
                    + "that was accepted within the time that trace.keep says; what was refused is in the log only",
                .data
            )
        }
        try console.list(others.map(StoryRow.init), none: "")
    }
}
