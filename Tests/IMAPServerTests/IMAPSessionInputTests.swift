// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer
@testable import SASLMechanisms

/// When a session takes input, and how much of it (rules U9 and R13).
@Suite("Taking input", .timeLimit(.minutes(20))) final class IMAPSessionInputTests: Sendable {
    private let fixture: Fixture
    private let writes = Mutex<[[UInt8]]>([])

    init() async throws { self.fixture = try await Fixture(clock: TestClock()) }

    private static let peer = Peer(address: "127.0.0.1", isLoopback: true)
    private static let login = "a LOGIN ann@example.org secret\r\nb SELECT INBOX\r\n"

    /// All that was written.
    private var answers: String { text(self.writes.withLock { $0.flatMap { $0 } }) }

    /// Runs a session to its end; whenever the client reads something, `reaction` may send more.
    private func play(
        _ text: String,
        service: IMAPService? = nil,
        observe: @escaping @Sendable (Bool) -> Void = { _ in },
        reaction:
            @escaping @Sendable (_ octets: [UInt8], _ client: PipeConnection<IMAPNote>.Client) async throws -> Void
    ) async throws {
        let clients = Mutex<PipeConnection<IMAPNote>.Client?>(nil)
        let (server, client) = PipeConnection<IMAPNote>.make(peer: Self.peer) { octets in
            self.writes.withLock { $0.append(octets) }
            if let client = clients.withLock({ $0 }) { try await reaction(octets, client) }
        }
        clients.withLock { $0 = client }
        client.send(Array(text.utf8))
        var session = IMAPSession(
            connection: ObservedConnection(pipe: server, observe: observe),
            service: service ?? self.fixture.service
        )
        try await silently { try await session.run() }
    }

    @Test("U9: whatever comes while a literal is being written is answered behind its command")
    func withinALiteral() async throws {
        let message = [UInt8](repeating: UInt8(ascii: "x"), count: 3 * CommandOutput.pieceSize)
        try await self.fixture.append(Array("Subject: large\r\n\r\n".utf8) + message)
        let hasSent = Mutex(false)
        let holding = Mutex<Set<Bool>>([])
        try await self.play(
            Self.login + "c FETCH 1 BODY.PEEK[TEXT]\r\n",
            observe: { isHolding in if hasSent.withLock({ $0 }) { _ = holding.withLock { $0.insert(isHolding) } } },
            reaction: { octets, client in
                guard octets.contains(UInt8(ascii: "x")), octets.count >= CommandOutput.pieceSize,
                    !hasSent.withLock({ sent in
                        defer { sent = true }; return sent
                    })
                else { return }
                let long = String(repeating: "y", count: 100_000)
                client.send(Array("BAD LINE\r\nd STORE 9 FLAGS ()\r\nc NOOP\r\n<b> \(long)\r\ne LOGOUT\r\n".utf8))
            }
        )
        let literal = "{\(message.count)}\r\n" + text(message) + ")\r\n"
        let behind = try #require(self.answers.split(separator: literal).dropFirst().first, "the literal is whole")
        let rest = behind.split(separator: "\r\n").map { $0.prefix(7) }
        #expect(
            rest
                == ["c OK FET", "BAD BAD ", "d BAD [C", "c OK NOO", "* BAD [T", "* BYE Lo", "e OK LOG"].map {
                    $0.prefix(7)
                }
        )
        #expect(holding.withLock { $0 } == [true, false], "octets stay in the connection meanwhile")
        try await self.fixture.close()
    }

    @Test("A tag that may not be echoed is not, also where the line is too long")
    func tagOfALongLine() async throws {
        try await self.play("<img> \(String(repeating: "y", count: 20_000))\r\n") { _, client in client.close() }
        #expect(self.answers.contains("* BAD [TOOBIG]"))
        #expect(!self.answers.contains("<img>"))
        try await self.fixture.close()
    }

    @Test("A line that is too long is no empty line", arguments: ["b IDLE\r\n", "b AUTHENTICATE PLAIN\r\n"])
    func longLine(_ command: String) async throws {
        let login = command.hasPrefix("b IDLE") ? "a LOGIN ann@example.org secret\r\n" : ""
        try await self.play(login + command) { octets, client in
            if octets.starts(with: [UInt8(ascii: "+")]) || text(octets).contains("\r\n+ ") {
                client.send([UInt8](repeating: UInt8(ascii: "y"), count: 100_000) + Array("\r\n".utf8))
                client.close()
            }
        }
        #expect(self.answers.contains("b BAD"))
        try await self.fixture.close()
    }

    @Test("What changed is told in pieces, however much it is")
    func manyChanges() async throws {
        let mailbox = try #require(try await self.fixture.mail.mailbox(named: "INBOX")).id
        var stage = self.fixture.mail.stage(limit: 10)
        try await stage.append(Array("Subject:".utf8)[...])
        let new = NewMessage(
            try await stage.finish(),
            internalDate: MessageDate(time: UnixTime(rawValue: 0), zoneOffsetMinutes: 0)
        )
        let uids = try await self.fixture.mail.append([NewMessage](repeating: new, count: 5_000), to: mailbox).uids
        try await self.play(Self.login) { octets, client in
            if text(octets).contains("b OK") {
                let change = FlagChange(.add, FlagSet(system: [.flagged, .seen]))
                _ = try await self.fixture.mail.changeFlags(of: uids, in: mailbox, change, unchangedSince: nil)
                client.send(Array("c NOOP\r\nd LOGOUT\r\n".utf8))
            }
        }
        #expect(self.answers.contains("* 5000 FETCH (UID 5000 FLAGS (\\Flagged \\Seen \\Recent))\r\nc OK NOOP"))
        #expect(self.writes.withLock { $0.map(\.count).max() ?? 0 } < CommandOutput.pieceSize + 16384)
        try await self.fixture.close()
    }

    @Test("A login that could not be checked is not counted as a wrong one")
    func busy() async throws {
        var options = IMAPService.Options()
        options.loginAttempts = 2
        let service = IMAPService(
            options: options,
            directory: self.fixture.store,
            credentials: CredentialSource(unknownUserKey: Array(repeating: 7, count: 32), work: PasswordWork(width: 1))
            {
                if $0 == "ann@example.org" { throw PasswordWork.Busy() }
                return nil
            },
            time: TestClock().timeSource
        )
        let logins = (1...5).map { "a\($0) LOGIN ann@example.org secret\r\n" }.joined()
        let wrong = (1...2).map { "b\($0) LOGIN bob@example.org wrong\r\n" }.joined()
        try await self.play(logins + wrong + "c NOOP\r\n", service: service) { _, _ in }
        let lines = self.answers.split(separator: "\r\n").dropFirst()
        #expect(lines.prefix(5).allSatisfy { $0.contains(" NO [UNAVAILABLE] ") })
        #expect(lines.dropFirst(5).prefix(2).allSatisfy { $0.contains(" NO [AUTHENTICATIONFAILED] ") })
        #expect(lines.dropFirst(7) == ["* BYE Too many failed logins"])
        try await self.fixture.close()
    }
}

/// A pipe that tells whether its octets were wanted.
private struct ObservedConnection: Connection {
    var pipe: PipeConnection<IMAPNote>
    let observe: @Sendable (_ isHolding: Bool) -> Void

    var peer: Peer { self.pipe.peer }
    var post: @Sendable (IMAPNote) -> Void { self.pipe.post }

    mutating func next(holdingOctets: Bool) async throws -> Inbound<IMAPNote>? {
        self.observe(holdingOctets)
        let next = await self.pipe.next(holdingOctets: holdingOctets)
        if holdingOctets, case .octets = next { Issue.record("octets that nobody wanted") }
        return next
    }

    func write(_ octets: [UInt8]) async throws { try await self.pipe.write(octets) }
    mutating func startTLS(after farewell: [UInt8]) async throws { try await self.pipe.startTLS(after: farewell) }
}
