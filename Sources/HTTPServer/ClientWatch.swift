// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Sits between HTTP and the octets of a connection, and tells what HTTP does not: that the client has hung up while
/// its request waits, and whether a response has left completely.
///
/// It does not look at what passes.
final class ClientWatch: ChannelDuplexHandler {
    typealias InboundIn = Never
    typealias OutboundIn = Never

    /// A request, from its head to the last octet of its response.
    private final class Watched {
        let exchange: Exchange
        /// Writes that the socket has not taken.
        var pending = 0
        var hasFailed = false
        /// All of the response has been handed over.
        var isComplete = false

        init(_ exchange: Exchange) { self.exchange = exchange }

        func report() {
            guard self.isComplete, self.pending == 0 else { return }
            self.exchange.completed(isWritten: !self.hasFailed)
        }
    }

    /// The request that is being served: they come one after the other.
    private var current: Watched?
    private var isDisconnected = false

    init() {}

    /// A request begins.
    func begin(_ exchange: Exchange) {
        self.current = Watched(exchange)
        if self.isDisconnected { exchange.disconnected() }
    }

    /// All of the response has been handed over; ``Exchange/completed(isWritten:)`` follows when it has left.
    func finish() {
        guard let watched = self.current.take() else { return }
        watched.isComplete = true
        watched.report()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard let watched = self.current else { return context.write(data, promise: promise) }
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        watched.pending += 1
        promise.futureResult.assumeIsolated().whenComplete { result in
            watched.pending -= 1
            if case .failure = result { watched.hasFailed = true }
            watched.report()
        }
        context.write(data, promise: promise)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { self.disconnected() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.disconnected()
        context.fireChannelInactive()
    }

    private func disconnected() {
        self.isDisconnected = true
        self.current?.exchange.disconnected()
    }
}
