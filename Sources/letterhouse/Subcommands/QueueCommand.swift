// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import MailMessage
import MailStorage
import SQLiteStorage

/// `letterhouse queue`: mail that waits for other servers.
struct QueueCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue",
        abstract: "See to mail that waits for other servers.",
        subcommands: [List.self, Show.self, Retry.self, Hold.self, Remove.self]
    )

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show what waits, oldest first.")

        @Option(help: "At most so many.") var limit = 1000
        @Option(help: ArgumentHelp("Only those behind this one.", valueName: "id")) var after: Int64?
        @OptionGroup var common: StoreArguments

        func validate() throws {
            guard (1...100_000).contains(self.limit) else {
                throw ValidationError("--limit is a number from 1 to 100000.")
            }
        }

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let entries = try await store.entries(
                after: self.after.map(QueueEntryID.init(rawValue:)),
                limit: self.limit
            )
            try console.list(entries.map(QueueRow.init), none: "Nothing waits.")
        }
    }

    struct Show: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show one message that waits, and why.")

        @Argument(help: "Its number, as `queue list` shows it.") var id: Int64
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            guard let entry = try await store.entry(QueueEntryID(rawValue: self.id)) else {
                throw OperatorError(unknown: self.id)
            }
            try console.write(QueueRow(entry)) { QueueEntryText(entry).text }
        }
    }

    struct Retry: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try at once, also what is on hold.",
            discussion: "Without a number: everything that waits, but for what its sender wants to go out later."
        )

        @Argument(help: "Its number.") var id: Int64?
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let entry = self.id.map(QueueEntryID.init(rawValue:))
            let count = try await OperatorError.namingEntry(self.id) {
                try await store.retry(entry, at: UnixTime(rawValue: Int64(time(nil))))
            }
            try console.report(count == 1 ? "1 message is due now." : "\(count) messages are due now.", ["due": count])
        }
    }

    struct Hold: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Do not try any more until `queue retry`.")

        @Argument(help: "Its number.") var id: Int64
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try await OperatorError.namingEntry(self.id) { try await store.hold(QueueEntryID(rawValue: self.id)) }
            try console.report(
                "\(self.id) is on hold. To go on: letterhouse queue retry \(self.id)",
                ["held": self.id]
            )
        }
    }

    struct Remove: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give a message up for those who have not got it; nobody is told."
        )

        @Argument(help: "Its number.") var id: Int64
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try await OperatorError.namingEntry(self.id) { try await store.remove(QueueEntryID(rawValue: self.id)) }
            try console.report("\(self.id) is removed.", ["removed": self.id])
        }
    }
}

extension OperatorError {
    fileprivate init(unknown id: Int64) {
        self.init("\(id) does not wait (any more); see: letterhouse queue list", .data)
    }

    fileprivate static func namingEntry<Value: Sendable>(
        _ id: Int64?,
        _ body: nonisolated(nonsending) () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch StoreError.notFound(let name) {
            throw id.map(OperatorError.init(unknown:)) ?? StoreError.notFound(name)
        }
    }
}
