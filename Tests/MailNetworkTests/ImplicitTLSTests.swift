// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import NIOCore
import Synchronization
import Testing

@testable import MailNetwork

/// RFC 8314 §3: TLS from the first octet.
@Suite(.timeLimit(.minutes(20)))
struct ImplicitTLSTests {
    private let tls = Result { try TestTLS.shared.get() }

    @Test
    func theSessionBeginsAfterTheHandshake() async throws {
        let tls = try self.tls.get()
        try await TestServer.run(EchoSession.channel(.implicit(tls.source))) { server in
            try await TestClient.connect(to: server.port, tls: tls.clientRole) { client in
                #expect(try await client.line() == "220 127.0.0.1")
                try await client.send("SECURITY\r\nQUIT\r\n")
                #expect(try await client.line() == "250 TLSv1.3 mail.example")
                #expect(try await client.line() == "221 bye")
                #expect(try await client.line() == nil)
            }
        }
    }

    @Test(arguments: [1, 1_024, 16_384, 49_152, 49_153, 1 << 20])
    func largeBlocksArriveWhole(count: Int) async throws {
        let tls = try self.tls.get()
        let channel = MailChannel<Never>(security: .implicit(tls.source)) { connection in
            try await connection.write((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        }
        try await TestServer.run(channel) { server in
            try await Connector().withConnection(
                to: "127.0.0.1",
                port: server.port,
                timeout: .seconds(5),
                security: .implicit(tls.clientRole),
                notes: Never.self
            ) { connection in
                var connection = connection
                var position = 0
                var isRight = true
                while case .octets(let octets)? = try await connection.next() {
                    for octet in octets {
                        isRight = isRight && octet == UInt8(truncatingIfNeeded: position &* 31)
                        position += 1
                    }
                }
                #expect(isRight)
                #expect(position == count)
            }
        }
    }

    @Test(arguments: ["EHLO there\r\n", "GET / HTTP/1.1\r\n\r\n", "\u{16}\u{03}\u{01}"])
    func clearTextNeverReachesASession(text: String) async throws {
        let tls = try self.tls.get()
        let sessions = Atomic(0)
        let deadlines = SocketDeadlines(handshake: .milliseconds(300))
        let channel = MailChannel<Never>(security: .implicit(tls.source), deadlines: deadlines) { _ in
            sessions.add(1, ordering: .relaxed)
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(text)
                let rest = await client.rest()
                #expect(!rest.contains("EHLO") && !rest.contains("GET"))
            }
        }
        #expect(sessions.load(ordering: .relaxed) == 0)
    }

    @Test
    func aSilentClientIsClosed() async throws {
        let tls = try self.tls.get()
        let deadlines = SocketDeadlines(handshake: .milliseconds(200))
        try await TestServer.run(EchoSession.channel(.implicit(tls.source), deadlines: deadlines)) { server in
            try await TestClient.connect(to: server.port) { client in #expect(await client.rest() == "") }
        }
    }

    /// The deadline is that of the whole handshake: were each octet to begin it anew, this would not end.
    @Test
    func aClientThatSendsOctetByOctetIsClosedToo() async throws {
        let tls = try self.tls.get()
        let deadlines = SocketDeadlines(handshake: .milliseconds(300))
        let sessions = Atomic(0)
        let channel = MailChannel<Never>(security: .implicit(tls.source), deadlines: deadlines) { _ in
            sessions.add(1, ordering: .relaxed)
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                // The beginning of a ClientHello, which has room for some minutes.
                try await client.send(octets: [0x16, 3, 1, 0x3F, 0xFF, 1, 0, 0x3F, 0xFB, 3, 3])
                await #expect(throws: (any Error).self) {
                    while true {
                        try await client.send(octets: [0])
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
            }
        }
        #expect(sessions.load(ordering: .relaxed) == 0)
    }

    @Test("Who has not finished the handshake takes a place of his address")
    func handshakesTakePlaces() async throws {
        let tls = try self.tls.get()
        let limits = ConnectionLimits(total: 1_000, perAddress: 2)
        try await TestServer.run(EchoSession.channel(.implicit(tls.source)), limits: limits) { server in
            func greeting() async -> String? {
                var greeting: String?
                try? await TestClient.connect(to: server.port, tls: tls.clientRole) { client in
                    greeting = try await client.line()
                }
                return greeting
            }
            try await TestClient.connect(to: server.port) { first in
                try await TestClient.connect(to: server.port) { second in
                    try await second.send(octets: [0x16, 3, 1])
                    #expect(await greeting() == nil)
                    #expect(await greeting() == nil)
                }
                // The place is free again, as soon as the server has seen the end of the second.
                while await greeting() != "220 127.0.0.1" { try await Task.sleep(for: .milliseconds(20)) }
                try await first.reset()
            }
        }
    }

    @Test
    func aClientThatClosesItsHalfIsStillAnswered() async throws {
        let tls = try self.tls.get()
        try await TestServer.run(EchoSession.channel(.implicit(tls.source))) { server in
            try await TestClient.connect(to: server.port, tls: tls.clientRole) { client in
                try await client.send("last words\r\nQUIT\r\n")
                client.finish()
                #expect(await client.rest() == "220 127.0.0.1\r\necho last words\r\n221 bye\r\n")
            }
        }
    }
}
