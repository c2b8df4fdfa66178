// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import TestSupport
import Testing

@testable import SMTPServer

/// A password in clear text over a network: refused, and told to the operator, without the password (RFC 4954 §4).
@Suite("Passwords in clear text", .timeLimit(.minutes(20))) struct ClearTextPasswordTests {
    @Test(
        arguments: [
            ("AUTH PLAIN AGFubgBodW50ZXIy", true), ("AUTH LOGIN aHVudGVyMg==", true), ("AUTH PLAIN", false),
            ("NOOP", false),
        ]
    )
    func isLogged(_ command: String, _ hasCredentials: Bool) async throws {
        let fixture = try await Fixture()
        let received = ReceivedOctets()
        let (server, client) = PipeConnection<SMTPNote>.make(peer: Peer(address: "192.0.2.7", isLoopback: false)) {
            received.append($0)
        }
        client.send(Array("EHLO client.example.com\r\n\(command)\r\n".utf8))
        client.close()
        let lines = LogLines()
        try await withLogger(lines.logger) { _ in
            var session = SMTPSession(connection: server, service: fixture.service, role: .submission)
            try await session.run()
        }
        received.close()
        let told = lines.all.filter { $0.message == "Credentials came in clear text" }
        #expect(told.count == (hasCredentials ? 1 : 0))
        #expect(told.allSatisfy { $0.level == .notice && $0.text.contains("192.0.2.7") })
        #expect(!lines.all.contains { $0.text.contains("AGFubgBodW50ZXIy") || $0.text.contains("aHVudGVyMg") })
        var last = ""
        while let line = try await received.line() { last = String(decoding: line, as: UTF8.self) }
        #expect(last.hasPrefix(command == "NOOP" ? "250 2.0.0" : "538 5.7.11"), "\(last)")
        try await fixture.close()
    }
}
