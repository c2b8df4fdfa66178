// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// RFC 9112, through the whole of HTTP.
@Suite("HTTP on a connection", .timeLimit(.minutes(20))) struct HTTPChannelTests {
    private static func request(_ line: String, _ fields: String = "", body: String = "") -> String {
        "\(line) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n\(body)"
    }

    @Test("RFC 9110 §9.3.2: HEAD is answered without a body, so the next response begins where it should")
    func head() async throws {
        try await Fixture.run { fixture in
            try await Wire.run(fixture) { wire in
                for path in ["/imap/", "/nowhere", "/health"] {
                    try await wire.send(Self.request("HEAD \(path)"))
                    let head = try await wire.receive(until: "\r\n\r\n")
                    #expect(head.hasPrefix("HTTP/1.1 "))
                    #expect(!head.dropLast(4).contains("\r\n\r\n"))
                }
                try await wire.send(Self.request("GET /health"))
                let text = try await wire.receive(until: "}\n")
                #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"), "\(text)")
            }
        }
    }

    @Test(
        "RFC 9112 §6, §11.2: a request whose end is in doubt is not done, and nothing behind it is",
        arguments: [
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: 5, 6\r\n", "Content-Length: +5\r\n", "Content-Length: -1\r\n", "Content-Length: 0x5\r\n",
            "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: xchunked\r\n",
            "Transfer-Encoding : chunked\r\n", "Content-Length: 5\r\n Transfer-Encoding: chunked\r\n\r",
            "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        ]
    )
    func smuggling(fields: String) async throws {
        try await Fixture.run { fixture in
            try await Wire.run(fixture) { wire in
                let hidden = Self.request("POST /imap/")
                try? await wire.send(Self.request("POST /imap/", fields, body: "0\r\n\r\n" + hidden))
                await wire.close()
                #expect(fixture.bridge.table.count == 0)
            }
        }
    }

    @Test(
        "T-06: nobody is asked to change to TLS in the middle (RFC 2817)",
        arguments: ["TLS/1.0", "TLS/1.2, HTTP/1.1"]
    )
    func noUpgrade(_ protocols: String) async throws {
        try await Fixture.run { fixture in
            try await Wire.run(fixture) { wire in
                try await wire.send(Self.request("GET /health", "Upgrade: \(protocols)\r\nConnection: Upgrade\r\n"))
                let text = try await wire.receive(until: "}\n")
                #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(!text.lowercased().contains("\r\nupgrade:"))
            }
        }
    }

    @Test(
        "RFC 9110 §7.8: a request that asks for another protocol is answered in this one, and is the last",
        arguments: [
            ("GET /health", "Upgrade: h2c\r\nConnection: Upgrade\r\n", 200),
            ("GET /health", "Upgrade: websocket\r\nConnection: Upgrade\r\n", 200),
            ("GET /imap/", "Upgrade: websocket\r\nConnection: Upgrade\r\n", 426),
            ("POST /imap/", "Upgrade: h2c\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n", 400),
            ("CONNECT localhost:1", "", 501),
        ]
    )
    func lastRequest(line: String, fields: String, status: Int) async throws {
        try await Fixture.run { fixture in
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    try await client.send(Self.request(line, fields))
                    let head = try await client.receive(until: "\r\n\r\n")
                    #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
                    let last = status == 426 ? "close, Upgrade" : "close"
                    #expect(head.contains("\r\nConnection: \(last)\r\n"), "\(head)")
                    // It is not even read as HTTP.
                    try? await client.send(Self.request("GET /health"))
                    #expect(!String(decoding: await client.receiveAll(), as: UTF8.self).contains("HTTP/1.1"))
                }
            }
            #expect(fixture.bridge.table.count == 0)
        }
    }

    @Test("A client that asks for another protocol, and does not wait for the answer, is hung up on") func flood()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            let session = try fixture.session(path)
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    try await client.send(Self.request("GET \(path)", "Upgrade: h2c\r\nConnection: Upgrade\r\n"))
                    try await fixture.untilParked(path)
                    let block = String(repeating: "x", count: 64 * 1024)
                    for _ in 0..<3 { try? await client.send(block) }
                    try await waitUntil { session.state.withLock { $0.requests == 0 } }
                }
            }
        }
    }

    @Test(
        "T-05: what speaks another protocol hears nothing of its own words, and is hung up on",
        arguments: ["a1 LOGIN <script> x\r\n", "EHLO <script>\r\n", "* OK <script>\r\n", "<script>\r\n\r\n"]
    )
    func anotherProtocol(_ line: String) async throws {
        try await Fixture.run { fixture in
            try await Wire.run(fixture) { wire in
                try? await wire.send(line)
                let text = try await wire.receiveAll()
                #expect(text.isEmpty || text.hasPrefix("HTTP/1.1 400 "), "\(text)")
                #expect(!text.contains("script"))
            }
        }
    }

    @Test("RFC 9112 §3.2: a request with two Host fields is refused") func twoHosts() async throws {
        try await Fixture.run { fixture in
            try await Wire.run(fixture) { wire in
                try await wire.send(Self.request("GET /health", "Host: evil.example\r\n"))
                #expect(try await wire.receive(until: "\n").hasPrefix("HTTP/1.1 400 "))
            }
        }
    }

    @Test("cut-body-no-effect: A chunked body that breaks off has no effect") func cutChunks() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            try await Wire.run(fixture) { wire in
                try await wire.send(
                    Self.request("POST \(path)", "Transfer-Encoding: chunked\r\n", body: "a\r\na LOGOUT\r\n\r\n")
                )
                try await waitUntil { fixture.bridge.bodies.usedCount > 0 }
            }
            try await waitUntil { fixture.bridge.bodies.usedCount == 0 }
            _ = try await fixture.post(path, "b NOOP\r\n")
            #expect(try await fixture.fetch(path, until: "b OK") == "b OK NOOP completed\r\n")
        }
    }

    @Test("A response that the socket does not take comes again, and leaves nothing behind") func brokenSocket()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let session = try fixture.session(path)
            try await waitUntil { session.state.withLock { !$0.output.isEmpty } }
            for _ in 0..<20 {
                try await Wire.run(fixture, socket: [BrokenSocket()]) { wire in
                    try await wire.send(Self.request("GET \(path)"))
                    _ = try? await wire.receiveAll()
                }
                try await waitUntil { session.state.withLock { $0.requests == 0 && !$0.output.isLent } }
            }
            #expect(try await fixture.ask(.get, path).text.hasPrefix("* OK "))
        }
    }

    @Test("A response that the socket has taken does not come again") func delivered() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let session = try fixture.session(path)
            for number in 0..<20 {
                try await Wire.run(fixture) { wire in
                    try await wire.send(Self.request("GET \(path)"))
                    let text = try await wire.receive(until: number == 0 ? "ready\r\n" : "completed\r\n")
                    #expect(text.hasSuffix(number == 0 ? "ready\r\n" : "x\(number - 1) OK NOOP completed\r\n"))
                }
                try await waitUntil { session.state.withLock { $0.requests == 0 && !$0.output.isLent } }
                _ = try await fixture.post(path, "x\(number) NOOP\r\n")
            }
        }
    }

    @Test("A waiting request ends when its client hangs up", arguments: [false, true])
    func hangUp(isHalf: Bool) async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            let session = try fixture.session(path)
            try await Wire.run(fixture) { wire in
                try await wire.send(Self.request("GET \(path)"))
                try await fixture.untilParked(path)
                if isHalf { try await wire.closeOutput() } else { await wire.close() }
                try await waitUntil { session.state.withLock { $0.requests == 0 && $0.waiter == nil } }
            }
        }
    }

    @Test("slow-body-408: A body that only trickles in is given up, and its connection closed") func trickle()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            try await Wire.run(fixture) { wire in
                try await wire.send(Self.request("POST \(path)", "Content-Length: 100\r\n", body: "a NO"))
                try await waitUntil { fixture.bridge.bodies.usedCount > 0 }
                fixture.clock.advance(by: .seconds(60))
                let text = try await wire.receiveAll()
                #expect(text.hasPrefix("HTTP/1.1 408 "), "\(text)")
                #expect(text.contains("\r\nConnection: close\r\n"))
                #expect(fixture.bridge.bodies.usedCount == 0)
            }
        }
    }

    @Test(
        "RFC 9112 §9.6: the connection ends with the response to a request that asks for it",
        arguments: ["close", "Close", "keep-alive, CLOSE", "x\r\nConnection: close"]
    )
    func close(option: String) async throws {
        try await Fixture.run { fixture in
            try await Wire.run(fixture) { wire in
                try await wire.send(Self.request("GET /health", "Connection: \(option)\r\n"))
                let text = try await wire.receiveAll()
                #expect(text.contains("\r\nConnection: close\r\n"))
                #expect(text.hasSuffix("{\"status\":\"ok\"}\n"))
            }
        }
    }

    @Test("RFC 9110 §10.1.1: a client that waits with its body is told to go on") func expectation() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            try await Wire.run(fixture) { wire in
                try await wire.send(
                    Self.request("POST \(path)", "Content-Length: 8\r\nExpect: 100-continue\r\n")
                )
                #expect(try await wire.receive(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
                try await wire.send("a NOOP\r\n")
                #expect(try await wire.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
            }
            #expect(try await fixture.ask(.get, path).text == "a OK NOOP completed\r\n")
        }
    }

    @Test("RFC 9110 §10.1.1: a client that waits with a body that is too big need not send it, and cannot go on")
    func refusedExpectation() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            try await Wire.run(fixture) { wire in
                try await wire.send(
                    Self.request("POST \(path)", "Content-Length: 100000000\r\nExpect: 100-continue\r\n")
                )
                let text = try await wire.receiveAll()
                #expect(text.hasPrefix("HTTP/1.1 413 "))
                #expect(text.contains("\r\nConnection: close\r\n"))
            }
        }
    }
}
