// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import MailConnection
import NIOCore
import SMTPSyntax

/// What an accept loop does with a connection of HTTP/1.1: every request goes through ``Routes``.
package struct HTTPChannel: ServerChildChannel {
    package typealias Value = HTTP1Channel.Value

    private let base: HTTP1Channel

    private let writeTimeout: TimeAmount

    /// Makes a channel for `bridge`, the service behind the routes, which must be running.
    ///
    /// `storage` is the storage API's, if that is served. `isTLS` tells whether TLS is spoken on the connections before they
    /// come here. A client may be silent between, and within, its requests for `idleTimeout`, and take nothing of a response
    /// for `writeTimeout`. `metrics` writes all meters in the text format of Prometheus.
    package init(
        bridge: BridgeService,
        storage: StorageService? = nil,
        isTLS: Bool,
        idleTimeout: TimeAmount = .seconds(75),
        writeTimeout: TimeAmount = .seconds(75),
        metrics: @escaping @Sendable () -> String
    ) {
        let responder = Routes.responder(bridge: bridge, storage: storage, metrics: metrics)
        let bodyLimit = max(bridge.options.bodyLimit, storage?.options.messageLimit ?? 0)
        let time = bridge.time
        self.writeTimeout = writeTimeout
        self.base = HTTP1Channel(
            responder: { request, writer, channel in
                try await Self.respond(
                    to: request,
                    writer,
                    on: channel,
                    isTLS: isTLS,
                    bodyLimit: bodyLimit,
                    time: time,
                    through: responder
                )
            },
            configuration: HTTP1Channel.Configuration(
                idleTimeout: idleTimeout,
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: 16 * 1024,
                    maxHeaderListSize: 32 * 1024,
                    maxHeaderFieldCount: 100
                )
            )
        )
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ClientWatch(writeTimeout: self.writeTimeout))
        }.flatMap {
            self.base.setup(channel: channel, logger: logger)
        }
    }

    package func handle(value: Value, logger: Logger) async {
        await self.base.handle(value: value, logger: logger)
    }

    /// Answers one request, and tells its handler what became of the answer.
    @concurrent private static func respond(
        to request: Request,
        _ writer: consuming ResponseWriter,
        on channel: any Channel,
        isTLS: Bool,
        bodyLimit: Int,
        time: TimeSource,
        through responder: some HTTPResponder<HTTPContext>
    ) async throws {
        let exchange = Exchange()
        let source = RequestSource(
            origin: RequestOrigin(of: channel, isTLS: isTLS),
            exchange: exchange,
            logger: Logger.current
        )
        // RFC 9110 §10.1.1: the client waits with its body. One that is too big it need not send.
        let isTooBig = request.headers[.contentLength].flatMap(Int.init).map { $0 > bodyLimit } ?? false
        let isWaiting = request.headers[.expect]?.lowercased() == "100-continue"
        if isWaiting, !isTooBig {
            try await writer.writeInformationalHead(HTTPResponse(status: .continue))
        }
        // Behind that, which is no part of the response.
        let inputLimit = request.stopsHTTP ? (request.headers[.contentLength].flatMap(Int.init) ?? 0) : nil
        self.onEventLoop(of: channel) { watch in watch?.begin(exchange, inputLimit: inputLimit) }
        let mustClose: Bool
        do {
            var response = try await responder.respond(to: request, context: HTTPContext(source: source))
            if response.status == .switchingProtocols, let upgrade = exchange.takeUpgrade() {
                defer { channel.close(promise: nil) }
                self.onEventLoop(of: channel) { watch in watch?.liftInputLimit() }
                let socket = try await WebSocket.begin(on: channel, with: response, time: time)
                await upgrade(socket)
                return exchange.completed(isWritten: true)
            }
            // Whether a body that was refused comes nevertheless, nobody knows: the next octets could be anything.
            let isLast = request.asksToClose || request.stopsHTTP || isWaiting && isTooBig
            mustClose = isLast || response.headers[.connection] == "close"
            if isLast { response.headers[.connection] = response.headers[.upgrade] == nil ? "close" : "close, Upgrade" }
            try await writer.write(response: response.head, body: response.body)
        } catch {
            exchange.completed(isWritten: false)
            throw error
        }
        // The connection, and its watch with it, may be gone by then; whoever waits for the outcome is not.
        self.onEventLoop(of: channel) { watch in
            watch?.finish(mustClose: mustClose)
            exchange.handedOver()
        }
    }

    /// Runs `body` with the connection's watch, if there still is one, in the order of the calls.
    private static func onEventLoop(of channel: any Channel, _ body: @escaping @Sendable (ClientWatch?) -> Void) {
        let eventLoop = channel.eventLoop
        @Sendable func run() { body(try? channel.pipeline.syncOperations.handler(type: ClientWatch.self)) }
        // On the event loop, what comes next must not overtake it.
        if eventLoop.inEventLoop { run() } else { eventLoop.execute(run) }
    }
}

extension Request {
    /// Whether nothing that comes behind it is read as HTTP: so it is where a client wants to change to another protocol.
    fileprivate var stopsHTTP: Bool { self.headers[.upgrade] != nil || self.method == .connect }

    /// Whether the connection is to end with this request (RFC 9112 §9.6).
    fileprivate var asksToClose: Bool {
        self.headers[values: .connection].contains { value in
            value.split { $0 == "," || $0 == " " || $0 == "\t" }.contains { $0.lowercased() == "close" }
        }
    }
}

extension RequestOrigin {
    /// A Unix socket counts as the loopback address: only this machine can be at its other end.
    init(of channel: any Channel, isTLS: Bool) {
        switch (channel.remoteAddress, channel.localAddress) {
        case (.unixDomainSocket?, _), (nil, .unixDomainSocket?):
            self.init(address: .ipv4Loopback, isLoopback: true, isTLS: isTLS)
        case (let address, _):
            let address = address?.ipAddress.flatMap { try? IPAddress(parsing: $0) }?.unmapped
            let isLoopback = address.map {
                $0 == .ipv6Loopback || $0.isWithin(.ipv4Loopback, prefixLength: 8)
            }
            self.init(address: address, isLoopback: isLoopback ?? false, isTLS: isTLS)
        }
    }
}
