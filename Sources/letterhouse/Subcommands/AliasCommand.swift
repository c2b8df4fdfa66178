// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailStorage
import SQLiteStorage

/// `letterhouse alias`: addresses that stand for others.
struct AliasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias",
        abstract: "Let addresses stand for others.",
        subcommands: [Add.self, List.self, Remove.self]
    )

    struct Add: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver mail for an address to others.",
            discussion: """
                The targets are accounts, other aliases, or addresses elsewhere, to which the mail is sent on. Accounts \
                may also write with the address. '*@example.org' gets what is for nobody else at the domain, and nobody \
                may write with it.
                """
        )

        @Argument(help: "The address, such as info@example.org.") var alias: String
        @Argument(help: "The addresses that get its mail.") var targets: [String]
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let alias = try AddressArgument.checked(self.alias)
            let targets = try self.targets.map(AddressArgument.checked)
            try await AddressArgument.adding { try await store.addAlias(alias, targets: targets) }
            try console.report(
                "Mail for \(alias) goes to \(targets.joined(separator: ", ")) now.",
                AliasRow(alias: alias, targets: targets)
            )
        }
    }

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show the aliases.")

        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try console.list(
                try await store.aliases().map { AliasRow(alias: $0.address, targets: $0.targets) },
                none: "No aliases. Add one: letterhouse alias add info@example.org you@example.org"
            )
        }
    }

    struct Remove: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Remove an alias.")

        @Argument(help: "The address.") var alias: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try await store.removeAlias(self.alias)
            try console.report("\(self.alias) is removed.", AliasRow(alias: self.alias, targets: []))
        }
    }
}

private struct AliasRow: ConsoleRow {
    static let header = ["ALIAS", "TARGETS"]
    var alias: String
    var targets: [String]
    var cells: [String] { [self.alias, self.targets.joined(separator: ", ")] }
}
