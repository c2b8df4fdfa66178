// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

/// Behind a ``ProxyHeaderHandler``: has the gate count the connection as its client's, and hangs up if there are too many.
///
/// What comes meanwhile waits, so that nobody is served of whom there are too many. It goes then.
final class ProxiedClientHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Inbound {
        case octets(ByteBuffer)
        case event(Any)
    }

    private let gate: AcceptGate
    private let farewell: [UInt8]
    /// What has come while the gate was asked.
    private var waiting: [Inbound] = []
    private var isAsking = false

    init(gate: AcceptGate, farewell: [UInt8]) {
        self.gate = gate
        self.farewell = farewell
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.isAsking else { return context.fireChannelRead(data) }
        self.waiting.append(.octets(self.unwrapInboundIn(data)))
    }

    /// Nothing more is read before the gate has answered: what is behind asks for it then.
    func channelReadComplete(context: ChannelHandlerContext) {
        if !self.isAsking { context.fireChannelReadComplete() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard !self.isAsking else { return self.waiting.append(.event(event)) }
        guard let told = event as? ProxiedPeer else { return context.fireUserInboundEventTriggered(event) }
        guard let peer = told.peer else { return self.letPass(told, context) }
        self.isAsking = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.gate.told(context.channel, address: peer.address).whenComplete { result in
            let (handler, context) = bound.value
            if case .success(false) = result { handler.refuse(context) } else { handler.letPass(told, context) }
        }
    }

    private func letPass(_ told: ProxiedPeer, _ context: ChannelHandlerContext) {
        context.fireUserInboundEventTriggered(told)
        for inbound in self.waiting {
            switch inbound {
            case .octets(let octets): context.fireChannelRead(self.wrapInboundOut(octets))
            case .event(let event): context.fireUserInboundEventTriggered(event)
            }
        }
        self.waiting = []
        context.fireChannelReadComplete()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    private func refuse(_ context: ChannelHandlerContext) {
        let channel = context.channel
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(bytes: self.farewell))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
