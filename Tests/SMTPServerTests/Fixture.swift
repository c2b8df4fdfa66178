// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SASLMechanisms
import SQLiteStorage
import SenderAuthentication
import TestSupport
import Testing

@testable import SMTPServer

/// A store with the domain `example.org`, its accounts `ann` and `bob` with the password `secret`, the alias `team` of
/// both, the alias `afar` of `carl@example.net`, and the service on it.
final class Fixture: Sendable {
    private let folder: TemporaryFolder
    let store: SQLiteStore
    let ann: Account
    let bob: Account
    let clock: TestClock
    let service: SMTPService

    init(
        clock: TestClock = TestClock(),
        wrongPasswords: Int? = nil,
        senders: SenderPolicy? = nil,
        signs: Bool = false,
        observer: ArrivalObserver? = nil,
        filters: FilterPolicy = FilterPolicy(),
        judges: Bool = false,
        configure: (inout SMTPService.Options) throws -> Void = { _ in },
        willLookUp: @escaping @Sendable () throws -> Void = {},
        work: PasswordWork = PasswordWork(width: 2),
        queue: (SQLiteStore) -> any MailQueue = { $0 }
    ) async throws {
        self.clock = clock
        self.folder = try TemporaryFolder()
        var storeOptions = StoreOptions()
        storeOptions.now = { UnixTime(clock.timeSource.unixTime()) }
        let store = try SQLiteStore(path: self.folder.file("mail.db"), options: storeOptions)
        self.store = store
        try await store.addDomain("example.org")
        let verifier = try PasswordVerifier(
            password: #require(Password("secret")),
            salt: Array(0..<16),
            iterations: 4096
        )
        self.ann = try await store.addAccount("ann@example.org", verifier: verifier.text)
        self.bob = try await store.addAccount("bob@example.org", verifier: verifier.text)
        try await store.addAlias("team@example.org", targets: ["ann@example.org", "bob@example.org"])
        try await store.addAlias("afar@example.org", targets: ["carl@example.net"])
        var options = SMTPService.Options()
        options.hostname = "mx.example.org"
        options.hasTLS = true
        // Tests are in a hurry, and most are about offences.
        options.sessionsPerMinute = 1_000_000
        options.offenceLimit = 1_000_000
        try configure(&options)
        self.service = SMTPService(
            options: options,
            directory: store,
            queue: queue(store),
            credentials: CredentialSource(
                unknownUserKey: Array(repeating: 7, count: 32),
                work: work,
                guesses: wrongPasswords.map { GuessCounter(perHour: $0, clock) }
            ) {
                try willLookUp()
                guard let (account, text) = try await store.credential(for: $0) else { return nil }
                return PasswordVerifier(parsing: text).map { StoredCredential(identity: account, verifier: $0) }
            },
            rewriting: SenderRewriting(key: [7]),
            time: clock.timeSource,
            senders: senders,
            signing: signs ? SigningPolicy(keys: store, lifetime: 86_400) : nil,
            observer: observer,
            filters: judges ? FilterPolicy(isExempt: filters.isExempt, junk: store) : filters,
            random: { count in Array(repeating: 0xAB, count: count) }
        )
    }

    func close() async throws { try await self.store.close() }

    /// The messages in an account's INBOX, or another mailbox, in the order of arrival.
    func inbox(of account: Account, mailbox name: String = "INBOX") async throws -> [[UInt8]] {
        let mail = self.store.mailStore(of: account.id)
        let mailbox = try #require(try await mail.mailbox(named: name, needing: .read))
        let uids = try #require(try await mail.open(mailbox.id).current).uids().map(UID.init(rawValue:))
        var contents: [[UInt8]] = []
        for message in try await mail.messages(uids, in: mailbox.id, including: MessageParts()) {
            contents.append(
                try await self.octets(message.blob, from: 0, to: message.size) { try await mail.octets(of: $0, in: $1) }
            )
        }
        return contents
    }

    /// What waits in the queue.
    func queue() async throws -> [QueueEntry] { try await self.store.entries(after: nil, limit: 100) }

    /// The octets that an entry's next hop would get.
    func octets(of entry: QueueEntry) async throws -> [UInt8] {
        try await self.octets(entry.blob, from: entry.relayFrom, to: entry.size) {
            [queue = self.store as any MailQueue] in
            try await queue.octets(of: $0, in: $1)
        }
    }

    private func octets(
        _ blob: BlobID,
        from start: Int,
        to end: Int,
        read: (BlobID, Range<Int>) async throws -> [UInt8]
    ) async throws -> [UInt8] {
        var octets: [UInt8] = []
        while start + octets.count < end { octets += try await read(blob, start + octets.count..<end) }
        return octets
    }

    /// How many messages were accepted so far, wherever they went.
    func acceptedCount() async throws -> Int {
        try await self.inbox(of: self.ann).count + self.inbox(of: self.bob).count + self.queue().count
    }

    /// Connects a client, which hangs up at the end of `body`, and waits until its session has ended.
    ///
    /// The greeting has been read when `body` begins.
    func connect(
        _ role: SMTPRole = .exchange,
        peer: Peer = Peer(address: "192.0.2.7"),
        _ body: (Client) async throws -> Void
    ) async throws {
        let received = ReceivedOctets()
        let service = self.service
        try await withThrowingTaskGroup { group in
            let (server, pipe) = PipeConnection<SMTPNote>.make(
                peer: peer,
                security: Transcript.security,
                deliver: { received.append($0) }
            )
            group.addTask {
                defer { received.close() }
                var session = SMTPSession(connection: server, service: service, role: role)
                try await silently { try await session.run() }
            }
            let client = Client(pipe: pipe, received: received)
            defer { pipe.close() }
            #expect(try await client.reply().hasPrefix("220 "))
            try await body(client)
            pipe.close()
            try await group.waitForAll()
        }
    }

    /// A client's end of a session.
    struct Client: Sendable {
        let pipe: PipeConnection<SMTPNote>.Client
        let received: ReceivedOctets

        func send(_ text: String) { self.pipe.send(Array(text.utf8)) }

        /// The next reply's last line; empty at the end of the connection.
        func reply() async throws -> String {
            while let line = try await self.received.line() {
                let text = String(decoding: line, as: UTF8.self)
                if text.utf8.count < 4 || text.utf8.dropFirst(3).first != UInt8(ascii: "-") { return text }
            }
            return ""
        }

        /// Sends a line and returns the reply to it.
        @discardableResult func ask(_ line: String) async throws -> String {
            self.send(line + "\r\n")
            return try await self.reply()
        }

        /// Logs in with `PLAIN`.
        func logIn(_ name: String) async throws {
            try await self.ask("EHLO client.example.com")
            let response = SASLEncoding.encode(Array("\0\(name)\0secret".utf8))
            #expect(try await self.ask("AUTH PLAIN \(String(decoding: response, as: UTF8.self))").hasPrefix("235 "))
        }

        /// Opens a transaction with these recipients.
        func begin(from: String = "eve@example.net", to: String...) async throws {
            #expect(try await self.ask("MAIL FROM:<\(from)>").hasPrefix("250 "))
            for recipient in to { #expect(try await self.ask("RCPT TO:<\(recipient)>").hasPrefix("250 ")) }
        }
    }
}

extension Peer {
    static let secure = Peer(address: "192.0.2.7", security: Transcript.security)
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
