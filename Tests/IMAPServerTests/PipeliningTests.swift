// SPDX-License-Identifier: Apache-2.0

import MailConnection
import TestSupport
import Testing

@testable import IMAPServer

/// RFC 9051 §5.5: a client need not wait.
@Suite("Commands without waiting") struct PipeliningTests {
    @Test("A thousand commands in one write get a thousand answers, each its own") func thousand() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let received = ReceivedOctets()
        let (server, client) = PipeConnection<IMAPNote>.make(
            peer: Peer(address: "127.0.0.1", isLoopback: true),
            deliver: { received.append($0) }
        )
        client.send((1...1000).flatMap { Array("a\($0) NOOP\r\n".utf8) })
        client.close()
        var session = IMAPSession(connection: server, service: fixture.service)
        try await silently { try await session.run() }
        received.close()
        let lines = String(decoding: try await received.all(), as: UTF8.self).split(separator: "\r\n").map(String.init)
        #expect(lines.first?.hasPrefix("* OK") == true)
        #expect(Array(lines.dropFirst()) == (1...1000).map { "a\($0) OK NOOP completed" })
        try await fixture.close()
    }
}
