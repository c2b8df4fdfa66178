// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Cryptography
import Glibc
import MailMessage
import MailStorage
import SASLMechanisms
import SQLiteStorage
import SenderAuthentication

/// `letterhouse dkim`: the keys with which domains sign their mail.
struct DKIMCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dkim",
        abstract: "See to the keys with which domains sign their mail.",
        discussion: """
            A new key signs nothing until it is started, so that its record can be published before. To replace keys: add \
            new ones, publish them, start them, and remove the old ones a week later.
            """,
        subcommands: [Add.self, List.self, Show.self, Start.self, Remove.self]
    )

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case both, rsa, ed25519

        var algorithms: [StoredSigningKey.Algorithm] {
            switch self {
            case .both: [.rsa, .ed25519]
            case .rsa: [.rsa]
            case .ed25519: [.ed25519]
            }
        }
    }

    struct Add: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make keys for a domain, and show what to publish.",
            discussion: "One RSA key of 2048 bits, which all receivers know, and one Ed25519 key."
        )

        @Argument(help: "The domain; it must have been added before.") var domain: String
        @Option(help: ArgumentHelp("Which keys to make.", valueName: "kind")) var algorithm = Kind.both
        @Option(help: "The selector; -rsa or -ed25519 is added to it (default: the date).") var selector: String?
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try DomainArgument.checked(self.domain)
            let now = UnixTime(rawValue: Int64(time(nil)))
            let base = try SelectorArgument.checked(
                self.selector ?? String(now.timestamp.prefix(10).filter(\.isNumber))
            )
            // Some tenths of a second, in which an event loop would do nothing else.
            let work = PasswordWork(width: 1)
            var keys: [StoredSigningKey] = []
            for algorithm in self.algorithm.algorithms {
                let pem = try await work.run {
                    try (algorithm == .rsa ? SigningKey.generateRSA() : SigningKey.generateEd25519()).pem()
                }
                keys.append(
                    StoredSigningKey(
                        domain: domain,
                        selector: "\(base)-\(algorithm.rawValue)",
                        algorithm: algorithm,
                        pem: pem,
                        addedAt: now
                    )
                )
            }
            try await AddressArgument.adding { [keys] in try await store.addSigningKeys(keys) }
            let rows = try keys.map(DKIMKeyRow.init)
            try console.write(rows) {
                "Publish in DNS what follows, and start each key when others see it:\n\n"
                    + rows.map { "\($0.zoneLine)\n    letterhouse dkim start \(domain) \($0.selector)" }
                    .joined(separator: "\n\n")
            }
        }
    }

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show the keys there are.")

        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try console.list(
                try await store.signingKeys(of: nil).map(DKIMKeyRow.init),
                none: "No keys: mail is not signed. Add some: letterhouse dkim add example.org"
            )
        }
    }

    struct Show: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show what to publish in DNS for a domain's keys.")

        @Argument(help: "The domain.") var domain: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try DomainArgument.checked(self.domain)
            let rows = try await store.signingKeys(of: domain).map(DKIMKeyRow.init)
            guard !rows.isEmpty else {
                throw OperatorError("\(domain) has no keys; first: letterhouse dkim add \(domain)", .data)
            }
            try console.write(rows) { rows.map(\.zoneLine).joined(separator: "\n") }
        }
    }

    struct Start: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign with a key from now on.",
            discussion: """
                Its record must have been published. The domain's other keys of the same algorithm sign no longer; keep their \
                records for a week, for mail that is still on its way.
                """
        )

        @Argument(help: "The domain.") var domain: String
        @Argument(help: "The key, as `dkim list` shows it.") var selector: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try DomainArgument.checked(self.domain)
            try await store.startSigning(domain: domain, selector: self.selector)
            try console.report(
                "Mail of \(domain) is signed with \(self.selector) now.",
                ["domain": domain, "selector": self.selector]
            )
        }
    }

    struct Remove: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a key for ever.")

        @Argument(help: "The domain.") var domain: String
        @Argument(help: "The key, as `dkim list` shows it.") var selector: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let domain = try DomainArgument.checked(self.domain)
            try await store.removeSigningKey(domain: domain, selector: self.selector)
            try console.report(
                "The key \(self.selector) of \(domain) is removed. Its record in DNS can go too.",
                ["domain": domain, "selector": self.selector]
            )
        }
    }
}

/// A key as its owner may see it: without the private half.
private struct DKIMKeyRow: ConsoleRow {
    static let header = ["DOMAIN", "SELECTOR", "ALGORITHM", "SIGNS", "ADDED"]
    var domain: String
    var selector: String
    var algorithm: String
    var signs: Bool
    var added: String
    /// Where in DNS, and the text of the TXT record there.
    var name: String
    var record: String

    init(_ key: StoredSigningKey) throws {
        self.domain = key.domain
        self.selector = key.selector
        self.algorithm = key.algorithm.rawValue
        self.signs = key.isSigning
        self.added = key.addedAt.timestamp
        self.name = "\(key.selector)._domainkey.\(key.domain)"
        self.record = try SigningKey(pem: key.pem).publicKey.dkimRecord
    }

    var cells: [String] { [self.domain, self.selector, self.algorithm, self.signs ? "yes" : "no", self.added] }

    /// A line for a zone file, with strings of at most 255 octets (RFC 1035 §3.3).
    var zoneLine: String {
        var strings: [Substring] = []
        var rest = self.record[...]
        while !rest.isEmpty {
            strings.append(rest.prefix(250))
            rest = rest.dropFirst(250)
        }
        return "\(self.name). IN TXT (\(strings.map { " \"\($0)\"" }.joined())" + " )"
    }
}

/// Selectors as people type them.
private enum SelectorArgument {
    /// The selector in lower case: labels of a name.
    static func checked(_ text: String) throws -> String {
        let selector = text.lowercased()
        guard selector.utf8.count <= 40, DomainName(selector) != nil else {
            throw OperatorError("expected a selector such as 2026a: letters, digits and hyphens", .data)
        }
        return selector
    }
}
