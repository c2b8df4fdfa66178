// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailStorage
import SQLiteStorage

/// `letterhouse domain`: the domains whose mail is delivered here.
struct DomainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "domain",
        abstract: "Say whose mail is delivered here.",
        subcommands: [Add.self, List.self, Remove.self]
    )

    struct Add: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Deliver mail for a domain here.")
        static let makesStore = true

        @Argument(help: "The domain, such as example.org.") var domain: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try DomainArgument.checked(self.domain)
            try await store.addDomain(domain)
            try console.report(
                "Mail for \(domain) is delivered here now. Next: letterhouse account add you@\(domain)",
                DomainRow(domain: domain)
            )
        }
    }

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show the domains.")

        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try console.list(
                try await store.domains().map(DomainRow.init),
                none: "No domains. Add one: letterhouse domain add example.org"
            )
        }
    }

    struct Remove: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "No longer deliver mail for a domain here.",
            discussion: "Its accounts and aliases must have been removed before."
        )

        @Argument(help: "The domain.") var domain: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try DomainArgument.checked(self.domain)
            try await store.removeDomain(domain)
            try console.report("Mail for \(domain) is no longer delivered here.", DomainRow(domain: domain))
        }
    }
}

private struct DomainRow: ConsoleRow {
    static let header = ["DOMAIN"]
    var domain: String
    var cells: [String] { [self.domain] }
}

/// Domains as people type them.
enum DomainArgument {
    /// The domain in lower case.
    static func checked(_ text: String) throws -> String {
        let domain = text.lowercased()
        guard DomainSyntax.isDomain(domain) else {
            throw OperatorError("expected a domain such as example.org, in ASCII (xn--… for other letters)", .data)
        }
        return domain
    }
}
