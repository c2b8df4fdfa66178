// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Logging
import MailConnection
import MailMessage
import MailStorage
import SASLMechanisms
import SMTPSyntax
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import MailRelay

/// A store with the account `ann@example.org`, a relay on it, and a world of mail hosts to relay to.
final class Fixture: Sendable {
    /// What there is about TLS.
    struct Policies {
        var observe: @Sendable (TLSObservation) -> Void = { _ in }
        /// The web servers with policies; nil: nobody asks for such.
        var fetch: STSFinder.Fetch?
    }

    private let folder: TemporaryFolder
    let store: SQLiteStore
    let ann: Account
    let clock: TestClock
    let sinks: Sinks
    let names: Names
    let options: RelayService.Options
    let service: RelayService

    init(
        clock: TestClock = TestClock(),
        folder: TemporaryFolder? = nil,
        sinks: Sinks = Sinks(),
        names: Names = Names(),
        policies: Policies = Policies(),
        configure: (inout RelayService.Options) -> Void = { _ in },
        queue: (SQLiteStore) -> any MailQueue = { $0 }
    ) async throws {
        self.clock = clock
        self.sinks = sinks
        self.names = names
        self.folder = try folder ?? TemporaryFolder()
        var storeOptions = StoreOptions()
        storeOptions.now = { UnixTime(clock.timeSource.unixTime()) }
        let store = try SQLiteStore(path: self.folder.file("mail.db"), options: storeOptions)
        self.store = store
        if let account = try await store.accounts().first {
            self.ann = account
        } else {
            try await store.addDomain("example.org")
            self.ann = try await store.addAccount("ann@example.org", verifier: "none")
        }
        var options = RelayService.Options()
        options.hostname = "mx.example.org"
        options.schedule.jitter = 0
        // Time does not pass by itself: connections would wait for ever.
        options.idleTime = .zero
        configure(&options)
        self.options = options
        self.service = RelayService(
            options: options,
            queue: queue(store),
            route: { try await store.route(localPart: $0, domain: $1) },
            resolver: names,
            connector: sinks,
            work: PasswordWork(width: 1),
            time: clock.timeSource,
            random: { count in Array(repeating: 0xAB, count: count) },
            policies: policies.fetch.map { STSFinder(store: store, fetch: $0) },
            observeTLS: policies.observe
        )
    }

    var now: UnixTime { UnixTime(self.clock.timeSource.unixTime()) }

    /// The same store, opened again, with a new relay.
    func reopened() async throws -> Fixture {
        try await self.store.close()
        return try await Fixture(clock: self.clock, folder: self.folder, sinks: self.sinks, names: self.names) {
            $0 = self.options
        }
    }

    static let message = "Return-Path: <ann@example.org>\r\nSubject: Hello\r\n\r\nHi.\r\n"
    static let relayFrom = "Return-Path: <ann@example.org>\r\n".utf8.count

    /// Puts a message from ann into the queue.
    @discardableResult func enqueue(
        _ recipients: [String],
        from: String = "ann@example.org",
        octets: [UInt8] = Array(Fixture.message.utf8),
        relayFrom: Int = Fixture.relayFrom,
        change: (inout Acceptance) -> Void = { _ in }
    ) async throws -> QueueEntryID {
        var stage = self.store.stage(limit: octets.count)
        try await stage.append(octets[...])
        var acceptance = Acceptance(
            message: try await stage.finish(),
            relayFrom: relayFrom,
            reversePath: from,
            remote: try recipients.map {
                let address = try EmailAddress(parsing: $0)
                return RemoteRecipient(localPart: address.localPart, domain: address.domain)
            },
            receivedAt: self.now
        )
        change(&acceptance)
        return try #require(try await self.store.accept(acceptance).entry)
    }

