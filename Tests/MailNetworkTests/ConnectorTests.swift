// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Glibc
import MailConnection
import NIOCore
import Testing

@testable import MailNetwork

@Suite(.timeLimit(.minutes(20)))
struct ConnectorTests {
    /// Takes what comes until it ends with CRLF.
    private static func line(_ connection: inout SocketConnection<Never>) async throws -> String {
        var octets: [UInt8] = []
        while !octets.suffix(2).elementsEqual([13, 10]) {
            guard case .octets(let more)? = try await connection.next() else { throw PeerGone() }
            octets += more
        }
        return String(decoding: octets.dropLast(2), as: UTF8.self)
    }

    private static func withConnection(
        _ server: TestServer,
        _ security: Connector.Security,
        deadlines: SocketDeadlines = SocketDeadlines(),
        _ body: (inout SocketConnection<Never>) async throws -> Void
    ) async throws {
        try await Connector(deadlines: deadlines).withConnection(
            to: "127.0.0.1",
            port: server.port,
            from: "127.0.0.1",
            timeout: .seconds(5),
            security: security,
            notes: Never.self
        ) { connection in
            var connection = connection
            try await body(&connection)
        }
    }

    @Test
    func aClientTalksAndHangsUp() async throws {
        try await TestServer.run(EchoSession.channel()) { server in
            try await Self.withConnection(server, .none) { connection in
                #expect(connection.peer.address == "127.0.0.1")
                #expect(connection.peer.port == server.port)
                #expect(try await Self.line(&connection) == "220 127.0.0.1")
                try await connection.write(Array("hello\r\n".utf8))
                #expect(try await Self.line(&connection) == "echo hello")
                await #expect(throws: TLSNotOffered()) { try await connection.startTLS(after: []) }
            }
        }
    }

    @Test
    func aClientTurnsTLSOn() async throws {
        let tls = try TestTLS.shared.get()
        try await TestServer.run(EchoSession.channel(.startTLS(tls.source))) { server in
            try await Self.withConnection(server, .startTLS(tls.clientRole)) { connection in
                _ = try await Self.line(&connection)
                try await connection.write(Array("STARTTLS\r\n".utf8))
                #expect(try await Self.line(&connection) == "220 go")
                try await connection.startTLS(after: [])
                #expect(connection.peer.security?.version == "TLSv1.3")
                try await connection.write(Array("SECURITY\r\n".utf8))
                #expect(try await Self.line(&connection) == "250 TLSv1.3 mail.example")
            }
        }
    }

    @Test
    func clearTextBehindTheReplyIsRefused() async throws {
        let tls = try TestTLS.shared.get()
        let (replies, hasRead) = AsyncStream.makeStream(of: Never.self)
        let channel = MailChannel<Never>(security: .none) { connection in
            try await connection.write(Array("220 go\r\n".utf8))
            for await _ in replies {}
            try await connection.write(Array("250 injected\r\n".utf8))
            var connection = connection
            try await connection.drain()
        }
        try await TestServer.run(channel) { server in
            try await Self.withConnection(server, .startTLS(tls.clientRole)) { connection in
                #expect(try await Self.line(&connection) == "220 go")
                hasRead.finish()
                try await Task.sleep(for: .milliseconds(150))
                let error = await #expect(throws: (any Error).self) { try await connection.startTLS(after: []) }
                // What comes a moment later meets the handshake, and fails there.
                let isLate = (error as? TLSFailure)?.kind == .handshake
                #expect(error is ClearTextBehindSTARTTLS || isLate)
                #expect(!connection.peer.isSecure)
                #expect(try await connection.next() == nil)
            }
        }
    }

    @Test
    func implicitTLSComesFirst() async throws {
        let tls = try TestTLS.shared.get()
        try await TestServer.run(EchoSession.channel(.implicit(tls.source))) { server in
            try await Self.withConnection(server, .implicit(tls.clientRole)) { connection in
                #expect(connection.peer.isSecure)
                let line = try await Self.line(&connection)
                #expect(line == "220 127.0.0.1")
            }
        }
    }

    @Test
    func aCertificateOfNobodyIsRefused() async throws {
        let tls = try TestTLS.shared.get()
        let role = TLSClientRole(
            context: tls.client,
            serverName: "mail.example",
            verification: .verified(name: "mail.example")
        )
        try await TestServer.run(EchoSession.channel(.implicit(tls.source))) { server in
            let error = await #expect(throws: TLSFailure.self) {
                try await Self.withConnection(server, .implicit(role)) { _ in Issue.record("no session may begin") }
            }
            #expect(error?.kind == .certificate)
        }
    }

    @Test
    func aServerThatDoesNotSpeakTLSIsGivenUp() async throws {
        let tls = try TestTLS.shared.get()
        let deadlines = SocketDeadlines(handshake: .milliseconds(200))
        let channel = MailChannel<Never>(security: .none) { connection in
            var connection = connection
            try await connection.drain()
        }
        try await TestServer.run(channel) { server in
            await #expect(throws: HandshakeBelated()) {
                try await Self.withConnection(server, .implicit(tls.clientRole), deadlines: deadlines) { _ in }
            }
        }
    }

    @Test
    func nobodyAtThePortIsAnError() async throws {
        // Bound, but not listening: nobody else can have the port.
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(bound == 0)
        let port = try #require(ListeningSocket.port(of: descriptor))
        let error = await #expect(throws: NoConnection.self) {
            try await Connector().withConnection(
                to: "127.0.0.1",
                port: port,
                timeout: .seconds(5),
                security: .none,
                notes: Never.self
            ) { _ in }
        }
        #expect(error?.description == "Connection refused")
    }

    /// A listening socket on loopback whose queue is full, so that the kernel does not answer who connects.
    private static func withDeafPort(_ body: (Int) async throws -> Void) async throws {
        let descriptor = try #require(try ListeningSocket.bind(host: "127.0.0.1", port: 0).first)
        defer { close(descriptor) }
        try #require(listen(descriptor, 0) == 0)
        let port = try #require(ListeningSocket.port(of: descriptor))
        var clients: [CInt] = []
        defer { for client in clients { close(client) } }
        // One more than the queue holds: those that are answered, and one that waits.
        for _ in 0..<3 {
            let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
            clients.append(client)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let size = socklen_t(MemoryLayout<sockaddr_in>.size)
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(client, $0, size) }
            }
        }
        try await body(port)
    }

    @Test
    func nobodyAnsweringIsAnErrorInTime() async throws {
        try await Self.withDeafPort { port in
            let error = await #expect(throws: NoConnection.self) {
                try await Connector().withConnection(
                    to: "127.0.0.1",
                    port: port,
                    timeout: .seconds(1),
                    security: .none,
                    notes: Never.self
                ) { _ in }
            }
            #expect(error?.description == "no answer within 1 seconds")
        }
    }

    @Test
    func connectingEndsWithItsTask() async throws {
        try await Self.withDeafPort { port in
            // Much longer than this suite may take.
            let task = Task {
                try await Connector().withConnection(
                    to: "127.0.0.1",
                    port: port,
                    timeout: .hours(1),
                    security: .none,
                    notes: Never.self
                ) { _ in }
            }
            task.cancel()
            await #expect(throws: NoConnection.self) { try await task.value }
        }
    }
}
