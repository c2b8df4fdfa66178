// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import TestSupport
import Testing

@testable import IMAPServer

/// A password in clear text over a network: refused, and told to the operator, without the password (RFC 9051 §11.1).
@Suite("Passwords in clear text", .timeLimit(.minutes(20))) struct ClearTextPasswordTests {
    @Test(
        arguments: [
            ("LOGIN ann@example.org hunter2", true), ("AUTHENTICATE PLAIN AGFubgBodW50ZXIy", true),
            ("AUTHENTICATE PLAIN", false), ("LOGIN ann@example.org", false), ("NOOP", false),
        ]
    )
    func isLogged(_ command: String, _ hasCredentials: Bool) async throws {
        let fixture = try await Fixture(clock: TestClock())
        let (server, client) = PipeConnection<IMAPNote>.make(peer: Peer(address: "192.0.2.7", isLoopback: false)) { _ in
        }
        client.send(Array("1 \(command)\r\n".utf8))
        client.close()
        let lines = LogLines()
        try await withLogger(lines.logger) { _ in
            var session = IMAPSession(connection: server, service: fixture.service)
            try await session.run()
        }
        let told = lines.all.filter { $0.message == "Credentials came in clear text" }
        #expect(told.count == (hasCredentials ? 1 : 0))
        #expect(told.allSatisfy { $0.level == .notice && $0.text.contains("192.0.2.7") })
        #expect(!lines.all.contains { $0.text.contains("hunter2") || $0.text.contains("AGFubgBodW50ZXIy") })
        try await fixture.close()
    }
}
