// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// In the pipeline of a listening socket: tells the gate of every connection that is taken off the kernel's queue.
///
/// Before NIO's own handler, which sets the connection up on another event loop.
final class ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let gate: AcceptGate

    init(gate: AcceptGate) {
        self.gate = gate
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.gate.arrived(self.unwrapInboundIn(data))
        context.fireChannelRead(data)
    }
}

/// First in the pipeline of a new connection: hands it on when it is active, and goes.
///
/// Not earlier: until then NIO hangs up on it when its listening socket is closed.
final class HandoverHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let handOver: () -> Void

    init(_ handOver: @escaping () -> Void) {
        self.handOver = handOver
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        self.handOver()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}

/// Tells a connection that there are too many, and closes it.
final class RefusalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let farewell: [UInt8]

    init(farewell: [UInt8]) {
        self.farewell = farewell
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: self.farewell))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
