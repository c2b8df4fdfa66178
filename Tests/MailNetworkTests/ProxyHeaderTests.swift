// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import MailNetwork

/// The PROXY protocol, version 2: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt §2.2.
@Suite("PROXY protocol", .timeLimit(.minutes(20))) struct ProxyHeaderTests {
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]

    private static func header(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
        Self.signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
    }

    private static let v4 = Self.header(0x21, 0x11, [203, 0, 113, 9, 192, 0, 2, 1, 0x30, 0x39, 0, 25])
    private static let v6 = Self.header(
        0x21,
        0x21,
        [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9] + Array(repeating: 1, count: 16) + [1, 0, 0, 25]
    )

    static let complete: [([UInt8], ProxyHeader.Client?)] = [
        (Self.v4, .init(address: "203.0.113.9", port: 12345)),
        (Self.v6, .init(address: "2001:db8::9", port: 256)),
        // TLVs behind the addresses.
        (
            Self.header(0x21, 0x11, [203, 0, 113, 9, 192, 0, 2, 1, 0, 1, 0, 25, 4, 0, 2, 7, 7]),
            .init(address: "203.0.113.9", port: 1)
        ),
        (Self.header(0x20, 0x00, []), nil), (Self.header(0x20, 0x11, Array(repeating: 9, count: 12)), nil),
    ]

    @Test("Headers, whatever comes behind them, and not before they are whole", arguments: complete)
    func whole(_ header: [UInt8], _ client: ProxyHeader.Client?) {
        #expect(ProxyHeader(header) == .complete(length: header.count, client: client))
        #expect(ProxyHeader(header + Array("EHLO x\r\n".utf8)) == .complete(length: header.count, client: client))
        for cut in 0..<header.count { #expect(ProxyHeader(header[..<cut]) == .incomplete, "cut at \(cut)") }
    }

    @Test("What is none is known as soon as can be")
    func malformed() {
        // A client that has no address here must not have the proxy's.
        #expect(ProxyHeader(Self.header(0x21, 0x00, [1, 2, 3])) == .malformed)
        #expect(ProxyHeader(Self.header(0x21, 0x31, Array(repeating: 0, count: 216))) == .malformed)
        let text = "PROXY TCP4 203.0.113.9 192.0.2.1 12345 25\r\n"
        #expect(ProxyHeader(Array("P".utf8)) == .malformed, "version 1")
        #expect(ProxyHeader(Array(text.utf8)) == .malformed)
        #expect(ProxyHeader(Array("EHLO".utf8)) == .malformed)
        for index in 0..<12 {
            var octets = Self.v4
            octets[index] ^= 0x80
            #expect(ProxyHeader(octets) == .malformed)
            #expect(ProxyHeader(octets[...index]) == .malformed)
        }
        for command: UInt8 in [0x11, 0x31, 0x22, 0x2F, 0x01] {
            #expect(ProxyHeader(Self.header(command, 0x11, Array(repeating: 1, count: 12))) == .malformed)
        }
        for family: UInt8 in [0x12, 0x22, 0x32, 0x10, 0x41, 0xFF] {
            #expect(ProxyHeader(Self.header(0x21, family, Array(repeating: 1, count: 216))) == .malformed)
        }
        #expect(ProxyHeader(Self.header(0x21, 0x11, Array(repeating: 1, count: 11))) == .malformed, "too short")
        #expect(ProxyHeader(Self.header(0x21, 0x21, Array(repeating: 1, count: 35))) == .malformed)
        #expect(ProxyHeader(Self.signature + [0x21, 0x11, 0xFF, 0xFF]) == .malformed, "nobody needs 64 KiB")
    }

    // MARK: On sockets

    private static let proxied: @Sendable (String) -> Bool = { $0 == "127.0.0.1" }

    @Test("The session learns of the client, at every split of the header", arguments: [1, 5, 12, 16, 20, 28])
    func session(cut: Int) async throws {
        try await TestServer.run(EchoSession.channel(isProxy: Self.proxied)) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(octets: Array(Self.v4[..<cut]))
                try await client.send(octets: Array(Self.v4[cut...]) + Array("hello\r\n".utf8))
                #expect(try await client.line() == "220 203.0.113.9")
                #expect(try await client.line() == "echo hello")
                try await client.send("again\r\nQUIT\r\n")
                #expect(try await client.line() == "echo again")
                #expect(try await client.line() == "221 bye")
            }
        }
    }

    @Test("A proxy that speaks for itself is itself") func local() async throws {
        try await TestServer.run(EchoSession.channel(isProxy: Self.proxied)) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(octets: Self.header(0x20, 0, []))
                #expect(try await client.line() == "220 127.0.0.1")
            }
        }
    }

    @Test("Nobody hears a word without a header", arguments: ["EHLO x\r\n", "PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\n"])
    func none(text: String) async throws {
        try await TestServer.run(EchoSession.channel(isProxy: Self.proxied)) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(text)
                #expect(await client.rest() == "")
            }
        }
    }

    @Test("Who is silent, or stops in the middle, is not waited for", arguments: [0, 7]) func silent(
        count: Int
    ) async throws {
        let deadlines = SocketDeadlines(proxyHeader: .milliseconds(50))
        try await TestServer.run(EchoSession.channel(deadlines: deadlines, isProxy: Self.proxied)) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send(octets: Array(Self.v4[..<count]))
                #expect(await client.rest() == "")
            }
        }
    }

    @Test("From others a header is only octets") func stranger() async throws {
        try await TestServer.run(EchoSession.channel(isProxy: { _ in false })) { server in
            try await TestClient.connect(to: server.port) { client in
                #expect(try await client.line() == "220 127.0.0.1")
                try await client.send(octets: Self.v4)
                try await client.send("\r\nNOTE\r\n")
                while try await client.line() != "note posted" {}
            }
        }
    }

    @Test("TLS begins behind the header") func implicitTLS() async throws {
        let tls = try TestTLS.shared.get()
        let channel = EchoSession.channel(.implicit(tls.source), isProxy: Self.proxied)
        try await TestServer.run(channel) { server in
            try await TestClient.connect(to: server.port, prefix: Self.v6, tls: tls.clientRole) { client in
                #expect(try await client.line() == "220 2001:db8::9")
                try await client.send("SECURITY\r\nQUIT\r\n")
                #expect(try await client.line() == "250 TLSv1.3 mail.example")
                #expect(try await client.line() == "221 bye")
            }
        }
    }

    @Test("A proxy may have more connections than an address may, but not for one client") func limits() async throws {
        let limits = ConnectionLimits(total: 100, perAddress: 1, isProxy: Self.proxied)
        try await TestServer.run(EchoSession.channel(isProxy: Self.proxied), limits: limits) { server in
            try await TestClient.connect(to: server.port) { first in
                try await first.send(octets: Self.v4)
                #expect(try await first.line() == "220 203.0.113.9")
                try await TestClient.connect(to: server.port) { second in
                    try await second.send(octets: Self.v6)
                    #expect(try await second.line() == "220 2001:db8::9")
                    for _ in 0..<2 {
                        try await TestClient.connect(to: server.port) { third in
                            try await third.send(octets: Self.v4 + Array("hello\r\n".utf8))
                            #expect(await third.rest() == "", "and its refusal takes no place")
                        }
                    }
                }
                try await first.send("QUIT\r\n")
                #expect(try await first.line() == "221 bye")
                #expect(await first.rest() == "")
            }
            // Its place is free again, sooner or later.
            var greeting = ""
            while greeting.isEmpty {
                try await TestClient.connect(to: server.port) { client in
                    try await client.send(octets: Self.v4 + Array("QUIT\r\n".utf8))
                    greeting = await client.rest()
                }
            }
            #expect(greeting.hasPrefix("220 203.0.113.9"))
        }
    }

    @Test("Where somebody gives way, it is one of the same client's") func eviction() async throws {
        let limits = ConnectionLimits(total: 100, perAddress: 1, makesRoom: true, isProxy: Self.proxied)
        try await TestServer.run(EchoSession.channel(isProxy: Self.proxied), limits: limits) { server in
            try await TestClient.connect(to: server.port) { other in
                try await other.send(octets: Self.v6)
                #expect(try await other.line() == "220 2001:db8::9")
                try await TestClient.connect(to: server.port) { first in
                    try await first.send(octets: Self.v4)
                    #expect(try await first.line() == "220 203.0.113.9")
                    try await TestClient.connect(to: server.port) { second in
                        try await second.send(octets: Self.v4)
                        #expect(try await second.line() == "220 203.0.113.9")
                        _ = await first.rest()
                        try await second.send("hello\r\n")
                        #expect(try await second.line() == "echo hello")
                    }
                }
                try await other.send("hello\r\n")
                #expect(try await other.line() == "echo hello")
            }
        }
    }
}
