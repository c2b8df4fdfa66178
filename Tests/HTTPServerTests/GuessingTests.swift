// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import IMAPServer
import MailConnection
import NIOCore
import SMTPServer
import TestSupport
import Testing

@testable import HTTPServer

/// A-01: one count for all ways in.
@Suite("Guessing across protocols") struct GuessingTests {
    private static let secure = Peer.Security(version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384")

    /// Tries to log in once through a socket of IMAP; the tagged response.
    private static func imap(_ fixture: Fixture, from address: String) async throws -> String {
        let received = ReceivedOctets()
        let (server, client) = PipeConnection<IMAPNote>.make(
            peer: Peer(address: address, security: Self.secure),
            deliver: { received.append($0) }
        )
        client.send(Array("a LOGIN ann@example.org secret\r\n".utf8))
        client.close()
        var session = IMAPSession(connection: server, service: fixture.imap)
        try await silently { try await session.run() }
        return try await Self.line(of: received) { $0.hasPrefix("a ") }
    }

    /// The same through a socket of submission; the reply to AUTH.
    private static func smtp(_ fixture: Fixture, from address: String) async throws -> String {
        let received = ReceivedOctets()
        let (server, client) = PipeConnection<SMTPNote>.make(
            peer: Peer(address: address, security: Self.secure),
            deliver: { received.append($0) }
        )
        client.send(Array("EHLO client.example.com\r\nAUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=\r\n".utf8))
        client.close()
        var session = SMTPSession(connection: server, service: fixture.smtp, role: .submissions)
        try await silently { try await session.run() }
        return try await Self.line(of: received) { !$0.hasPrefix("2") || $0.hasPrefix("235 ") }
    }

    private static func line(of received: ReceivedOctets, where isWanted: (String) -> Bool) async throws -> String {
        received.close()
        while let line = try await received.line() {
            let text = String(decoding: line, as: UTF8.self)
            if isWanted(text) { return text }
        }
        return ""
    }

    @Test("Whoever has guessed through HTTP is refused by IMAP and SMTP; other addresses are not")
    func shared() async throws {
        try await Fixture.run { fixture in
            func ask(_ path: String, _ text: String) async throws -> String {
                try await fixture.ask(
                    .post,
                    path,
                    RequestBody(buffer: ByteBuffer(string: text)),
                    host: "mail.example.org",
                    from: .remote("192.0.2.9")
                ).text
            }
            // Twenty at once are let through, five on each connection.
            for connection in 1...4 {
                let path = "/imap/\(try await ask("/imap/", ""))"
                let guesses = (1...5).map { "\($0) LOGIN ann@example.org wrong\(connection)-\($0)\r\n" }.joined()
                _ = try await ask(path, guesses)
                var text = ""
                while !text.contains("* BYE") { text += try await ask(path, "") }
                #expect(text.split(separator: "[AUTHENTICATIONFAILED]").count == 6, "\(text)")
            }
            #expect(try await Self.imap(fixture, from: "192.0.2.9").hasPrefix("a NO [UNAVAILABLE] "))
            #expect(try await Self.smtp(fixture, from: "192.0.2.9").hasPrefix("454 4.7.0 "))
            #expect(try await Self.imap(fixture, from: "192.0.2.10").hasPrefix("a OK "))
            #expect(try await Self.smtp(fixture, from: "192.0.2.10").hasPrefix("235 "))
        }
    }
}
