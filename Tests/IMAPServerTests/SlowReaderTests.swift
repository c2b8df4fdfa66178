// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer

/// What a client that reads slowly makes the server keep for it.
@Suite("FETCH for slow readers", .timeLimit(.minutes(20))) struct SlowReaderTests {
    @Test("of a large message no more than some pieces is in memory, however long the client takes")
    func largeMessage() async throws {
        let size = 8_000_000
        let fixture = try await Fixture(clock: TestClock())
        try await fixture.append(Array("Subject: a\r\n\r\nb\r\n".utf8))
        let balance = OctetBalance()
        let gate = Gate()
        gate.open()
        let service = fixture.service(behind: gate, large: LargeMessages(size: size) { balance.read($0) })
        let received = Mutex(0)
        let (server, client) = PipeConnection<IMAPNote>.make(peer: Peer(address: "127.0.0.1", isLoopback: true)) {
            octets in
            // Whoever can run ahead of the client has the time to do so.
            for _ in 0..<20 { await Task.yield() }
            balance.taken(octets.count)
            received.withLock { $0 += octets.count }
        }
        client.send(Array("1 LOGIN ann@example.org secret\r\n2 EXAMINE INBOX\r\n3 FETCH 1 BODY.PEEK[]\r\n".utf8))
        client.close()
        var session = IMAPSession(connection: server, service: service)
        try await session.run()
        #expect(balance.allRead == size)
        #expect(received.withLock { $0 } > size)
        #expect(balance.most <= CommandOutput.pieceSize)
        try await fixture.close()
    }

    @Test("nor of the flags of many messages")
    func manyResponses() async throws {
        // What is written is handed on before there is more.
        let fixture = FetchFixture(Array(repeating: octets("A: b\n\nc"), count: 20_000))
        let (pieces, _) = try await fixture.pieces("(UID FLAGS)")
        #expect(pieces.count > 10)
        #expect(pieces.allSatisfy { $0.count <= CommandOutput.pieceSize + 1000 })
    }
}
