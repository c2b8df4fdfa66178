// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailStorage
import SQLiteStorage

/// `letterhouse alias`: addresses that stand for accounts.
struct AliasCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias",
        abstract: "Give accounts more addresses.",
        subcommands: [Add.self, List.self, Remove.self]
    )

    struct Add: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver mail for an address to accounts.",
            discussion: "These accounts may also write with the address."
        )

        @Argument(help: "The address, such as info@example.org.") var alias: String
        @Argument(help: "The accounts that get its mail.") var accounts: [String]
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let alias = try AddressArgument.checked(self.alias)
            let accounts = try self.accounts.map(AddressArgument.checked)
            try await AddressArgument.adding { try await store.addAlias(alias, targets: accounts) }
            try console.report(
                "Mail for \(alias) goes to \(accounts.joined(separator: ", ")) now.",
                AliasRow(alias: alias, accounts: accounts)
            )
        }
    }

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show the aliases.")

        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try console.list(
                try await store.aliases().map { AliasRow(alias: $0.address, accounts: $0.targets) },
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
            try console.report("\(self.alias) is removed.", AliasRow(alias: self.alias, accounts: []))
        }
    }
}

private struct AliasRow: ConsoleRow {
    static let header = ["ALIAS", "ACCOUNTS"]
    var alias: String
    var accounts: [String]
    var cells: [String] { [self.alias, self.accounts.joined(separator: ", ")] }
}
