// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailStorage
import SQLiteStorage

/// `letterhouse domain`: the domains whose mail is delivered here.
struct DomainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "domain",
        abstract: "Say whose mail is delivered here.",
        subcommands: [Add.self, List.self, Tags.self, Remove.self]
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
                try await DomainRow.all(in: store),
                none: "No domains. Add one: letterhouse domain add example.org"
            )
        }
    }

    struct Tags: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say whether ann+anything at a domain is ann.",
            discussion: "It is, unless switched off: then such addresses must be aliases, or nobody has them."
        )

        @Argument(help: "The domain.") var domain: String
        @Argument(help: "On or off, in lower case.") var tags: Switch
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try DomainArgument.checked(self.domain)
            try await store.setUsesTags(self.tags == .on, domain: domain)
            try console.report(
                self.tags == .on
                    ? "Addresses at \(domain) may have +tags now." : "Addresses at \(domain) have no +tags now.",
                DomainRow(domain: domain, tags: self.tags == .on)
            )
        }
    }

    /// A word that people type for yes or no.
    enum Switch: String, ExpressibleByArgument {
        case on, off
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
    static let header = ["DOMAIN", "TAGS"]
    var domain: String
    /// Whether addresses may have `+tags`; nil of a domain that is gone.
    var tags: Bool?
    var cells: [String] { [self.domain, self.tags == false ? "off" : "on"] }

    static func all(in store: SQLiteStore) async throws -> [DomainRow] {
        var rows: [DomainRow] = []
        for domain in try await store.domains() {
            rows.append(DomainRow(domain: domain, tags: try await store.usesTags(domain: domain)))
        }
        return rows
    }
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
