// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

/// Whose connection it is, by its proxy's word; goes through the pipeline before the first octet does.
struct ProxiedPeer: Sendable {
    /// Nil if the proxy speaks for itself.
    let peer: Peer?
}

/// Takes a ``ProxyHeader`` off the front of a connection; whoever does not send one in time is hung up on.
///
/// The first handler of the pipeline, before TLS. Afterwards it lets everything pass.
final class ProxyHeaderHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let patience: TimeAmount
    private var received: ByteBuffer?
    private var timer: Scheduled<Void>?
    private var isWaiting = true

    init(patience: TimeAmount) { self.patience = patience }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(in: self.patience) { channel.close(promise: nil) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        self.timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard self.isWaiting else { return context.fireChannelRead(data) }
        var octets = self.received ?? ByteBuffer()
        var new = self.unwrapInboundIn(data)
        octets.writeBuffer(&new)
        switch ProxyHeader(octets.readableBytesView) {
        case .incomplete:
            self.received = octets
        case .malformed:
            context.close(promise: nil)
        case .complete(let length, let client):
            self.isWaiting = false
            self.received = nil
            self.timer?.cancel()
            octets.moveReaderIndex(forwardBy: length)
            let peer = client.map { Peer(proxied: $0) }
            context.fireUserInboundEventTriggered(ProxiedPeer(peer: peer))
            if octets.readableBytes > 0 { context.fireChannelRead(self.wrapInboundOut(octets)) }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Nobody behind knows of what has been read so far.
        if self.isWaiting { context.read() } else { context.fireChannelReadComplete() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if self.isWaiting, case ChannelEvent.inputClosed = event { return context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }
}

extension Peer {
    /// A client of a proxy's: never this machine itself, whatever its address says.
    fileprivate init(proxied client: ProxyHeader.Client) {
        let mapped = "::ffff:"
        let isMapped = client.address.hasPrefix(mapped) && client.address.utf8.contains(UInt8(ascii: "."))
        self.init(
            address: isMapped ? String(client.address.dropFirst(mapped.count)) : client.address,
            port: client.port
        )
    }
}
