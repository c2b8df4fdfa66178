// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer
@testable import SQLiteStorage

/// APPEND's messages, however their octets come and wherever they end.
@Suite("APPEND's input", .timeLimit(.minutes(20))) struct AppendInputTests {
    private static let login = "a LOGIN ann@example.org secret\r\n"
    private static let messages = [
        "b APPEND INBOX (\\Seen) {14+}\r\nSubject: one\r\n",
        " \"01-Jan-2026 00:00:00 +0000\" CATENATE (TEXT {14+}\r\nSubject: two\r\n",
        " URL {13+}\r\n/INBOX/;UID=1 TEXT ~{3+}\r\n\r\n.) UTF8 (~{14+}\r\nSubject: tre\r\n) {5+}\r\nX: 4\r\r\n",
    ].joined()

    /// What a session says to these octets, sent in buffers of that size, before the client is gone.
    private func answers(_ text: String, by size: Int, _ fixture: Fixture, isGone: Bool = false) async throws -> String
    {
        let received = Mutex<[UInt8]>([])
        let (server, client) = PipeConnection<IMAPNote>.make(peer: Peer(address: "127.0.0.1", isLoopback: true)) {
            octets in received.withLock { $0 += octets }
        }
        let octets = Array(text.utf8)
        for start in stride(from: 0, to: octets.count, by: size) {
            client.send(Array(octets[start..<min(start + size, octets.count)]))
        }
        if isGone { client.disconnect() } else { client.close() }
        var session = IMAPSession(connection: server, service: fixture.service)
        try await session.run()
        return String(decoding: received.withLock { $0 }, as: UTF8.self)
    }

    @Test("in buffers of any size", arguments: [1, 2, 3, 7, 50, 10_000])
    func splits(_ size: Int) async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await fixture.deliver(1...1)
        let answers = try await self.answers(Self.login + Self.messages, by: size, fixture)
        #expect(answers.contains("b OK [APPENDUID "))
        #expect(answers.contains(" 2:5] APPEND completed\r\n"))
        let mailbox = try #require(try await fixture.mail.mailbox(named: "INBOX"))
        let rows = try await fixture.mail.messages(
            (2...5).map { UID(rawValue: $0) },
            in: mailbox.id,
            including: MessageParts(contentUpTo: 10_000)
        )
        let contents = rows.map { String(decoding: $0.content ?? [], as: UTF8.self) }
        #expect(
            contents == [
                "Subject: one\r\n", "Subject: two\r\n" + Fixture.message(1) + "\r\n.", "Subject: tre\r\n", "X: 4\r",
            ]
        )
        try await fixture.close()
    }

    @Test("wherever the octets end, there are all messages or none")
    func cuts() async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await fixture.deliver(1...1)
        let mailbox = try #require(try await fixture.mail.mailbox(named: "INBOX"))
        let octets = Array(Self.messages.utf8)
        for end in stride(from: 0, to: octets.count, by: 3) {
            let part = String(decoding: octets[..<end], as: UTF8.self)
            _ = try await self.answers(Self.login + part, by: 10_000, fixture, isGone: end.isMultiple(of: 2))
            #expect(try await fixture.mail.status(of: mailbox.id).messages == 1, "cut at \(end)")
        }
        let problems = try await fixture.store.verify { _, _ in }
        #expect(problems.isEmpty)
        try await fixture.close()
    }

    @Test("so many messages and parts as nobody sends are refused, and the session lives")
    func many() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let messages = String(repeating: " {1+}\r\nx", count: 1001)
        let parts = String(repeating: " TEXT {1+}\r\nx", count: 1001)
        let answers = try await self.answers(
            Self.login + "b APPEND INBOX\(messages)\r\nc APPEND INBOX CATENATE (URL x\(parts))\r\n"
                + "d APPEND INBOX CATENATE (\(parts.dropFirst()))\r\ne STATUS INBOX (MESSAGES)\r\n",
            by: 10_000,
            fixture
        )
        #expect(answers.contains("b BAD [CLIENTBUG] Expected at most 1000 messages at octet "))
        #expect(answers.contains("c NO [BADURL x] "))
        #expect(answers.contains("d BAD [CLIENTBUG] Expected at most 1000 parts at octet "))
        #expect(answers.contains("* STATUS INBOX (MESSAGES 0)\r\ne OK STATUS completed\r\n"))
        try await fixture.close()
    }
}
