// SPDX-License-Identifier: Apache-2.0

import Glibc
import NIOCore
import NIOPosix
import Testing

@testable import MailNetwork

/// A client that sends exactly the segments it is told to.
struct TestClient {
    let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var received: [UInt8] = []

    /// Connects for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - port: on the loopback address.
    ///   - prefix: octets that come before everything, TLS too.
    ///   - tls: makes TLS come first.
    ///   - body: what to say.
    /// - Throws: what `body` throws.
    static func connect(
        to port: Int,
        prefix: [UInt8] = [],
        tls: TLSClientRole? = nil,
        _ body: (inout TestClient) async throws -> Void
    ) async throws {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try Self.addTLS(tls, to: channel) }
                    if !prefix.isEmpty {
                        try channel.pipeline.syncOperations.addHandler(PrefixHandler(prefix), position: .first)
                    }
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        try await channel.executeThenClose { inbound, outbound in
            var client = TestClient(
                channel: channel.channel,
                outbound: outbound,
                inbound: inbound.makeAsyncIterator()
            )
            try await body(&client)
        }
    }

    func send(_ text: String) async throws { try await self.outbound.write(ByteBuffer(string: text)) }

    func send(octets: [UInt8]) async throws { try await self.outbound.write(ByteBuffer(bytes: octets)) }

    /// Closes this side only.
    func finish() { self.outbound.finish() }

    /// Breaks the connection off: the server gets a reset.
    func reset() async throws {
        let options = try #require(self.channel as? any SocketOptionProvider)
        try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try? await self.channel.close()
    }

    /// The next line without its end; nil if the server has closed.
    mutating func line() async throws -> String? {
        while true {
            if let end = self.received.firstIndex(of: UInt8(ascii: "\n")) {
                defer { self.received.removeFirst(end + 1) }
                return String(decoding: self.received[..<end].dropLast(), as: UTF8.self)
            }
            guard let buffer = try await self.inbound.next(isolation: #isolation) else { return nil }
            self.received += buffer.readableBytesView
        }
    }

    /// All that still comes until the server closes, or breaks the connection off.
    mutating func rest() async -> String {
        while let buffer = try? await self.inbound.next(isolation: #isolation) {
            self.received += buffer.readableBytesView
        }
        defer { self.received = [] }
        return String(decoding: self.received, as: UTF8.self)
    }

    /// Speaks TLS from here on.
    func startTLS(_ role: TLSClientRole) async throws {
        let channel = self.channel
        try await channel.eventLoop.submit { try Self.addTLS(role, to: channel) }.get()
    }

    private static func addTLS(_ role: TLSClientRole, to channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(
            TLSHandler(TLSRole.client(role).makeSession(), patience: .seconds(10)),
            position: .first
        )
    }
}

/// Sends octets as soon as there is a connection.
private final class PrefixHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let octets: [UInt8]

    init(_ octets: [UInt8]) { self.octets = octets }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: self.octets)), promise: nil)
        context.fireChannelActive()
    }
}
