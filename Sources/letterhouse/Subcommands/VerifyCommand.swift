// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import SQLiteStorage

/// Checks whether the store is as it must be: `letterhouse verify`.
struct VerifyCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check everything that must be true of the store.",
        discussion: """
            Reads every message and changes nothing; the server may go on meanwhile. Ends with 65 if something is wrong.
            """
    )

    @OptionGroup var common: StoreArguments

    private struct Finding: Encodable { var problems: [String] }

    func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
        let progress = console.progress()
        progress(0, 1)
        let problems = try await store.verify(progress: progress)
        try console.write(Finding(problems: problems)) {
            problems.isEmpty ? "The store is as it must be." : problems.map(\.printable).joined(separator: "\n")
        }
        guard problems.isEmpty else {
            let count = problems.count == 1 ? "1 thing is" : "\(problems.count) things are"
            throw OperatorError("\(count) wrong with the store; keep a copy of it before anything else", .data)
        }
    }
}
