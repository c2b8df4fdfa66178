// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import NIOCore

/// Speaks TLS between the socket and the rest of the pipeline.
///
/// It stands first in the pipeline, from the start or from STARTTLS on. Inwards it fires ``TLSEstablished`` once, then
/// plaintext; a failed or belated handshake is an error, and the end of the channel. What is written before the
/// handshake is complete waits. Ciphertext is sent once per flush.
///
/// A peer that closes its socket without close_notify is taken to have closed it: the mail protocols and HTTP tell by
/// themselves whether something is complete.
final class TLSHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private struct PendingWrite {
        let plaintext: ByteBuffer
        let promise: EventLoopPromise<Void>?
    }

    private struct DeferredClose {
        let promise: EventLoopPromise<Void>?
    }

    /// How much plaintext is encrypted at a time: three full records, which fit the second-level cache.
    private static let plaintextPart = 49_152
    /// The read buffer's share that is always there for plaintext.
    private static let smallestRead = 1_024

    private let session: TLSSession
    private let patience: TimeAmount
    private var handshakeTimer: Scheduled<Void>?
    private var pendingWrites: [PendingWrite] = []
    /// How many of the pending writes have been flushed, and wait for the handshake.
    private var flushedWrites = 0
    /// This side is to be closed when the handshake is complete and what waits for it has been said.
    private var deferredClose: DeferredClose?
    private var sink = ByteBuffer()
    private var hasFiredRead = false
    private var hasFiredInputClosed = false
    private var isClosed = false

    /// Makes a handler for one connection.
    ///
    /// - Parameters:
    ///   - session: new; the handler owns it from here on.
    ///   - patience: how long the handshake may take.
    init(_ session: TLSSession, patience: TimeAmount) {
        self.session = session
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { self.begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.end(error: ChannelError.ioOnClosedChannel)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.begin(context)
        context.fireChannelActive()
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard self.handshakeTimer == nil else { return }
        self.handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: self.patience) {
            self.fail(context, HandshakeBelated())
        }
        // A client speaks first; for a server this says nothing.
        self.take(context, ByteBuffer())
        context.read()
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.take(context, self.unwrapInboundIn(data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.hasFiredRead {
            self.hasFiredRead = false
            context.fireChannelReadComplete()
        } else {
            // Nobody behind this handler has seen anything yet, so nobody else would ask for more.
            context.read()
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        if case .handshaking = self.session.state {
            self.session.transportEnded()
            self.failAsSession(context)
        } else {
            self.fireInputClosed(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .handshaking = self.session.state, !self.isClosed {
            self.session.transportEnded()
            self.failAsSession(context)
        }
        self.end(error: ChannelError.ioOnClosedChannel)
        context.fireChannelInactive()
    }

    /// Passes ciphertext to the session, and what comes of it to both sides.
    private func take(_ context: ChannelHandlerContext, _ ciphertext: ByteBuffer) {
        guard !self.isClosed else { return }
        var established: TLSEstablished?
        var plaintext = ByteBuffer()
        unsafe ciphertext.withUnsafeReadableBytes { octets in
            var rest = unsafe octets
            if self.session.state == .handshaking {
                // One read may hold the end of the handshake, the whole conversation and the close_notify behind it.
                established = unsafe TLSEstablished(self.session.handshakeStep(from: &rest, into: &self.sink))
            }
            unsafe self.decipher(&rest, into: &plaintext, allocator: context.channel.allocator)
        }
        self.sendSink(context)
        if let established {
            self.handshakeTimer?.cancel()
            context.fireUserInboundEventTriggered(established)
            self.encipher(context)
            if let close = self.deferredClose {
                self.deferredClose = nil
                self.close(context: context, mode: .output, promise: close.promise)
            }
        }
        if plaintext.readableBytes > 0 {
            self.hasFiredRead = true
            context.fireChannelRead(self.wrapInboundOut(plaintext))
        }
        switch self.session.state {
        case .handshaking, .established: break
        case .closed: self.fireInputClosed(context)
        case .failed: self.failAsSession(context)
        }
    }

    private func decipher(
        _ ciphertext: inout UnsafeRawBufferPointer,
        into plaintext: inout ByteBuffer,
        allocator: ByteBufferAllocator
    ) {
        guard case .established = self.session.state, unsafe !ciphertext.isEmpty else { return }
        // Plaintext is never longer than its ciphertext, so one buffer does for nearly every read.
        plaintext = allocator.buffer(capacity: max(ciphertext.count, Self.smallestRead))
        var stop = TLSRead.Stop.destinationFull
        while stop == .destinationFull {
            unsafe plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.smallestRead) { room in
                let read = unsafe self.session.read(from: &ciphertext, into: room, replies: &self.sink)
                stop = read.stop
                return read.count
            }
        }
    }

    private func fireInputClosed(_ context: ChannelHandlerContext) {
        guard !self.hasFiredInputClosed else { return }
        self.hasFiredInputClosed = true
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    // MARK: Outbound

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !self.isClosed else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        self.pendingWrites.append(PendingWrite(plaintext: self.unwrapOutboundIn(data), promise: promise))
    }

    func flush(context: ChannelHandlerContext) {
        self.flushedWrites = self.pendingWrites.count
        if self.session.state != .handshaking { self.encipher(context) }
        context.flush()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if mode == .output, self.session.state == .handshaking, !self.isClosed, self.deferredClose == nil {
            self.deferredClose = DeferredClose(promise: promise)
            return
        }
        if mode != .input, !self.isClosed {
            self.session.shutdown(into: &self.sink)
            self.sendSink(context)
        }
        if mode == .all { self.end(error: ChannelError.ioOnClosedChannel) }
        context.close(mode: mode, promise: promise)
    }

    /// Encrypts what has been flushed, and sends it; the promises are kept when the socket has taken all of it.
    private func encipher(_ context: ChannelHandlerContext) {
        guard self.flushedWrites > 0, !self.isClosed else { return }
        let writes = self.pendingWrites.prefix(self.flushedWrites)
        self.pendingWrites.removeFirst(self.flushedWrites)
        self.flushedWrites = 0
        let sent = context.eventLoop.makePromise(of: Void.self)
        for write in writes {
            sent.futureResult.cascade(to: write.promise)
        }
        do {
            for write in writes {
                var rest = write.plaintext
                while let part = rest.readSlice(length: min(rest.readableBytes, Self.plaintextPart)),
                    part.readableBytes > 0
                {
                    unsafe try part.withUnsafeReadableBytes { octets in
                        unsafe try self.session.write(from: octets, into: &self.sink)
                    }
                    if rest.readableBytes > 0 {
                        context.write(self.wrapOutboundOut(self.takeSink()), promise: nil)
                    }
                }
            }
        } catch {
            sent.fail(error)
            self.fail(context, error)
            return
        }
        context.writeAndFlush(self.wrapOutboundOut(self.takeSink()), promise: sent)
    }

    private func sendSink(_ context: ChannelHandlerContext) {
        guard self.sink.readableBytes > 0 else { return }
        context.writeAndFlush(self.wrapOutboundOut(self.takeSink()), promise: nil)
    }

    private func takeSink() -> ByteBuffer {
        // An idle connection holds no buffer.
        defer { self.sink = ByteBuffer() }
        return self.sink
    }

    // MARK: The end

    private func failAsSession(_ context: ChannelHandlerContext) {
        if case .failed(let failure) = self.session.state { self.fail(context, failure) }
    }

    /// Ends the connection; the alert, if there is one, is handed to the socket before.
    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        guard !self.isClosed else { return }
        self.sendSink(context)
        self.end(error: error)
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    private func end(error: any Error) {
        self.isClosed = true
        self.handshakeTimer?.cancel()
        self.flushedWrites = 0
        let writes = self.pendingWrites
        self.pendingWrites = []
        for write in writes { write.promise?.fail(error) }
        self.deferredClose?.promise?.fail(error)
        self.deferredClose = nil
    }
}

/// The TLS handshake was not complete in time.
package struct HandshakeBelated: Error, Equatable, CustomStringConvertible {
    package var description: String { "the handshake took too long" }
}

/// TLS is established; fired inwards by ``TLSHandler`` before the first plaintext.
struct TLSEstablished: Sendable {
    let security: Peer.Security

    /// Nil for any state but `.established`.
    init?(_ state: TLSState) {
        guard case .established(let parameters) = state else { return nil }
        var security = Peer.Security(
            version: parameters.version,
            cipher: parameters.cipher,
            serverName: parameters.serverName
        )
        security.channelBindings = parameters.channelBindings
        security.certifiedAddresses = parameters.certifiedAddresses
        self.security = security
    }
}

extension ByteBuffer: CiphertextSink {
    /// Lets the session write behind what has been written.
    package mutating func append(minimumRoom: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
        unsafe self.writeWithUnsafeMutableBytes(minimumWritableBytes: minimumRoom) { room in unsafe body(room) }
    }
}
