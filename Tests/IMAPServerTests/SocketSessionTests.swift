// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Logging
import MailConnection
import MailNetwork
import MailStorage
import NIOCore
import TestSupport
import Testing

@testable import IMAPServer

/// A slow reader of large messages at a real socket: what was read from the store and is not yet in the kernel's hands.
@Suite("FETCH over sockets", .timeLimit(.minutes(20))) struct SocketSessionTests {
    private static let size = 50_000_000

    /// A connection that says what its transport has taken.
    private struct Measured: Connection {
        var base: SocketConnection<IMAPNote>
        let held: OctetBalance

        var peer: Peer { self.base.peer }
        var post: @Sendable (IMAPNote) -> Void { self.base.post }
        mutating func next(holdingOctets: Bool) async throws -> Inbound<IMAPNote>? {
            try await self.base.next(holdingOctets: holdingOctets)
        }
        func write(_ octets: [UInt8]) async throws {
            try await self.base.write(octets)
            self.held.taken(octets.count)
        }
        mutating func startTLS(after farewell: [UInt8]) async throws { try await self.base.startTLS(after: farewell) }
    }

    /// Runs `body` with a client of an IMAP server whose INBOX has one large message.
    private func with(
        tls isTLS: Bool,
        _ body: @Sendable (inout SocketConnection<Never>, OctetBalance) async throws -> Void
    ) async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await fixture.append(Array("Subject: a\r\n\r\nb\r\n".utf8))
        let held = OctetBalance()
        let gate = Gate()
        gate.open()
        let service = fixture.service(behind: gate, large: LargeMessages(size: Self.size) { held.read($0) })
        let pair = try SelfSignedCertificate.make(names: ["mail.example"], notBefore: 1_700_000_000, days: 30_000)
        let context = try TLSServerContext(
            identities: [TLSIdentity(certificateChain: .text(pair.certificatePEM), privateKey: .text(pair.keyPEM))],
            applicationProtocols: []
        )
        let channel = MailChannel<IMAPNote>(security: isTLS ? .implicit { context } : .none) { connection in
            var session = IMAPSession(connection: Measured(base: connection, held: held), service: service)
            try await session.run()
        }
        let sockets = try ListeningSocket.bind(host: "127.0.0.1", port: 0)
        let port = try #require(sockets.first.flatMap(ListeningSocket.port(of:)))
        let listener = SocketListener(sockets: sockets, child: channel, logger: .silent)
        let role = TLSClientRole(context: try TLSClientContext(), serverName: nil, verification: .none)
        try await withThrowingTaskGroup { group in
            group.addTask { try await listener.run() }
            try await Connector().withConnection(
                to: "127.0.0.1",
                port: port,
                timeout: .seconds(10),
                security: isTLS ? .implicit(role) : .none,
                notes: Never.self
            ) { connection in
                var connection = connection
                try await body(&connection, held)
            }
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
        try await fixture.close()
    }

    private static let start = "1 LOGIN ann@example.org secret\r\n2 EXAMINE INBOX\r\n"

    @Test("50 MB are read from the store piece by piece, as the kernel takes them", arguments: [false, true])
    func oneMessage(tls isTLS: Bool) async throws {
        try await self.with(tls: isTLS) { client, held in
            try await client.write(Array((Self.start + "3 FETCH 1 BODY.PEEK[]\r\n4 LOGOUT\r\n").utf8))
            var (received, last) = (0, [UInt8]())
            while let next = try await client.next() {
                guard case .octets(let octets) = next else { break }
                received += octets.count
                last = Array((last + octets).suffix(200))
            }
            #expect(String(decoding: last, as: UTF8.self).contains("\r\n3 OK FETCH completed\r\n"))
            #expect(received > Self.size)
            #expect(held.allRead == Self.size)
            #expect(held.most <= CommandOutput.pieceSize)
        }
    }

    @Test("of who asks for much and reads nothing, 256 KiB are held in all (I-10)", arguments: [false, true])
    func nothingIsRead(tls isTLS: Bool) async throws {
        try await self.with(tls: isTLS) { client, held in
            let fetches = (1...20).map { "f\($0) FETCH 1 BODY.PEEK[]\r\n" }.joined()
            try await client.write(Array((Self.start + fetches).utf8))
            var received = 0
            while received < 100_000, case .octets(let octets)? = try await client.next() { received += octets.count }
            // The kernel's buffers are all that goes on filling. However long that takes, this is not to be exceeded.
            for _ in 0..<100 { try await Task.sleep(for: .milliseconds(10)) }
            #expect(held.allRead > 100_000 && held.allRead < Self.size)
            #expect(held.most <= 256 * 1024)
        }
    }
}
