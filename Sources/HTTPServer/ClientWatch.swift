// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Sits between HTTP and the octets of a connection, and tells what HTTP does not: that the client has hung up while
/// its request waits, and whether a response has left completely.
///
/// A client that takes nothing of what it is sent is cut off: what is written for it would be kept for ever. So is one that
/// has asked for another protocol (RFC 9110 §7.8) and does not wait for the answer: HTTP keeps all that comes until then. It
/// does not look at what passes.
final class ClientWatch: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never

    /// What may come besides a body while a client should wait.
    private static let slack = 64 * 1024

    /// How long a client may take nothing.
    private let writeTimeout: TimeAmount
    /// The request that is being served: they come one after the other.
    private var current: Exchange?
    private var isDisconnected = false
    private var mustClose = false
    /// What may still come before the response; nil: HTTP reads no more than it can use.
    private var inputLimit: Int?
    private var context: ChannelHandlerContext?
    /// Writes that the socket has not taken, of all responses.
    private var unwritten = 0
    private var lastProgress = NIODeadline.distantPast
    private var timer: Scheduled<Void>?

    init(writeTimeout: TimeAmount) {
        self.writeTimeout = writeTimeout
    }

    /// A request begins: what is written from now on is its response.
    ///
    /// With `inputLimit`, no more than so many octets are to come before that, and a few.
    func begin(_ exchange: Exchange, inputLimit: Int? = nil) {
        self.current = exchange
        self.inputLimit = inputLimit.map { min($0, .max - Self.slack) + Self.slack }
        if self.isDisconnected { exchange.disconnected() }
    }

    /// All of the response has been handed over; with `mustClose`, the connection ends when it was written.
    func finish(mustClose: Bool) {
        self.current = nil
        self.mustClose = mustClose
        self.closeIfWritten()
    }

    /// Somebody else reads what comes from now on.
    func liftInputLimit() { self.inputLimit = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if let limit = self.inputLimit {
            let left = limit - self.unwrapInboundIn(data).readableBytes
            self.inputLimit = left
            guard left >= 0 else { return context.close(promise: nil) }
        }
        context.fireChannelRead(data)
    }

    private func closeIfWritten() {
        if self.mustClose, self.unwritten == 0 { self.context?.close(promise: nil) }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = self.current
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        if self.unwritten == 0 { self.lastProgress = context.eventLoop.now }
        self.unwritten += 1
        exchange?.writeBegan()
        let eventLoop = context.eventLoop
        promise.futureResult.assumeIsolated().whenComplete { result in
            self.unwritten -= 1
            self.lastProgress = eventLoop.now
            let isWritten = if case .success = result { true } else { false }
            exchange?.writeEnded(isWritten: isWritten)
            self.closeIfWritten()
        }
        self.startTimer(context)
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

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.timer?.cancel()
        self.timer = nil
    }

    private func disconnected() {
        self.isDisconnected = true
        self.current?.disconnected()
    }

    /// One timer for the connection: when it comes too early, it is set again.
    private func startTimer(_ context: ChannelHandlerContext) {
        guard self.timer == nil else { return }
        let deadline = self.lastProgress + self.writeTimeout
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            guard self.unwritten > 0 else { return }
            guard context.eventLoop.now >= self.lastProgress + self.writeTimeout else {
                return self.startTimer(context)
            }
            context.close(promise: nil)
        }
    }
}
