// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import NIOCore
import Testing

@testable import MailNetwork

@Suite("Exchanges of HTTP on one connection", .timeLimit(.minutes(20)))
struct HTTPConversationTests {
    /// Answers each request, which ends with an empty line, with the next of these texts; then it hangs up.
    private static func server(
        _ security: MailChannel<Never>.Security = .none,
        answering responses: [String]
    ) -> MailChannel<Never> {
        MailChannel(security: security) { connection in
            var connection = connection
            var request: [UInt8] = []
            var left = responses[...]
            while let response = left.popFirst() {
                while !request.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                    guard case .octets(let octets)? = try await connection.next() else { return }
                    request += octets
                }
                request = []
                try await connection.write(Array(response.utf8))
            }
        }
    }

    private static func exchange(_ conversation: inout HTTPConversation) async throws -> (status: Int, body: String) {
        try await conversation.send(Array("GET / HTTP/1.1\r\n".utf8))
        try await conversation.send(Array("Host: localhost\r\n\r\n".utf8))
        let status = try await conversation.head().status
        var body: [UInt8] = []
        while let part = try await conversation.part() { body += part }
        return (status, String(decoding: body, as: UTF8.self))
    }

    private static func open(_ server: TestServer, _ role: TLSClientRole? = nil) async throws -> HTTPConversation {
        let place = Connector.Place.address("127.0.0.1", port: server.port)
        return HTTPConversation(try await Connector().open(place, security: role, timeout: .seconds(5)))
    }

    private static let responses = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 404 \r\nTransfer-Encoding: chunked\r\n\r\n1\r\nn\r\n1\r\no\r\n0\r\n\r\n",
    ]

    @Test func oneAfterAnother() async throws {
        try await TestServer.run(Self.server(answering: Self.responses)) { server in
            var conversation = try await Self.open(server)
            #expect(try await Self.exchange(&conversation) == (200, "hello"))
            #expect(conversation.isReusable)
            #expect(try await Self.exchange(&conversation) == (404, "no"))
            #expect(conversation.isReusable)
            // It has hung up, which could not be known before.
            await #expect(throws: PeerGone.self) { try await Self.exchange(&conversation) }
        }
    }

    @Test func overTLS() async throws {
        let tls = try TestTLS.shared.get()
        try await TestServer.run(Self.server(.implicit(tls.source), answering: Self.responses)) { server in
            var conversation = try await Self.open(server, tls.clientRole)
            #expect(try await Self.exchange(&conversation) == (200, "hello"))
            #expect(try await Self.exchange(&conversation) == (404, "no"))
            conversation.hangUp()
        }
    }

    @Test func whoeverIsNoTLSServerIsNotTalkedTo() async throws {
        let tls = try TestTLS.shared.get()
        try await TestServer.run(EchoSession.channel()) { server in
            await #expect(throws: TLSFailure.self) { try await Self.open(server, tls.clientRole) }
        }
    }

    @Test func aResponseThatIsCutOffIsNone() async throws {
        let response = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"
        try await TestServer.run(Self.server(answering: [response])) { server in
            var conversation = try await Self.open(server)
            await #expect(throws: MalformedHTTP.self) { try await Self.exchange(&conversation) }
            #expect(!conversation.isReusable)
            conversation.hangUp()
        }
    }

    @Test func whatNobodyAskedForSpoilsTheConnection() async throws {
        let response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, world"
        try await TestServer.run(Self.server(answering: [response])) { server in
            var conversation = try await Self.open(server)
            #expect(try await Self.exchange(&conversation) == (200, "hello"))
            #expect(!conversation.isReusable)
            conversation.hangUp()
        }
    }
}
