// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SASLMechanisms
import SQLiteStorage
import TestSupport
import Testing

@testable import IMAPServer

/// A store with the account `ann@example.org`, password `secret`, and the service on it.
final class Fixture: Sendable {
    private let folder: TemporaryFolder
    let store: SQLiteStore
    let account: Account
    let service: IMAPService

    /// `wrongPasswords`: how many an address may try within an hour; nil: nobody counts.
    init(
        clock: TestClock,
        wrongPasswords: Int? = nil,
        configure: (inout IMAPService.Options) -> Void = { _ in },
        configureStore: (inout StoreOptions) -> Void = { _ in }
    ) async throws {
        self.folder = try TemporaryFolder()
        var storeOptions = StoreOptions()
        storeOptions.now = { UnixTime(rawValue: clock.timeSource.unixTime()) }
        configureStore(&storeOptions)
        self.store = try SQLiteStore(path: self.folder.file("mail.db"), options: storeOptions)
        try await self.store.addDomain("example.org")
        let verifier = try PasswordVerifier(
            password: #require(Password("secret")),
            salt: Array(0..<16),
            iterations: 4096
        )
        self.account = try await self.store.addAccount("ann@example.org", verifier: verifier.text)
        _ = try await self.store.addAccount("bob@example.org", verifier: verifier.text)
        var options = IMAPService.Options()
        options.hostname = "mail.example.org"
        options.hasTLS = true
        configure(&options)
        let store = self.store
        self.service = IMAPService(
            options: options,
            directory: store,
            credentials: CredentialSource(
                unknownUserKey: Array(repeating: 7, count: 32),
                work: PasswordWork(width: 2),
                guesses: wrongPasswords.map { GuessCounter(perHour: $0, clock) }
            ) {
                guard let (account, text) = try await store.credential(for: $0) else { return nil }
                return PasswordVerifier(parsing: text).map { StoredCredential(identity: account, verifier: $0) }
            },
            time: clock.timeSource
        )
    }

    func close() async throws { try await self.store.close() }

    /// Ann's mail.
    var mail: any MailStore { self.store.mailStore(of: self.account.id) }

    /// Does what a `Given:` line of a transcript says.
    func prepare(_ given: (key: String, value: String)) async throws {
        let words = given.value.split(separator: " ").map(String.init)
        switch given.key {
        case "message":
            let count = try #require(Int(words[0]))
            try await self.deliver(1...count, to: words[2])
        case "mailbox":
            _ = try await self.mail.createMailbox(named: given.value, specialUse: nil)
        case "quota":
            // Octets and messages; `-` is no limit.
            try await self.store.setLimits(
                QuotaLimits(messages: Int64(words[1]), octets: Int64(words[0])),
                of: self.account.address
            )
        case "rights":
            // An access list's entry: mailbox, identifier, rights.
            let mailbox = try #require(try await self.mail.mailbox(named: words[0]))
            let rights = try #require(Rights(text: words[2]))
            try await self.mail.setAccess(RightsChange(.replace, rights), for: words[1], to: mailbox.id)
        default: break
        }
    }

    /// Appends the messages of those numbers.
    func deliver(_ numbers: ClosedRange<Int>, to name: String = "INBOX") async throws {
        for number in numbers { try await self.append(Array(Self.message(number).utf8), to: name) }
    }

    func append(_ octets: [UInt8], to name: String = "INBOX", flags: FlagSet = FlagSet()) async throws {
        let mailbox = try #require(try await self.mail.mailbox(named: name))
        var stage = self.mail.stage(limit: octets.count)
        try await stage.append(octets[...])
        _ = try await self.mail.append(
            [
                NewMessage(
                    try await stage.finish(),
                    flags: flags,
                    internalDate: MessageDate(time: UnixTime(rawValue: 1_767_225_600), zoneOffsetMinutes: 0)
                )
            ],
            to: mailbox.id
        )
    }

    /// A short message that names its number.
    static func message(_ number: Int) -> String {
        """
        From: Sender \(number) <sender\(number)@example.com>\r
        To: Ann <ann@example.org>\r
        Subject: Message \(number)\r
        Date: Thu, 1 Jan 2026 00:00:0\(number % 10) +0000\r
        Message-ID: <\(number)@example.com>\r
        \r
        This is message \(number).\r

        """
    }
}

extension MailStore {
    /// The mailbox that may be read.
    func mailbox(named name: String) async throws -> Mailbox? { try await self.mailbox(named: name, needing: .read) }
}

extension GuessCounter {
    /// Counts the guesses of IPv4 addresses.
    convenience init(perHour: Int, _ clock: TestClock) {
        var options = GuessLimits.Options()
        options.perHour = perHour
        self.init(GuessLimits(options), now: clock.timeSource.now) { text in
            text.split(separator: ".").compactMap { UInt8($0) }
        }
    }
}
