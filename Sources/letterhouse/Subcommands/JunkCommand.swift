// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import JunkFilter
import MailMessage
import MailStorage
import SQLiteStorage

/// `letterhouse junk`: what accounts have taught about junk.
struct JunkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "junk",
        abstract: "See to what accounts have taught their junk filters.",
        discussion: """
            A filter is taught by moving mail into and out of Junk. It judges new mail when it has learnt \
            \(Classifier.leastLessons) messages of either kind.
            """,
        subcommands: [List.self, Forget.self],
        defaultSubcommand: List.self
    )

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show what accounts have taught their junk filters.")

        @Argument(help: "Only this account.") var address: String?
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let lessons = try await store.junkLessons(of: self.address)
            try console.list(lessons.map(JunkRow.init), none: "Nobody has taught anything.")
        }
    }

    struct Forget: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let an account's junk filter begin anew.",
            discussion: "Its mail stays where it is; what is in Junk is not learnt again."
        )

        @Argument(help: "The address of the account.") var address: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try await store.forgetJunkLessons(of: self.address)
            try console.report("The junk filter of \(self.address.printable) begins anew.", ["address": self.address])
        }
    }
}

private struct JunkRow: ConsoleRow {
    static let header = ["ACCOUNT", "JUNK", "WANTED", "WAITING", "WORDS", "LAST LEARNT", "JUDGES"]
    var address: String
    var junk: Int
    var wanted: Int
    var waiting: Int
    var words: Int
    var learnt: String?
    var judges: Bool

    init(_ lessons: JunkLessons) {
        self.address = lessons.address
        (self.junk, self.wanted) = (lessons.counts.junk, lessons.counts.wanted)
        (self.waiting, self.words) = (lessons.waiting, lessons.tokens)
        self.learnt = lessons.learntAt?.timestamp
        self.judges = lessons.isReady
    }

    var cells: [String] {
        [
            self.address.printable, "\(self.junk)", "\(self.wanted)", "\(self.waiting)", "\(self.words)",
            self.learnt ?? "-", self.judges ? "yes" : "not yet",
        ]
    }
}
