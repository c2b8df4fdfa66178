// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Sits between HTTP and the octets of a connection that has become a WebSocket: what the client sends goes to whoever
/// reads the WebSocket, and HTTP hears nothing any more.
///
/// A client that sends more than is read is not read from.
final class WebSocketHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// What the client did.
    enum Event: Sendable, Equatable {
        case frame(WebSocketFrames.Event)
        /// Something that it must not do.
        case violation(WebSocketStatus)

        /// What it counts as, while nobody has read it.
        var size: Int {
            switch self {
            case .frame(.octets(let octets)), .frame(.ping(let octets)): octets.count + 64
            default: 64
            }
        }
    }

    /// What may wait to be read.
    private static let limit = 64 * 1024

    private let events: AsyncStream<Event>.Continuation
    private var frames = WebSocketFrames()
    private var hasFailed = false
    /// A closing frame is on its way, and nothing comes behind it (RFC 6455 §5.5.1).
    private var hasClosed = false
    private var waitingCount = 0
    private var isReadHeld = false
    /// Nobody reads any more; what comes is only looked at for the end of it.
    private var isDraining = false
    /// The client says nothing more.
    private let end: EventLoopPromise<Void>
    private var hasEnded = false
    private var context: ChannelHandlerContext?

    init(_ events: AsyncStream<Event>.Continuation, end: EventLoopPromise<Void>) {
        self.events = events
        self.end = end
    }

    // MARK: For whoever uses the WebSocket

    /// Writes octets, behind which nothing is written any more if they are the last.
    func write(_ octets: [UInt8], isLast: Bool, promise: EventLoopPromise<Void>) {
        guard let context = self.context else { return promise.fail(ChannelError.ioOnClosedChannel) }
        guard !self.hasClosed else { return promise.fail(ChannelError.outputClosed) }
        self.hasClosed = isLast
        context.writeAndFlush(self.wrapOutboundOut(context.channel.allocator.buffer(bytes: octets)), promise: promise)
    }

    /// An event of that size was read.
    func taken(_ size: Int) {
        self.waitingCount -= size
        guard self.isReadHeld, self.waitingCount <= Self.limit else { return }
        self.isReadHeld = false
        self.context?.read()
    }

    /// Nobody will read any more.
    func drain() {
        self.isDraining = true
        self.events.finish()
        self.taken(self.waitingCount)
        if self.hasFailed { self.ended() }
    }

    // MARK: For the connection

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.hasFailed else { return }
        do throws(WebSocketStatus) {
            for event in try self.frames.append(Array(self.unwrapInboundIn(data).readableBytesView)) {
                self.tell(.frame(event))
            }
        } catch {
            self.hasFailed = true
            self.tell(.violation(error))
        }
    }

    private func tell(_ event: Event) {
        switch event {
        case .violation, .frame(.close): if self.isDraining { self.ended() }
        case .frame: break
        }
        guard !self.isDraining else { return }
        self.waitingCount += event.size
        self.events.yield(event)
    }

    func read(context: ChannelHandlerContext) {
        if self.waitingCount > Self.limit { self.isReadHeld = true } else { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { self.ended() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.ended()
        context.fireChannelInactive()
    }

    private func ended() {
        self.events.finish()
        guard !self.hasEnded else { return }
        self.hasEnded = true
        self.end.succeed()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.ended()
    }
}
