// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer

/// a password that is changed ends the sessions that the old one began.
@Suite("Changed passwords", .timeLimit(.minutes(20))) struct CredentialChangeTests {
    private static let logIn = "a LOGIN ann@example.org secret\r\n"

    /// Runs a session; whenever the client reads something, `reaction` is called with all that has come.
    private func play(
        _ fixture: Fixture,
        _ text: String,
        reaction: @escaping @Sendable (String) async throws -> Void
    ) async throws -> String {
        let answers = Mutex("")
        let (server, client) = PipeConnection<IMAPNote>.make(
            peer: Peer(address: "127.0.0.1", isLoopback: true)
        ) { octets in
            let all = answers.withLock { answers in
                answers += String(decoding: octets, as: UTF8.self)
                return answers
            }
            try await reaction(all)
        }
        client.send(Array(text.utf8))
        var session = IMAPSession(connection: server, service: fixture.service)
        // It ends by itself, for the client neither logs out nor hangs up.
        try await silently { try await session.run() }
        return answers.withLock { $0 }
    }

    @Test(
        "RFC 9051 §7.1.5: the session gets a BYE, whatever it does",
        arguments: ["", "b SELECT INBOX\r\n", "b IDLE\r\n", "b APPEND INBOX {1000+}\r\nFrom: x\r\n"]
    )
    func changed(_ state: String) async throws {
        let fixture = try await Fixture(clock: TestClock())
        let isChanged = Mutex(false)
        let answers = try await self.play(fixture, Self.logIn + state) { all in
            guard all.contains("a OK"), !isChanged.withLock({ $0 }) else { return }
            isChanged.withLock { $0 = true }
            let credential = try #require(try await fixture.store.credential(for: "bob@example.org"))
            try await fixture.store.setVerifier(credential.verifier, of: "ann@example.org")
        }
        #expect(answers.hasSuffix("* BYE [EXPIRED] Password has changed: log in again\r\n"), "\(answers)")
        try await fixture.close()
    }

    @Test("So does one whose account is removed") func removed() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let isRemoved = Mutex(false)
        let answers = try await self.play(fixture, Self.logIn + "b SELECT INBOX\r\n") { all in
            guard all.contains("b OK"), !isRemoved.withLock({ $0 }) else { return }
            isRemoved.withLock { $0 = true }
            try await fixture.store.removeAccount("ann@example.org")
        }
        #expect(answers.hasSuffix("* BYE [EXPIRED] Password has changed: log in again\r\n"), "\(answers)")
        try await fixture.close()
    }

    @Test("Other accounts' sessions go on") func others() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let feed = fixture.mail.feed
        let isDone = Mutex(false)
        let answers = try await self.play(fixture, Self.logIn + "b NOOP\r\nc LOGOUT\r\n") { all in
            guard all.contains("a OK"), !isDone.withLock({ $0 }) else { return }
            isDone.withLock { $0 = true }
            #expect(feed.isWatched(.credential(fixture.account.id)))
            try await fixture.store.removeAccount("bob@example.org")
        }
        #expect(answers.hasSuffix("c OK LOGOUT completed\r\n"), "\(answers)")
        #expect(!feed.isWatched(.credential(fixture.account.id)), "nobody watches behind the end")
        try await fixture.close()
    }

    @Test("Within a response there is no place for a BYE: the connection is closed") func withinALiteral() async throws
    {
        let fixture = try await Fixture(clock: TestClock())
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 3 * CommandOutput.pieceSize)
        try await fixture.append(Array("Subject: large\r\n\r\n".utf8) + body)
        let isChanged = Mutex(false)
        let answers = try await self.play(
            fixture,
            Self.logIn + "b SELECT INBOX\r\nc FETCH 1 BODY.PEEK[TEXT]\r\n"
        ) { all in
            guard all.contains("xxx"), !isChanged.withLock({ $0 }) else { return }
            isChanged.withLock { $0 = true }
            try await fixture.store.removeAccount("ann@example.org")
        }
        #expect(!answers.contains("* BYE"))
        #expect(!answers.contains("c OK"))
        try await fixture.close()
    }
}
