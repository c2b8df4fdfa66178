// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import HTTPServer

/// The bridge of a fixture on a port of the loopback address that the kernel chose.
struct SocketServer: Sendable {
    let port: Int

    /// Listens for as long as `body` runs.
    static func run(_ fixture: Fixture, _ body: (SocketServer) async throws -> Void) async throws {
        let http = HTTPChannel(bridge: fixture.bridge, isTLS: false) { "letterhouse_up 1\n" }
        let logger = Logger(label: "test")
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: "127.0.0.1", port: 0) { channel in http.setup(channel: channel, logger: logger) }
        let port = try #require(listener.channel.localAddress?.port)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await listener.executeThenClose { inbound in
                    await withDiscardingTaskGroup { connections in
                        do {
                            for try await value in inbound {
                                connections.addTask { await http.handle(value: value, logger: logger) }
                            }
                        } catch {}
                        connections.cancelAll()
                    }
                }
            }
            defer { group.cancelAll() }
            try await body(SocketServer(port: port))
        }
    }

    /// Connects for as long as `body` runs.
    func connect(_ body: (inout SocketClient) async throws -> Void) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            var client = SocketClient(outbound: outbound, inbound: inbound.makeAsyncIterator())
            try await body(&client)
        }
    }
}

/// A client that sends exactly the octets it is told to.
struct SocketClient {
    let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    fileprivate var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var received: [UInt8] = []

    fileprivate init(
        outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>,
        inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) {
        self.outbound = outbound
        self.inbound = inbound
    }

    func send(_ octets: [UInt8]) async throws { try await self.outbound.write(ByteBuffer(bytes: octets)) }

    func send(_ text: String) async throws { try await self.send(Array(text.utf8)) }

    /// Sends nothing more.
    func finish() { self.outbound.finish() }

    /// What comes until `end`, with it; what comes behind that is for later.
    mutating func receive(until end: String) async throws -> String {
        while true {
            if let range = self.received.firstRange(of: Array(end.utf8)) { return self.take(range.upperBound) }
            try #require(await self.fill(), "the connection ended after \(self.take(self.received.count))")
        }
    }

    /// Everything that comes until the server hangs up.
    mutating func receiveAll() async -> [UInt8] {
        while await self.fill() {}
        defer { self.received = [] }
        return self.received
    }

    private mutating func take(_ count: Int) -> String {
        defer { self.received.removeFirst(count) }
        return String(decoding: self.received.prefix(count), as: UTF8.self)
    }

    private mutating func fill() async -> Bool {
        guard let buffer = try? await self.inbound.next(isolation: #isolation) else { return false }
        self.received += Array(buffer.readableBytesView)
        return true
    }

    // MARK: WebSockets

    /// A frame of the server's.
    enum Frame: Equatable {
        case octets(String)
        case ping, pong([UInt8])
        case close(UInt16)
    }

    static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    static func upgrade(_ path: String, protocol name: String = "imap-bridge.v1", _ fields: String = "") -> String {
        """
        GET \(path) HTTP/1.1
        Host: localhost
        Connection: keep-alive, Upgrade
        Upgrade: websocket
        Sec-WebSocket-Version: 13
        Sec-WebSocket-Key: \(Self.key)
        Sec-WebSocket-Protocol: other, \(name)
        Origin: http://localhost
        \(fields)

        """.replacing("\n", with: "\r\n").replacing("\r\n\r\n\r\n", with: "\r\n\r\n")
    }

    /// Asks for a WebSocket, and expects to get it; returns the response.
    mutating func upgrade(_ path: String, protocol name: String = "imap-bridge.v1") async throws -> String {
        try await self.send(Self.upgrade(path, protocol: name))
        let head = try await self.receive(until: "\r\n\r\n")
        try #require(head.hasPrefix("HTTP/1.1 101 "), "\(head)")
        return head
    }

    func sendFrame(_ first: UInt8, _ payload: [UInt8]) async throws {
        try await self.send(WebSocketFramesTests.frame(first, payload))
    }

    /// Sends a binary frame.
    func sendFrame(_ text: String) async throws { try await self.sendFrame(0x82, Array(text.utf8)) }

    /// The next frame; nil if the connection has ended.
    mutating func frame() async throws -> Frame? {
        while true {
            if self.received.count >= 2 {
                #expect(self.received[0] & 0xF0 == 0x80)
                #expect(self.received[1] & 0x80 == 0, "servers do not mask")
                let short = Int(self.received[1])
                try #require(short < 127)
                let extent = short == 126 ? 2 : 0
                if self.received.count >= 2 + extent {
                    let count = extent == 0 ? short : Int(self.received[2]) << 8 | Int(self.received[3])
                    if self.received.count >= 2 + extent + count {
                        let opcode = self.received[0] & 0x0F
                        let payload = Array(self.received[(2 + extent)..<(2 + extent + count)])
                        self.received.removeFirst(2 + extent + count)
                        switch opcode {
                        case 2: return .octets(String(decoding: payload, as: UTF8.self))
                        case 8: return .close(UInt16(payload[0]) << 8 | UInt16(payload[1]))
                        case 9: return .ping
                        default: return .pong(payload)
                        }
                    }
                }
            }
            guard await self.fill() else { return nil }
        }
    }

    /// What comes in frames until `end` has come.
    mutating func octets(until end: String) async throws -> String {
        var text = ""
        while !text.contains(end) {
            let frame = try await self.frame()
            guard case .octets(let more)? = frame else {
                Issue.record("\(frame.map { "\($0)" } ?? "the end") after \(text)")
                return text
            }
            text += more
        }
        return text
    }
}
