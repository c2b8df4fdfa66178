// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import IMAPServer
import Logging
import MailConnection
import MailMessage
import MailStorage
import NIOCore
import SASLMechanisms
import SMTPServer
import SMTPSyntax
import SQLiteStorage
import SenderAuthentication
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// A store with the account `ann@example.org`, password `secret`, and the bridge on it, asked through its routes.
final class Fixture: Sendable {
    let clock = TestClock()
    let bridge: BridgeService
    let imap: IMAPService
    let smtp: SMTPService
    let ann: Account
    let store: SQLiteStore
    let storage: StorageService
    private let folder: TemporaryFolder
    private let responder: any HTTPResponder<HTTPContext>

    /// Runs `body` beside a running bridge, and stops the bridge at its end; connections get `ids` before random ones.
    static func run(
        configure: (inout HTTPServerOptions) -> Void = { _ in },
        ids: [UInt64] = [],
        _ body: (Fixture) async throws -> Void
    ) async throws {
        var options = HTTPServerOptions()
        options.hosts = ["mail.example.org"]
        configure(&options)
        let fixture = try await Fixture(options: options, ids: ids)
        let bridge = fixture.bridge
        try await withThrowingTaskGroup { group in
            group.addTask { await silently { await bridge.run() } }
            defer { bridge.shutDown() }
            try await body(fixture)
        }
        try await fixture.store.close()
    }

    private init(options: HTTPServerOptions, ids: [UInt64]) async throws {
        let clock = self.clock
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
        let credentials = CredentialSource<Account>(
            unknownUserKey: Array(repeating: 7, count: 32),
            work: PasswordWork(width: 1),
            guesses: GuessCounter(GuessLimits(), now: clock.timeSource.now) { text in
                (try? IPAddress(parsing: text))?.octets
            }
        ) {
            guard let (account, text) = try await store.credential(for: $0) else { return nil }
            return PasswordVerifier(parsing: text).map { StoredCredential(identity: account, verifier: $0) }
        }
        var imapOptions = IMAPService.Options()
        imapOptions.hasTLS = true
        var smtpOptions = SMTPService.Options()
        smtpOptions.hasTLS = true
        let left = Mutex(ids[...])
        self.imap = IMAPService(
            options: imapOptions,
            directory: store,
            credentials: credentials,
            time: clock.timeSource
        )
        self.smtp = SMTPService(
            options: smtpOptions,
            directory: store,
            queue: store,
            credentials: credentials,
            rewriting: SenderRewriting(key: [7]),
            time: clock.timeSource
        )
        self.bridge = BridgeService(
            options: options,
            imap: self.imap,
            smtp: self.smtp,
            credentials: credentials,
            replays: store,
            time: clock.timeSource,
            makeID: { try left.withLock { $0.popFirst() }.map(ConnectionID.init) ?? .random(bits: options.idBits) }
        )
        self.storage = StorageService(directory: store, credentials: credentials, bridge: self.bridge, smtp: self.smtp)
        self.responder = Routes.responder(bridge: self.bridge, storage: self.storage) { "letterhouse_up 1\n" }
    }

    /// How many messages are in Ann's INBOX.
    func inboxCount() async throws -> Int {
        let mail = self.store.mailStore(of: self.ann.id)
        let mailbox = try #require(try await mail.mailbox(named: "INBOX", needing: .read))
        return try #require(try await mail.open(mailbox.id).current).uids().count
    }

    /// Makes a request, and says that its response was written unless told otherwise; with nil, nothing.
    func ask(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: RequestBody = RequestBody(buffer: ByteBuffer()),
        fields: HTTPFields = [:],
        host: String = "localhost",
        from origin: RequestOrigin = .local,
        exchange: Exchange = Exchange(),
        isWritten: Bool? = true
    ) async throws -> Answer {
        let response = try await self.respond(method, path, body, fields: fields, host: host, from: origin, exchange)
        var collected: [UInt8] = []
        let box = Collected()
        try await response.body.write(box)
        collected = await box.octets
        if let isWritten { exchange.completed(isWritten: isWritten) }
        return Answer(status: response.status, fields: response.headers, octets: collected)
    }

    /// Makes a request; its response has not been written yet.
    func respond(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: RequestBody = RequestBody(buffer: ByteBuffer()),
        fields: HTTPFields = [:],
        host: String = "localhost",
        from origin: RequestOrigin = .local,
        _ exchange: Exchange = Exchange()
    ) async throws -> Response {
        let head = HTTPRequest(method: method, scheme: "http", authority: host, path: path, headerFields: fields)
        let source = RequestSource(origin: origin, exchange: exchange, logger: .silent)
        return try await self.responder.respond(
            to: Request(head: head, body: body),
            context: HTTPContext(source: source)
        )
    }

    func post(_ path: String, _ text: String, fields: HTTPFields = [:]) async throws -> Answer {
        try await self.ask(.post, path, RequestBody(buffer: ByteBuffer(string: text)), fields: fields)
    }

    /// Opens a connection; the answer is its path.
    func open(from origin: RequestOrigin = .local) async throws -> String {
        let answer = try await self.ask(.post, "/imap/", from: origin)
        try #require(answer.status == .ok)
        return "/imap/\(answer.text)"
    }

    /// Fetches until `end` is in what came, and returns all of it.
    func fetch(_ path: String, until end: String) async throws -> String {
        var text = ""
        while !text.contains(end) {
            let answer = try await self.ask(.post, path)
            try #require(answer.status == .ok, "\(answer.text) after \(text)")
            text += answer.text
        }
        return text
    }

    /// Opens a connection and logs in.
    func logIn() async throws -> String {
        let path = try await self.open()
        _ = try await self.post(path, "a LOGIN ann@example.org secret\r\n")
        _ = try await self.fetch(path, until: "\r\na OK ")
        return path
    }
}

/// A response.
struct Answer: Sendable {
    let status: HTTPResponse.Status
    let fields: HTTPFields
    let octets: [UInt8]

    var text: String { String(decoding: self.octets, as: UTF8.self) }
    var error: String? { self.fields[.bridgeError] }
}

extension RequestOrigin {
    static let local = Self(address: .ipv4Loopback, isLoopback: true, isTLS: false)

    /// Another machine, over TLS unless said otherwise.
    static func remote(_ address: String, isTLS: Bool = true) -> Self {
        Self(address: try? IPAddress(parsing: address), isLoopback: false, isTLS: isTLS)
    }
}

/// Where a response's body is written to.
private actor Collected {
    private(set) var octets: [UInt8] = []
    func add(_ buffer: ByteBuffer) { self.octets += Array(buffer.readableBytesView) }
}

extension Collected: ResponseBodyWriter {
    nonisolated func write(_ buffer: ByteBuffer) async throws { await self.add(buffer) }
    nonisolated consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// Waits until `condition` holds; a test that waits in vain fails.
func waitUntil(_ condition: () async throws -> Bool) async throws {
    let start = ContinuousClock.now
    while try await !condition() {
        try #require(start.duration(to: .now) < .seconds(50), "nothing happened")
        try await Task.sleep(for: .milliseconds(1))
    }
}