    /// Runs the relay while `body` runs.
    func relaying(logger: Logger = .silent, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { [service = self.service] in
                try? await withLogger(logger) { _ in try await service.run() }
            }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// Lets time pass, from one moment that somebody waits for to the next, until the only message has been attempted.
    ///
    /// For services of which ``patientSchedule`` is the schedule.
    func untilAttempted() async throws {
        while try await self.queue().first?.recipients.contains(where: { $0.attempts == 0 }) == true {
            self.clock.advance(by: try await self.clock.nextDeadline() - self.clock.now)
        }
    }

    /// So long pauses that no second attempt comes while a test lets time pass.
    static let patientSchedule = RetrySchedule(pauses: [], laterPause: 200_000, jitter: 0)

    func queue() async throws -> [QueueEntry] { try await self.store.entries(after: nil, limit: 10_000) }

    /// Waits until no message is due and none is being sent.
    func untilIdle(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("nothing is due", sourceLocation: sourceLocation) {
            try await self.store.due(at: self.now, excluding: [], limit: 1).isEmpty
        }
    }

    func untilEmpty(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await eventually("the queue is empty", sourceLocation: sourceLocation) {
            try await self.queue().isEmpty
        }
    }

    /// The messages in ann's INBOX.
    func inbox() async throws -> [String] {
        let mail = self.store.mailStore(of: self.ann.id)
        let mailbox = try #require(try await mail.mailbox(named: "INBOX", needing: .read))
        let uids = try #require(try await mail.open(mailbox.id).current).uids().map(UID.init(rawValue:))
        var contents: [String] = []
        for message in try await mail.messages(uids, in: mailbox.id, including: MessageParts()) {
            var octets: [UInt8] = []
            while octets.count < message.size {
                octets += try await mail.octets(of: message.blob, in: octets.count..<message.size)
            }
            contents.append(String(decoding: octets, as: UTF8.self))
        }
        return contents
    }
}

/// Waits, in real time, until `condition` is true; the limit is for faults only.
func eventually(
    _ what: Comment,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let start = ContinuousClock.now
    while try await !condition() {
        guard start.duration(to: .now) < .seconds(120) else {
            Issue.record(what, sourceLocation: sourceLocation)
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A name service in memory.
///
/// What it does not know has one address of its own: `name` has the MX `mx.name`.
final class Names: NameResolver {
    struct Answers: Sendable {
        var exchangers: [String: Result<[(preference: Int, name: String)], ResolutionFailure>] = [:]
        var addresses: [String: Result<[String], ResolutionFailure>] = [:]
        /// Domains whose MX records are signed.
        var secure: Set<String> = []
        /// Of hosts, whose addresses are signed then.
        var tlsa: [String: Result<[TLSARecord], ResolutionFailure>] = [:]
        var texts: [String: Result<[String], ResolutionFailure>] = [:]
    }

    private let answers: Mutex<Answers>

    init(_ change: (inout Answers) -> Void = { _ in }) {
        var answers = Answers()
        change(&answers)
        self.answers = Mutex(answers)
    }

    func mailExchangers(of domain: String) async throws(ResolutionFailure) -> [MailExchange] {
        let (answer, isSecure) = self.answers.withLock { ($0.exchangers[domain], $0.secure.contains(domain)) }
        return try (answer ?? .success([(10, "mx.\(domain)")])).get().map {
            MailExchange(preference: $0.preference, name: $0.name, isSecure: isSecure)
        }
    }

    func addresses(of host: String) async throws(ResolutionFailure) -> HostAddresses {
        let (found, isSecure) = self.answers.withLock { ($0.addresses[host], $0.tlsa[host] != nil) }
        return HostAddresses(
            try (found ?? .success([Names.address(of: host)])).get(),
            secureNames: isSecure ? [host] : []
        )
    }

    func tlsaRecords(of host: String, port: Int) async throws(ResolutionFailure) -> [TLSARecord] {
        try (self.answers.withLock { $0.tlsa[host] } ?? .success([])).get()
    }

    func texts(of name: String) async throws(ResolutionFailure) -> [[UInt8]] {
        try (self.answers.withLock { $0.texts[name] } ?? .success([])).get().map { Array($0.utf8) }
    }

    /// Other answers from now on.
    func set(_ change: (inout Answers) -> Void) { self.answers.withLock { change(&$0) } }

    /// A global address made of the name: the same each time.
    static func address(of host: String) -> String {
        let hash = host.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        return "8.\(hash >> 16 & 0xFF).\(hash >> 8 & 0xFF).\(hash & 0xFF)"
    }
}
