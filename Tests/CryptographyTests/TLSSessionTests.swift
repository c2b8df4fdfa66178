// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cryptography

@Suite("TLS sessions in memory")
struct TLSSessionTests {
    @Test("A conversation survives every segmentation", arguments: [1, 2, 3, 5, 7, 64, 1_000, 16_384, Int.max])
    func segments(_ size: Int) throws {
        var link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.segment = size
        link.settle()
        let parameters = try #require(link.server.session.state.parameters)
        #expect(parameters.version == "TLSv1.3")
        #expect(parameters.serverName == "mail.example")
        #expect(parameters.applicationProtocol == nil)
        #expect(parameters.cipherBits >= 128)
        #expect(link.client.session.state.parameters?.cipher == parameters.cipher)
        try link.client.write(Array("a1 NOOP\r\n".utf8))
        try link.server.write(Array("* OK ready\r\n".utf8))
        link.settle(destination: 4)
        #expect(link.server.plaintext == Array("a1 NOOP\r\n".utf8))
        #expect(link.client.plaintext == Array("* OK ready\r\n".utf8))
    }

    @Test("Ciphertext that follows the handshake in one buffer is left over, then read")
    func together() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.client.work()
        link.server.arrived = link.client.sink.octets
        link.client.sink.octets = []
        link.server.work()
        link.client.arrived = link.server.sink.octets
        link.server.sink.octets = []
        link.client.work()
        try link.client.write(Array("early".utf8))
        var input = link.client.sink.octets
        let left = input.withUnsafeBytes { bytes in
            var rest = bytes
            _ = link.server.session.handshakeStep(from: &rest, into: &link.server.sink)
            return Array(rest)
        }
        #expect(link.server.session.state.parameters != nil)
        #expect(!left.isEmpty && left.count < input.count)
        input = left
        link.server.arrived = left
        link.server.work()
        #expect(link.server.plaintext == Array("early".utf8))
    }

    @Test("Ten megabytes arrive unchanged")
    func large() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.settle()
        let message = [UInt8](unsafeUninitializedCapacity: 10_000_000) { buffer, count in
            for index in 0..<10_000_000 { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 >> 3) }
            count = 10_000_000
        }
        try link.client.write(message)
        link.settle()
        #expect(SHA256.hash(link.server.plaintext) == SHA256.hash(message))
    }

    @Test("close_notify ends a conversation properly, once")
    func closeNotify() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.settle()
        try link.server.write(Array("bye".utf8))
        link.server.shutdown()
        let said = link.server.sink.octets.count
        link.server.shutdown()
        #expect(link.server.sink.octets.count == said)
        #expect(throws: TLSFailure.self) { try link.server.write([0]) }
        link.settle()
        #expect(link.client.plaintext == Array("bye".utf8))
        #expect(link.client.session.state == .closed)
        link.client.session.transportEnded()
        #expect(link.client.session.state == .closed)
        // The other direction is still open until it is closed too.
        try link.client.write(Array("indeed".utf8))
        link.client.shutdown()
        link.settle()
        #expect(link.server.plaintext == Array("indeed".utf8))
        #expect(link.server.session.state == .closed)
    }

    @Test("An end without close_notify is a truncation")
    func truncation() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.settle()
        link.client.session.transportEnded()
        #expect(link.client.session.state.failure?.kind == .truncated)
        #expect(throws: TLSFailure.self) { try link.client.write([0]) }
        let other = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        other.server.session.transportEnded()
        #expect(other.server.session.state.failure?.kind == .truncated)
    }

    @Test("A damaged record fails the session, and nothing of it is delivered")
    func damage() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.settle()
        try link.client.write(Array("text".utf8))
        link.client.sink.octets[link.client.sink.octets.count - 1] ^= 1
        link.settle()
        #expect(link.server.session.state.failure?.kind == .record)
        #expect(link.server.plaintext.isEmpty)
        // The alert has told the client.
        #expect(link.client.session.state.failure?.kind == .record)
    }

    @Test(
        "What is no TLS fails the handshake",
        arguments: [
            "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "EHLO example.org\r\n", "a LOGIN b c\r\n", "\u{16}\u{3}\u{1}zz",
        ]
    )
    func noise(_ text: String) throws {
        let server = TLSEnd(try TLSSession(Fixture.server(Fixture.mail)))
        server.arrived = Array(text.utf8) + [UInt8](repeating: 0, count: 40_000)
        server.work()
        #expect(server.session.state.failure?.kind == .handshake)
        #expect(server.session.state.failure?.reason.contains("HTTP/1.1") == false)
    }

    @Test("A failed session of a thread does not disturb the next call of another")
    func errorQueue() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.settle()
        let broken = TLSEnd(try TLSSession(Fixture.server(Fixture.mail)))
        broken.arrived = Array("no TLS at all".utf8)
        broken.work()
        try link.client.write(Array("fine".utf8))
        link.settle()
        #expect(link.server.plaintext == Array("fine".utf8))
        #expect(link.server.session.state.failure == nil)
    }

    @Test("Sessions are made on many threads at once")
    func threads() async throws {
        let context = try Fixture.server(Fixture.mail)
        let client = try TLSClientContext()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    let link = try TLSLink(client: client, server: context)
                    link.settle()
                    return link.server.session.state.parameters != nil
                }
            }
            for try await established in group { #expect(established) }
        }
    }
}
