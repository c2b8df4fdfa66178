// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import NIOEmbedded
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

/// RFC 6455, over sockets.
@Suite("Bridge: WebSockets", .timeLimit(.minutes(20))) struct WebSocketTests {
    // NUL "ann@example.org" NUL "secret"
    private static let plain = "AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=\r\n"

    @Test("ws-open: a WebSocket is an IMAP connection, also on a connection that was used before") func open()
        async throws
    {
        try await Fixture.run { fixture in
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    try await client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    _ = try await client.receive(until: "}\n")
                    let head = try await client.upgrade("/imap/")
                    // RFC 6455 §1.3
                    #expect(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"))
                    #expect(head.contains("\r\nSec-WebSocket-Protocol: imap-bridge.v1\r\n"))
                    #expect(head.contains("\r\nCache-Control: no-store\r\n"))
                    #expect(!head.lowercased().contains("content-length"))
                    #expect(!head.lowercased().contains("sec-websocket-extensions"))
                    #expect(try await client.octets(until: "\r\n").hasPrefix("* OK "))
                    try await client.sendFrame("a LOGIN ann@example.org se")
                    try await client.sendFrame("cret\r\nb NOOP\r\n")
                    let text = try await client.octets(until: "b OK NOOP completed\r\n")
                    #expect(text.contains("a OK "))
                    // ws-logout
                    try await client.sendFrame("c LOGOUT\r\n")
                    #expect(try await client.octets(until: "c OK").contains("* BYE "))
                    #expect(try await client.frame() == .close(1000))
                    try await client.sendFrame(0x88, [0x03, 0xE8])
                    #expect(try await client.frame() == nil)
                }
                try await waitUntil { fixture.bridge.table.count == 0 }
                #expect(fixture.bridge.bodies.usedCount == 0)
            }
        }
    }

    @Test("ws-ends-session: a connection that a WebSocket opened ends with it", arguments: [0, 1, 2])
    func endsSession(how: Int) async throws {
        try await Fixture.run { fixture in
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade("/imap/")
                    _ = try await client.octets(until: "\r\n")
                    #expect(fixture.bridge.table.count == 1)
                    if how == 0 {
                        try await client.sendFrame(0x88, [0x03, 0xE9])
                        #expect(try await client.frame() == .close(1001))
                        #expect(try await client.frame() == nil)
                    } else if how == 1 {
                        // Half of it is enough.
                        client.finish()
                        #expect(try await client.frame() == nil)
                    }
                }
                try await waitUntil { fixture.bridge.table.count == 0 }
            }
        }
    }

    @Test("ws-takeover: a WebSocket takes a connection over, and leaves it to others when it ends") func takeOver()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.logIn()
            try await SocketServer.run(fixture) { server in
                try await server.connect { first in
                    async let parked = fixture.ask(.get, path)
                    try await fixture.untilParked(path)
                    _ = try await first.upgrade(path)
                    #expect(try await parked.octets.isEmpty)
                    try await first.sendFrame("b NOOP\r\n")
                    #expect(try await first.octets(until: "\r\n") == "b OK NOOP completed\r\n")
                    // Bodies of other requests still get there.
                    _ = try await fixture.post(path, "c NOOP\r\n")
                    #expect(try await first.octets(until: "\r\n") == "c OK NOOP completed\r\n")
                    try await server.connect { second in
                        _ = try await second.upgrade(path)
                        #expect(try await first.frame() == .close(4000))
                        try await second.sendFrame("d NOOP\r\n")
                        #expect(try await second.octets(until: "\r\n") == "d OK NOOP completed\r\n")
                        // A request for data takes its place, too.
                        async let poll = fixture.ask(.get, path)
                        #expect(try await second.frame() == .close(4000))
                        _ = try await fixture.post(path, "e NOOP\r\n")
                        #expect(try await poll.text == "e OK NOOP completed\r\n")
                    }
                }
                let session = try fixture.session(path)
                try await waitUntil { session.state.withLock { $0.requests == 0 && $0.socket == nil } }
                _ = try await fixture.post(path, "f NOOP\r\n")
                #expect(try await fixture.fetch(path, until: "f OK") == "f OK NOOP completed\r\n")
            }
        }
    }

    @Test("ws-takeover: what is said meanwhile reaches one of the two, and nothing follows a Close (RFC 6455 §5.5.1)")
    func outputAtTakeover() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.logIn()
            try await SocketServer.run(fixture) { server in
                for number in 0..<20 {
                    try await server.connect { first in
                        _ = try await first.upgrade(path)
                        try await server.connect { second in
                            try await second.send(SocketClient.upgrade(path))
                            for part in 0..<5 { _ = try await fixture.post(path, "x\(number).\(part) NOOP\r\n") }
                            _ = try await second.receive(until: "\r\n\r\n")
                            var (text, codes): (String, [UInt16]) = ("", [])
                            while let frame = try await first.frame() {
                                if case .octets(let octets) = frame {
                                    #expect(codes.isEmpty)
                                    text += octets
                                } else if case .close(let code) = frame {
                                    codes.append(code)
                                    try await first.sendFrame(0x88, [0x0F, 0xA0])
                                }
                            }
                            #expect(codes == [4000])
                            let end = "y\(number) OK NOOP completed\r\n"
                            try await second.sendFrame("y\(number) NOOP\r\n")
                            text += try await second.octets(until: end)
                            let lines = (0..<5).map { "x\(number).\($0) OK NOOP completed\r\n" }
                            #expect(text == lines.joined() + end)
                        }
                    }
                }
            }
        }
    }

    @Test("ws-takeover: a request that is refused takes nobody's place") func refusedRequest() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.logIn()
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade(path)
                    try await waitUntil { try fixture.session(path).state.withLock { $0.socket != nil } }
                    #expect(try await fixture.ask(.get, path, fields: [.bridgeAck: "99999"]).error == "ack-window")
                    try await client.sendFrame("b NOOP\r\n")
                    #expect(try await client.octets(until: "\r\n") == "b OK NOOP completed\r\n")
                }
            }
        }
    }

    @Test("RFC 6455 §5.5.1: nothing is written behind a Close, and whoever wants to is told") func afterClose() throws {
        let (_, feed) = AsyncStream.makeStream(of: WebSocketHandler.Event.self)
        let channel = EmbeddedChannel()
        let handler = WebSocketHandler(feed, end: channel.eventLoop.makePromise())
        try channel.pipeline.syncOperations.addHandler(handler)
        for (octets, isLast, isWritten) in [
            ([1], false, true), ([2], true, true), ([3], false, false), ([4], true, false),
        ]
            as [([UInt8], Bool, Bool)]
        {
            let promise = channel.eventLoop.makePromise(of: Void.self)
            handler.write(octets, isLast: isLast, promise: promise)
            if isWritten {
                try promise.futureResult.wait()
            } else {
                #expect(throws: ChannelError.self) { try promise.futureResult.wait() }
            }
        }
        _ = try channel.finish()
        var written: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) { written += Array(buffer.readableBytesView) }
        #expect(written == [1, 2])
    }

    @Test("ws-is-use: a connection is used while there is a WebSocket, and its client is asked whether it is there")
    func pings() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade(path)
                    _ = try await client.octets(until: "\r\n")
                    for _ in 0..<5 {
                        fixture.clock.advance(by: .seconds(30))
                        #expect(try await client.frame() == .ping)
                        try await client.sendFrame(0x8A, [])
                        try await client.sendFrame(0x89, [1, 2])
                        #expect(try await client.frame() == .pong([1, 2]))
                    }
                    #expect(fixture.bridge.table.count == 1)
                    // Nobody answers any more.
                    for _ in 0..<3 {
                        fixture.clock.advance(by: .seconds(30))
                    }
                    while let frame = try await client.frame() { #expect(frame == .ping) }
                }
                let session = try fixture.session(path)
                try await waitUntil { session.state.withLock { $0.requests == 0 } }
                fixture.clock.advance(by: .seconds(100))
                try await waitUntil { fixture.bridge.table.count == 0 }
            }
        }
    }

    @Test(
        "ws-text-1003, ws-too-big-1009, ws-unmasked-1002: a client that does what it must not hears why; the session stays",
        arguments: [
            (WebSocketFramesTests.frame(0x81, [0x61]), 1003), ([0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1], 1009),
            (WebSocketFramesTests.frame(0x82, [0x61], masked: false), 1002),
            (WebSocketFramesTests.frame(0xC2, [1]), 1002),
        ] as [([UInt8], UInt16)]
    )
    func violations(octets: [UInt8], code: UInt16) async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade(path)
                    _ = try await client.octets(until: "\r\n")
                    try await client.send(octets)
                    #expect(try await client.frame() == .close(code))
                    #expect(try await client.frame() == nil)
                }
            }
            _ = try await fixture.post(path, "a NOOP\r\n")
            #expect(try await fixture.fetch(path, until: "a OK") == "a OK NOOP completed\r\n")
        }
    }

    @Test("ws-lost: what a WebSocket could not deliver is not lost") func lost() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let session = try fixture.session(path)
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade(path)
                    _ = try await client.octets(until: "\r\n")
                }
                try await waitUntil { session.state.withLock { $0.requests == 0 } }
                _ = try await fixture.post(path, "a NOOP\r\n")
                try await server.connect { client in
                    _ = try await client.upgrade(path)
                    #expect(try await client.octets(until: "\r\n") == "a OK NOOP completed\r\n")
                }
            }
        }
    }

    @Test("ws-input-bounded: what the session does not take yet is not read from the client without end") func input()
        async throws
    {
        try await Fixture.run {
            $0.outputLimit = 1
            $0.waitingLimit = 100_000
        } _: { fixture in
            let path = try await fixture.open()
            let session = try fixture.session(path)
            // The greeting keeps the session from saying, and so from taking, anything else.
            _ = try await fixture.post(path, "a NOOP\r\n")
            try await waitUntil { session.state.withLock { $0.writer != nil } }
            let loan = try #require(try await session.lend())
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade(path)
                    let line = "b NOOP\r\n"
                    let block = Array(String(repeating: line, count: 8000).utf8)
                    let outbound = client.outbound
                    let frame = WebSocketFramesTests.frame(0x82, block)
                    async let sent: Void = {
                        for _ in 0..<100 { try await outbound.write(ByteBuffer(bytes: frame)) }
                    }()
                    try await waitUntil { session.state.withLock { $0.sender != nil } }
                    #expect(session.state.withLock { $0.waiting } < 300_000)
                    _ = try fixture.session(path).close()
                    _ = try? await sent
                }
            }
            session.settle(loan, isDelivered: true)
            try await waitUntil { fixture.bridge.bodies.usedCount == 0 }
        }
    }

    @Test("ws-shutdown-1001: at the end of the process the client hears the farewell, and why") func shutdown()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade(path)
                    _ = try await client.octets(until: "\r\n")
                    fixture.bridge.shutDown()
                    #expect(try await client.octets(until: "\r\n").hasPrefix("* BYE "))
                    #expect(try await client.frame() == .close(1001))
                }
            }
        }
    }

    @Test(
        "ws-handshake: what is no handshake is refused, and nothing is opened",
        arguments: [
            ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 426),
            ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: x", 426),
            ("imap-bridge.v1", "imap-bridge.v2", 426), ("Sec-WebSocket-Protocol", "X-Protocol", 426),
            // ws-origin
            ("Origin: http://localhost", "Origin: http://evil.example", 403),
            ("Origin: http://localhost", "Origin: null", 403),
            ("Origin: http://localhost", "X-Nothing: x", 403), ("Host: localhost", "Host: evil.example", 421),
        ]
    )
    func handshake(part: String, replacement: String, status: Int) async throws {
        try await Fixture.run { fixture in
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    try await client.send(SocketClient.upgrade("/imap/").replacing(part, with: replacement))
                    let head = try await client.receive(until: "\r\n\r\n")
                    #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(head)")
                    if status == 426 { #expect(head.contains("\r\nSec-WebSocket-Version: 13\r\n")) }
                }
            }
            #expect(fixture.bridge.table.count == 0)
        }
    }

    @Test("ws-takeover: an ID that is unknown is unknown here, too") func unknownID() async throws {
        try await Fixture.run { fixture in
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    try await client.send(SocketClient.upgrade("/imap/1"))
                    #expect(try await client.receive(until: "\r\n\r\n").contains("\r\nBridge-Error: no-session\r\n"))
                }
            }
        }
    }

    @Test("ws-smtp: a WebSocket is a connection to the submission service") func smtp() async throws {
        try await Fixture.run { fixture in
            try await SocketServer.run(fixture) { server in
                try await server.connect { client in
                    _ = try await client.upgrade("/smtp/", protocol: "smtp-bridge.v1")
                    #expect(try await client.octets(until: "\r\n").hasPrefix("220 "))
                    try await client.sendFrame("EHLO client.example.com\r\n")
                    #expect(!(try await client.octets(until: "250 ").contains("STARTTLS")))
                    try await client.sendFrame(Self.plain)
                    _ = try await client.octets(until: "235 ")
                    try await client.sendFrame("MAIL FROM:<ann@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n")
                    _ = try await client.octets(until: "354 ")
                    try await client.sendFrame("From: <ann@example.org>\r\nSubject: hi\r\n\r\nhi\r\n.\r\nQUIT\r\n")
                    #expect(try await client.octets(until: "221 ").contains("250 "))
                    #expect(try await client.frame() == .close(1000))
                }
                #expect(try await fixture.inboxCount() == 1)
                // The subprotocol of the other one does not do.
                try await server.connect { client in
                    try await client.send(SocketClient.upgrade("/smtp/"))
                    #expect(try await client.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 426 "))
                }
            }
        }
    }

    @Test("ws-smtp: a client that leaves ends its session, and its place is free") func smtpLeaves() async throws {
        try await Fixture.run {
            $0.unauthenticatedPerAddress = 1
        } _: { fixture in
            try await SocketServer.run(fixture) { server in
                for _ in 0..<3 {
                    try await server.connect { client in
                        _ = try await client.upgrade("/smtp/", protocol: "smtp-bridge.v1")
                        _ = try await client.octets(until: "\r\n")
                        try await server.connect { other in
                            try await other.send(SocketClient.upgrade("/smtp/", protocol: "smtp-bridge.v1"))
                            #expect(try await other.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 429 "))
                        }
                    }
                    try await waitUntil { try await fixture.post("/smtp/", "QUIT\r\n").status == .ok }
                }
            }
        }
    }
}
