// SPDX-License-Identifier: Apache-2.0

import Glibc
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Accepts connections on the listening sockets of one service, and gives each its own child task.
///
/// IMAP, SMTP and HTTP are all a `ServerChildChannel`: this is the only accept loop.
///
/// On graceful shutdown it stops accepting, tells every connection (a mail session gets `.shutdown`, an idle HTTP
/// connection is closed, a busy one after its response), and after the drain deadline closes what is left by force.
/// Closing an inherited descriptor leaves the socket to systemd, in whose queue new clients wait for the next process.
package struct SocketListener<Child: ServerChildChannel>: Service {
    private let sockets: [CInt]
    private let child: Child
    private let limits: ConnectionLimits
    private let farewell: [UInt8]
    private let drainDeadline: TimeAmount
    private let logger: Logger

    /// Makes a listener; ``run()`` opens it.
    ///
    /// - Parameters:
    ///   - sockets: descriptors of listening stream sockets, from ``ActivatedSockets`` or ``ListeningSocket``. The listener
    ///     owns them from ``run()`` on.
    ///   - child: what to do with a connection.
    ///   - limits: how many connections to serve at the same time, over all sockets.
    ///   - farewell: what a connection beyond the limits is told before it is closed: `421 …`, `* BYE …`. Nothing where
    ///     TLS comes first.
    ///   - drainDeadline: how long connections may go on after a graceful shutdown has begun.
    ///   - logger: for what is nobody's connection.
    package init(
        sockets: [CInt],
        child: Child,
        limits: ConnectionLimits = ConnectionLimits(),
        farewell: [UInt8] = [],
        drainDeadline: TimeAmount = .seconds(10),
        logger: Logger
    ) {
        self.sockets = sockets
        self.child = child
        self.limits = limits
        self.farewell = farewell
        self.drainDeadline = drainDeadline
        self.logger = logger
    }

    /// Serves until graceful shutdown or cancellation; returns when the last connection is closed.
    ///
    /// - Throws: if a descriptor is no listening socket, or one of them fails later.
    package func run() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let (connections, feed) = AsyncStream.makeStream(of: Child.Value.self)
        let (drained, drain) = AsyncStream.makeStream(of: Never.self)
        // All sockets of a listener accept on one event loop, which therefore can count without a lock.
        let gate = AcceptGate(home: group.next(), limits: self.limits, drainDeadline: self.drainDeadline) {
            feed.finish()
        } onDrained: {
            drain.finish()
        }

        await withTaskCancellationOrGracefulShutdownHandler {
            for socket in self.sockets {
                do {
                    try await self.open(socket, gate: gate, children: group, feed: feed)
                } catch {
                    gate.close(failure: error)
                    break
                }
            }
            let child = self.child
            let logger = self.logger
            await withDiscardingTaskGroup { tasks in
                for await connection in connections {
                    tasks.addTask { await child.handle(value: connection, logger: logger) }
                }
                for await _ in drained {}
                tasks.cancelAll()
            }
        } onCancelOrGracefulShutdown: {
            gate.close(failure: nil)
        }
        try await gate.outcome()
    }

    private func open(
        _ socket: CInt,
        gate: AcceptGate,
        children: any EventLoopGroup,
        feed: AsyncStream<Child.Value>.Continuation
    ) async throws {
        let child = self.child
        let farewell = self.farewell
        let logger = self.logger
        let makesRoom = self.limits.makesRoom
        let server = try await ServerBootstrap(group: gate.home, childGroup: children)
            // Until the gate opens it.
            .serverChannelOption(.autoRead, value: false)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DescriptorShortage(logger: logger))
                    try channel.pipeline.syncOperations.addHandler(ArrivalHandler(gate: gate))
                }
            }
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                gate.place(of: channel).flatMap { place in
                    guard let place else {
                        return channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(RefusalHandler(farewell: farewell))
                        }
                    }
                    return child.setup(channel: channel, logger: logger).flatMapThrowing { value in
                        if let header = try? channel.pipeline.syncOperations.handler(type: ProxyHeaderHandler.self) {
                            try channel.pipeline.syncOperations.addHandler(
                                ProxiedClientHandler(gate: gate, farewell: farewell),
                                position: .after(header)
                            )
                        }
                        let handover = HandoverHandler {
                            if case .terminated = feed.yield(value) { channel.close(promise: nil) }
                            gate.begun(channel)
                        }
                        if makesRoom {
                            try channel.pipeline.syncOperations.addHandler(PlaceHandler(place), position: .first)
                        }
                        try channel.pipeline.syncOperations.addHandler(handover, position: .first)
                    }
                }
            }
            .withBoundSocket(socket)
            .get()
        // NIO has just asked for a queue of 128; in a restart more clients than that may be waiting.
        listen(socket, ListeningSocket.backlog)
        logger.info("Listening", metadata: ["address": "\(server.localAddress.map { "\($0)" } ?? "")"])
        gate.open(server)
    }
}
