// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import MailMessage
import MailStorage
import SASLMechanisms
import SQLiteStorage

/// `letterhouse token`: what programs have instead of passwords.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "See to the tokens with which programs use an account's mail over HTTP.",
        discussion: """
            A token may do what its scopes say: read mail, write (change, add and send) mail, deliver mail to the account, or \
            administer (all of this with every account). The store keeps no token, only what recognises it.
            """,
        subcommands: [Add.self, List.self, Revoke.self]
    )

    struct Add: StoreCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token for an account, and show it this once.",
            discussion: "Whoever has it can do what its scopes say; nobody can show it again."
        )

        @Argument(help: "The account's address.") var account: String
        @Option(
            help: ArgumentHelp("What it may do: read, write, deliver, admin; several with commas.", valueName: "scopes")
        )
        var scope: ScopeList
        @Option(help: "What it is for, so that you know it again.") var name = ""
        @Option(
            help: ArgumentHelp("After how many days it ends (default: never).", valueName: "days")
        )
        var expires: Int?
        @OptionGroup var common: StoreArguments

        func validate() throws {
            if let expires, !(1...36_500).contains(expires) {
                throw ValidationError("Give --expires a number of days from 1 to 36500.")
            }
        }

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            let secret = try TokenSecret()
            let token = try await store.addToken(
                secret.digest,
                of: self.account,
                name: self.name,
                scopes: self.scope.scopes,
                expiresAt: self.expires.map { UnixTime(rawValue: Int64(time(nil)) + Int64($0) * 86_400) }
            )
            let row = NewTokenRow(id: token.id, account: token.account.address, token: secret.text)
            try console.write(row) {
                "\(secret.text)\n\nThis is token \(token.id) of \(row.account.printable). It is not shown again."
            }
        }
    }

    struct List: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "Show the tokens there are.")

        @Argument(help: "An account's address (default: all accounts).") var account: String?
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try console.list(
                try await store.tokens(of: self.account).map(TokenRow.init),
                none: "No tokens. Make one: letterhouse token add you@example.org --scope read"
            )
        }
    }

    struct Revoke: StoreCommand {
        static let configuration = CommandConfiguration(abstract: "End a token at once.")

        @Argument(help: "Its number, as `token list` shows it.") var id: Int64
        @OptionGroup var common: StoreArguments

        func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
            try await store.removeToken(self.id)
            try console.report("Token \(self.id) is good for nothing any more.", ["id": "\(self.id)"])
        }
    }
}

/// Scopes as people type them: `read,write`.
struct ScopeList: ExpressibleByArgument, Equatable, Sendable {
    var scopes: Set<AccessScope>

    init?(argument: String) {
        let words = argument.split(separator: ",", omittingEmptySubsequences: false)
        let scopes = words.compactMap { AccessScope(rawValue: String($0)) }
        guard scopes.count == words.count else { return nil }
        self.scopes = Set(scopes)
    }
}

private struct NewTokenRow: Codable, Sendable {
    var id: Int64
    var account: String
    var token: String
}

private struct TokenRow: ConsoleRow {
    static let header = ["ID", "ACCOUNT", "NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"]
    var id: Int64
    var account: String
    var name: String
    var scopes: [String]
    var created: String
    var expires: String?
    var used: String?

    init(_ token: AccessToken) {
        self.id = token.id
        self.account = token.account.address
        self.name = token.name
        self.scopes = AccessScope.allCases.filter(token.scopes.contains).map(\.rawValue)
        self.created = token.createdAt.timestamp
        self.expires = token.expiresAt?.timestamp
        self.used = token.usedAt?.timestamp
    }

    var cells: [String] {
        [
            "\(self.id)", self.account.printable, self.name.printable, self.scopes.joined(separator: ","), self.created,
            self.expires ?? "never", self.used ?? "never",
        ]
    }
}
