// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import HTTPServer

/// A client's end of an HTTP connection in memory, from its octets to the bridge.
struct Wire: Sendable {
    private let channel: NIOAsyncTestingChannel

    /// Runs `body` with a connection to the bridge of `fixture`, and closes it at the end.
    ///
    /// `socket` are handlers between HTTP and the other end.
    static func run(
        _ fixture: Fixture,
        socket: [any ChannelHandler & Sendable] = [],
        _ body: (Wire) async throws -> Void
    ) async throws {
        let channel = NIOAsyncTestingChannel()
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 49152)
        channel.remoteAddress = address
        try await channel.pipeline.addHandlers(socket).get()
        let http = HTTPChannel(bridge: fixture.bridge, isTLS: false) { "letterhouse_up 1\n" }
        let logger = Logger(label: "test")
        let value = try await channel.eventLoop.flatSubmit { http.setup(channel: channel, logger: logger) }.get()
        try await channel.connect(to: address).get()
        try await withThrowingTaskGroup { group in
            group.addTask { await http.handle(value: value, logger: logger) }
            let wire = Wire(channel: channel)
            do { try await body(wire) } catch {
                await wire.close()
                throw error
            }
            await wire.close()
        }
    }

    func send(_ text: String) async throws { try await self.channel.writeInbound(ByteBuffer(string: text)) }

    /// What the server sends next, until `end` is at the end of it.
    func receive(until end: String) async throws -> String {
        var text = ""
        while !text.hasSuffix(end) {
            text += String(buffer: try await self.channel.waitForOutboundWrite(as: ByteBuffer.self))
        }
        return text
    }

    /// Everything the server sends until it closes the connection.
    func receiveAll() async throws -> String {
        var text = ""
        try await self.channel.closeFuture.get()
        while let buffer = try await self.channel.readOutbound(as: ByteBuffer.self) { text += String(buffer: buffer) }
        return text
    }

    /// Hangs up.
    func close() async { try? await self.channel.close().get() }

    /// Sends nothing more, and goes on listening.
    func closeOutput() async throws {
        try await self.channel.eventLoop.submit {
            self.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        }.get()
    }
}

/// A socket to a client that is gone: nothing is written any more, and with the first attempt the connection ends.
final class BrokenSocket: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = Never
    struct Broken: Error {}

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        promise?.fail(Broken())
        context.close(promise: nil)
    }
}
