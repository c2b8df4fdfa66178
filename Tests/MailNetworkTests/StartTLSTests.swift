// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import NIOCore
import Testing

@testable import MailNetwork

/// RFC 3207 §4.2, RFC 9051 §6.2.1: what was said before the handshake does not count after it.
@Suite(.timeLimit(.minutes(20)))
struct StartTLSTests {
    private let tls = Result { try TestTLS.shared.get() }

    @Test
    func theSessionGoesOnInTLS() async throws {
        let tls = try self.tls.get()
        try await TestServer.run(EchoSession.channel(.startTLS(tls.source))) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                try await client.send("SECURITY\r\n")
                #expect(try await client.line() == "250 ")
                try await client.send("STARTTLS\r\n")
                #expect(try await client.line() == "220 go")
                try await client.startTLS(tls.clientRole)
                try await client.send("SECURITY\r\n")
                #expect(try await client.line() == "250 TLSv1.3 mail.example")
                try await client.send("QUIT\r\n")
                #expect(try await client.line() == "221 bye")
                #expect(try await client.line() == nil)
            }
        }
    }

    /// Every way to split the injection into two segments, all of it before the server answers STARTTLS.
    @Test(arguments: Array(0..<"STARTTLS\r\nINJECTED\r\n".utf8.count))
    func clearTextBehindSTARTTLSIsDiscarded(cut: Int) async throws {
        let tls = try self.tls.get()
        let channel = EchoSession.channel(.startTLS(tls.source), slowness: .milliseconds(150))
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                let text = "STARTTLS\r\nINJECTED\r\n"
                if cut > 0 {
                    try await client.send(String(text.prefix(cut)))
                    try await Task.sleep(for: .milliseconds(20))
                }
                try await client.send(String(text.dropFirst(cut)))
                #expect(try await client.line() == "220 go")
                try await client.startTLS(tls.clientRole)
                // The note was posted before the handshake and must survive it.
                #expect(try await client.line() == "note before TLS")
                try await client.send("hello\r\n")
                #expect(try await client.line() == "echo hello")
            }
        }
    }

    @Test(arguments: [2, 3, 8])
    func aQueueOfClearTextIsNeverAnswered(segments: Int) async throws {
        // Beyond what is read ahead, the clear text meets the TLS handler, and that is the end.
        let tls = try self.tls.get()
        let channel = EchoSession.channel(.startTLS(tls.source), slowness: .milliseconds(300))
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                try await client.send("STARTTLS\r\n")
                for _ in 0..<segments {
                    try await Task.sleep(for: .milliseconds(20))
                    try? await client.send("INJECTED\r\n")
                }
                // Whether the handshake fails, or the connection is closed before it begins, depends on the moment.
                _ = try? await client.line()
                try? await client.startTLS(tls.clientRole)
                try? await client.send("hello\r\n")
                client.finish()
                #expect(!(await client.rest()).contains("INJECTED"))
            }
        }
    }

    @Test
    func clearTextInsteadOfAHandshakeEndsTheConnection() async throws {
        let tls = try self.tls.get()
        try await TestServer.run(EchoSession.channel(.startTLS(tls.source))) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                try await client.send("STARTTLS\r\n")
                #expect(try await client.line() == "220 go")
                try await client.send("INJECTED\r\n")
                #expect(!(await client.rest()).contains("echo"))
            }
        }
    }

    @Test
    func aHandshakeMayNotTakeForEver() async throws {
        let tls = try self.tls.get()
        let deadlines = SocketDeadlines(handshake: .milliseconds(200))
        try await TestServer.run(EchoSession.channel(.startTLS(tls.source), deadlines: deadlines)) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                try await client.send("STARTTLS\r\n")
                #expect(try await client.line() == "220 go")
                #expect(await client.rest() == "")
            }
        }
    }

    @Test
    func whoHasClosedTheirHalfInClearTextCannotShakeHands() async throws {
        let tls = try self.tls.get()
        let (outcomes, report) = AsyncStream.makeStream(of: (any Error)?.self)
        // Were it to wait for the handshake, it would last beyond the suite's time limit.
        let deadlines = SocketDeadlines(handshake: .seconds(3_600))
        let channel = MailChannel<Never>(security: .startTLS(tls.source), deadlines: deadlines) { connection in
            var connection = connection
            // The end is in the inbox, but not taken from it; then it is taken.
            try await connection.write(Array("220\r\n".utf8))
            try await Task.sleep(for: .milliseconds(100))
            for _ in 0..<2 {
                do { try await connection.startTLS(after: Array("220 go\r\n".utf8)) } catch { report.yield(error) }
            }
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send("STARTTLS\r\n")
                client.finish()
                #expect(await client.rest() == "220\r\n220 go\r\n")
            }
            var iterator = outcomes.makeAsyncIterator()
            for _ in 0..<2 { #expect(await iterator.next() as? PeerGone == PeerGone()) }
        }
    }

    @Test
    func whereThereIsNoTLSItIsRefused() async throws {
        let (outcomes, report) = AsyncStream.makeStream(of: Bool.self)
        let channel = MailChannel<Never>(security: .none) { connection in
            var connection = connection
            await #expect(throws: TLSNotOffered()) { try await connection.startTLS(after: []) }
            report.yield(true)
        }
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port) { client in #expect(await client.rest() == "") }
            var iterator = outcomes.makeAsyncIterator()
            #expect(await iterator.next() == true)
        }
    }
}
