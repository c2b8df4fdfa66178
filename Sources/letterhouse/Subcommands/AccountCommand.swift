// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import MailStorage
import SASLMechanisms
import SQLiteStorage

/// `letterhouse account`: the people who have mail here.
struct AccountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account",
        abstract: "Say who has mail here.",
        discussion: "Passwords are asked for on the terminal, or read from standard input: one line.",
        subcommands: [Add.self, List.self, Remove.self, Password.self, QuotaCommand.self]
    )

    struct Add: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add an account, with a password.",
            discussion: "The address is also the name for logging in. Its domain must have been added before."
        )
        static let takesPassword = true

        @Argument(help: "The address, such as ann@example.org.") var address: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let account = try await AddressArgument.adding {
                try await store.addAccount(
                    try AddressArgument.checked(self.address),
                    verifier: try AccountCommand.checked(verifier)
                )
            }
            try console.report(
                "\(account.address) has mail here now, and logs in with that name.",
                AccountRow(address: account.address)
            )
        }
    }

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show the accounts.")

        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try console.list(
                try await store.accounts().map { AccountRow(address: $0.address) },
                none: "No accounts. Add one: letterhouse account add you@example.org"
            )
        }
    }

    struct Remove: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an account with all its mail, at once and for ever."
        )

        @Argument(help: "The address.") var address: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try await store.removeAccount(self.address)
            try console.report("\(self.address) and its mail are removed.", AccountRow(address: self.address))
        }
    }

    struct Password: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Give an account a new password.")
        static let takesPassword = true

        @Argument(help: "The address.") var address: String
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try await store.setVerifier(try AccountCommand.checked(verifier), of: self.address)
            try console.report("\(self.address) has a new password.", AccountRow(address: self.address))
        }
    }

    /// A verifier that a login can be checked against.
    private static func checked(_ verifier: String?) throws -> String {
        guard let verifier, PasswordVerifier(parsing: verifier) != nil else {
            throw OperatorError("expected a password", .data)
        }
        return verifier
    }
}

private struct AccountRow: ConsoleRow {
    static let header = ["ACCOUNT"]
    var address: String
    var cells: [String] { [self.address] }
}

/// Addresses as people type them.
enum AddressArgument {
    private static let symbols = Set("!#$%&'*+-/=?^_`{|}~".utf8)

    /// The address, with the domain in lower case.
    ///
    /// `Dot-string "@" Domain` (RFC 5321 §4.1.2; RFC 6531 §3.3 for other letters): who must quote a local part to be
    /// written to will not be written to.
    static func checked(_ text: String) throws -> String {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count), DomainSyntax.isDomain(parts[1].lowercased()),
            parts[0].split(separator: ".", omittingEmptySubsequences: false).allSatisfy({ atom in
                !atom.isEmpty && String(atom).printable == atom && atom.utf8.allSatisfy(Self.isAtomText)
            })
        else { throw OperatorError("expected an address such as ann@example.org", .data) }
        return "\(parts[0])@\(parts[1].lowercased())"
    }

    private static func isAtomText(_ octet: UInt8) -> Bool {
        switch octet {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x80...: true
        default: Self.symbols.contains(octet)
        }
    }

    /// Runs what adds an address, and says what to do first if its domain, or a target, is not here.
    static func adding<Value: Sendable>(_ body: nonisolated(nonsending) () async throws -> Value) async throws -> Value
    {
        do {
            return try await body()
        } catch StoreError.notFound(let name) {
            let kind = name.contains("@") ? "account" : "domain"
            throw OperatorError("there is no \(kind) \(name) here; first: letterhouse \(kind) add \(name)", .data)
        }
    }
}
