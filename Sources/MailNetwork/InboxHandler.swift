// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

/// The last handler of a mail connection's pipeline: puts what happens to the socket into the session's inbox, and watches
/// over what the session writes.
///
/// It needs `autoRead` off and one message per read. Beyond one buffer ahead of the session it does not read, with one
/// exception that is NIO's: when the peer has closed its side, what the kernel still holds is read at once.
final class InboxHandler<Note: Sendable>: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let feed: AsyncStream<SocketEvent<Note>>.Continuation
    private let readAhead: ReadAhead
    private let deadlines: SocketDeadlines
    /// Writes the transport has not yet taken; a session waits for each, so there is rarely more than one.
    private var unfinishedWrites = 0
    private var writeTimer: Scheduled<Void>?
    private var hasStalled = false
    /// The session has ended: what still comes in is thrown away until the peer hangs up too.
    private var isHangingUp = false

    init(_ inbox: SocketInbox<Note>, deadlines: SocketDeadlines) {
        self.feed = inbox.feed
        self.readAhead = inbox.readAhead
        self.deadlines = deadlines
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { context.read() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.writeTimer?.cancel()
        self.writeTimer = nil
        self.feed.finish()
    }

    // MARK: What the peer does

    func channelActive(context: ChannelHandlerContext) {
        context.read()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isHangingUp else { return }
        let buffer = self.unwrapInboundIn(data)
        guard buffer.readableBytes > 0 else { return }
        self.readAhead.added()
        self.feed.yield(.octets(Array(buffer.readableBytesView)))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.isHangingUp || self.readAhead.hasRoom { context.read() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let established as TLSEstablished:
            self.feed.yield(.secured(established.security))
        case let told as ProxiedPeer:
            self.feed.yield(.proxied(told))
        case ChannelEvent.inputClosed:
            // The other half stays open: a client that has sent all its commands may still wait for the answers.
            self.feed.yield(.endOfOctets)
            if self.isHangingUp { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent:
            self.feed.yield(.shutdown)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.feed.yield(.failed(error))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.feed.finish()
        context.fireChannelInactive()
    }

    // MARK: What the session does

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let taken = context.eventLoop.makePromise(of: Void.self)
        self.unfinishedWrites += 1
        taken.futureResult.assumeIsolated().whenComplete { result in
            self.unfinishedWrites -= 1
            if self.unfinishedWrites == 0 {
                self.writeTimer?.cancel()
                self.writeTimer = nil
            }
            promise?.completeWith(self.hasStalled ? .failure(PeerStalled()) : result)
        }
        context.write(data, promise: taken)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        // Nearly always the kernel has taken everything by now: most writes need no timer.
        guard self.unfinishedWrites > 0, self.writeTimer == nil else { return }
        self.writeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: self.deadlines.write) {
            self.writeTimer = nil
            self.hasStalled = true
            context.close(promise: nil)
        }
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode == .output, !self.isHangingUp else {
            context.close(mode: mode, promise: promise)
            return
        }
        // Closing a socket with unread input would make the kernel reset the connection, and the peer might lose the last
        // words said to it. So only our half is closed, until the peer closes its own or the patience is at an end.
        self.isHangingUp = true
        let timer = context.eventLoop.assumeIsolated().scheduleTask(in: self.deadlines.hangup) {
            context.close(promise: nil)
        }
        context.channel.closeFuture.assumeIsolated().whenComplete { _ in timer.cancel() }
        context.close(mode: .output, promise: promise)
        context.read()
    }
}

/// How long a socket waits for its peer before it is closed.
package struct SocketDeadlines: Sendable {
    /// For the TLS handshake, from STARTTLS or the connection's begin.
    package var handshake: TimeAmount
    /// For the header of the PROXY protocol, where one comes first.
    package var proxyHeader: TimeAmount
    /// For taking one block that was written, whole.
    package var write: TimeAmount
    /// For hanging up after the session has ended.
    package var hangup: TimeAmount

    package init(
        handshake: TimeAmount = .seconds(30),
        proxyHeader: TimeAmount = .seconds(5),
        write: TimeAmount = .minutes(5),
        hangup: TimeAmount = .seconds(2)
    ) {
        self.handshake = handshake
        self.proxyHeader = proxyHeader
        self.write = write
        self.hangup = hangup
    }
}

/// The peer did not take what was written within the write deadline.
package struct PeerStalled: Error, Equatable, CustomStringConvertible {
    package var description: String { "what was sent was not taken in time" }
}
