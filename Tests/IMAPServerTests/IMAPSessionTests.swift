// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer
@testable import SQLiteStorage

/// What transcripts cannot say: how a session ends that has lost its client, or half of it.
@Suite("Sessions", .timeLimit(.minutes(20))) final class IMAPSessionTests: Sendable {
    /// Commands are answered in the order received.
    private let fixture: Fixture
    private let received = Mutex<[UInt8]>([])

    init() async throws { self.fixture = try await Fixture(clock: TestClock()) { $0.concurrency = 1 } }

    /// What a session says to a client that has sent `octets` and closed its half before the session even begins.
    ///
    /// So the end is known before the first command has run, and every answer comes by a note behind it.
    private func answers(to octets: [UInt8]) async throws -> String {
        self.received.withLock { $0 = [] }
        let (server, client) = self.pipe()
        client.send(octets)
        client.close()
        client.close()
        var session = IMAPSession(connection: server, service: self.fixture.service)
        try await silently { try await session.run() }
        return String(decoding: self.received.withLock { $0 }, as: UTF8.self)
    }

    private func answers(to text: String) async throws -> String { try await self.answers(to: Array(text.utf8)) }

    private func pipe() -> (server: PipeConnection<IMAPNote>, client: PipeConnection<IMAPNote>.Client) {
        PipeConnection.make(
            peer: Peer(address: "127.0.0.1", isLoopback: true),
            security: Transcript.security,
            deliver: { octets in self.received.withLock { $0 += octets } }
        )
    }

    /// The tags of all tagged responses, in order.
    private func tags(_ answers: String) -> [String] {
        answers.split(separator: "\r\n").filter { $0.contains(" OK ") && !$0.hasPrefix("* ") }
            .map { String($0.prefix { $0 != " " }) }
    }

    private static let login = "a LOGIN ann@example.org secret\r\n"

    @Test("RFC 9051 §5.5: a client that closes its half gets all its answers")
    func pipelinedAndClosed() async throws {
        try await self.fixture.deliver(1...1)
        let answers = try await self.answers(to: Self.login + "b SELECT INBOX\r\nc FETCH 1 BODY[]\r\nd LOGOUT\r\n")
        #expect(self.tags(answers) == ["a", "b", "c", "d"])
        #expect(answers.contains(Fixture.message(1)))
        #expect(answers.hasSuffix("* BYE Logging out\r\nd OK LOGOUT completed\r\n"))
        try await self.fixture.close()
    }

    @Test("Wherever the octets end, the complete commands are answered, and the session ends without a word more")
    func everyCut() async throws {
        try await self.fixture.deliver(1...2)
        let text =
            Self.login
            + "b SELECT INBOX\r\nc FETCH 1:2 BODY.PEEK[]\r\nd SEARCH TEXT {3+}\r\nAnn\r\ne IDLE\r\nDONE\r\n"
        // The first session takes \Recent.
        _ = try await self.answers(to: text)
        let whole = try await self.answers(to: text)
        #expect(self.tags(whole) == ["a", "b", "c", "d", "e"])
        let octets = Array(text.utf8)
        for cut in 0..<octets.count {
            let answers = try await self.answers(to: Array(octets[..<cut]))
            #expect(whole.hasPrefix(answers), "cut at \(cut)")
            let complete = String(decoding: octets[..<cut], as: UTF8.self)
            // What stands at the end of each command, and nowhere else.
            let ends = ["secret\r\n", "INBOX\r\n", "PEEK[]\r\n", "Ann\r\n", "DONE\r\n"]
            #expect(self.tags(answers).count == ends.count { complete.contains($0) }, "cut at \(cut)")
        }
        try await self.fixture.close()
    }

    @Test("More output than one piece goes on behind the end, piece by piece")
    func manyPieces() async throws {
        let message = [UInt8](repeating: UInt8(ascii: "x"), count: 5 * CommandOutput.pieceSize)
        try await self.fixture.append(Array("Subject: large\r\n\r\n".utf8) + message)
        let answers = try await self.answers(to: Self.login + "b SELECT INBOX\r\nc FETCH 1 BODY[TEXT]\r\n")
        #expect(self.tags(answers) == ["a", "b", "c"])
        #expect(answers.contains(String(decoding: message, as: UTF8.self)))
        try await self.fixture.close()
    }

    @Test(
        "What can never be completed ends the session, behind the answers to what was",
        arguments: [
            ("b IDLE\r\n", "+ idling\r\n"),
            ("b AUTHENTICATE PLAIN\r\n", "+ \r\n"),
            ("b LOGIN {3}\r\n", "+ Ready for literal data\r\n"),
            ("b LOGIN {300+}\r\nhalf", ""),
            ("b NO", ""),
        ]
    )
    func neverComplete(_ text: String, _ last: String) async throws {
        let isLoggedIn = text.hasPrefix("b IDLE") || text.hasPrefix("b NO")
        let greeting = try await self.answers(to: isLoggedIn ? Self.login : "")
        let answers = try await self.answers(to: (isLoggedIn ? Self.login : "") + text)
        #expect(answers == greeting + last)
        try await self.fixture.close()
    }

    /// How many staged messages the store still waits for.
    private func keptBlobs() async throws -> Int {
        try await self.fixture.store.read { sql in
            try sql.all("SELECT id FROM blob WHERE sha256 IS NULL AND erase_after > 0") { $0.int(0) }.count
        }
    }

    @Test("RFC 9051 §6.3.12: half a message is not appended, and its octets do not stay", arguments: [false, true])
    func halfAMessage(isGone: Bool) async throws {
        let half = [UInt8](repeating: UInt8(ascii: "x"), count: 2_000_000)
        let command = Array((Self.login + "b APPEND INBOX {3000000+}\r\n").utf8)
        if !isGone {
            #expect(self.tags(try await self.answers(to: command + half)) == ["a"])
        } else {
            let (server, client) = self.pipe()
            client.send(command + half)
            client.disconnect()
            var session = IMAPSession(connection: server, service: self.fixture.service)
            try await silently { try await session.run() }
        }
        #expect(try await self.keptBlobs() == 0)
        #expect(self.tags(try await self.answers(to: Self.login + "b STATUS INBOX (MESSAGES)\r\n")) == ["a", "b"])
        #expect(self.received.withLock { String(decoding: $0, as: UTF8.self) }.contains("(MESSAGES 0)"))
        try await self.fixture.close()
    }

    private struct Gone: Error {}

    @Test("A write to a client that is gone ends the session, and drops the message that was arriving")
    func writeFails() async throws {
        let (server, client) = PipeConnection<IMAPNote>.make(
            peer: Peer(address: "127.0.0.1", isLoopback: true),
            deliver: { octets in
                // The greeting and the answer to LOGIN still arrive.
                if String(decoding: octets, as: UTF8.self).contains("Ready for the message") { throw Gone() }
            }
        )
        client.send(Array((Self.login + "b APPEND INBOX {3000000}\r\n").utf8))
        client.send([UInt8](repeating: UInt8(ascii: "x"), count: 2_000_000))
        client.close()
        var session = IMAPSession(connection: server, service: self.fixture.service)
        await #expect(throws: Gone.self) { try await silently { try await session.run() } }
        #expect(try await self.keptBlobs() == 0)
        try await self.fixture.close()
    }

    @Test("A login that is not admitted is refused, and leaves the client where it was")
    func notAdmitted() async throws {
        let (server, client) = self.pipe()
        client.send(Array((Self.login + "b SELECT INBOX\r\nc LOGIN ann@example.org wrong\r\n").utf8))
        client.close()
        let asked = Mutex<[AccountID]>([])
        var session = IMAPSession(connection: server, service: self.fixture.service) { account in
            asked.withLock { $0.append(account) }
            return false
        }
        try await session.run()
        let answers = String(decoding: self.received.withLock { $0 }, as: UTF8.self)
        #expect(answers.contains("a NO [LIMIT] "))
        #expect(answers.contains("b BAD "))
        #expect(answers.contains("c NO [AUTHENTICATIONFAILED] "))
        // Who does not know the password learns nothing about the account.
        #expect(asked.withLock { $0.count } == 1)
        try await self.fixture.close()
    }

    @Test("A client that is gone altogether ends the session, whatever still runs")
    func disconnected() async throws {
        try await self.fixture.deliver(1...1)
        let (server, client) = self.pipe()
        client.send(Array((Self.login + "b SELECT INBOX\r\nc IDLE\r\n").utf8))
        client.disconnect()
        var session = IMAPSession(connection: server, service: self.fixture.service)
        try await silently { try await session.run() }
        #expect(!String(decoding: self.received.withLock { $0 }, as: UTF8.self).contains("c OK"))
        try await self.fixture.close()
    }

    @Test("A shutdown behind the end still lets what runs end, and says BYE")
    func shutdownBehindTheEnd() async throws {
        let (server, client) = self.pipe()
        client.send(Array((Self.login + "b STATUS INBOX (MESSAGES)\r\n").utf8))
        client.close()
        client.shutDown()
        var session = IMAPSession(connection: server, service: self.fixture.service)
        try await silently { try await session.run() }
        let answers = String(decoding: self.received.withLock { $0 }, as: UTF8.self)
        #expect(answers.contains("* BYE [UNAVAILABLE]"))
        try await self.fixture.close()
    }
}
