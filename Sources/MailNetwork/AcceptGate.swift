// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Decides who may connect to a listener, and closes it: the part of ``SocketListener`` that lives on an event loop.
///
/// Its methods may be called from anywhere; they do their work on the ``home`` loop, in the order of the calls.
struct AcceptGate: Sendable {
    private struct State {
        var table: ConnectionTable
        var servers: [any Channel] = []
        var failure: (any Error)?
        let onLastConnection: @Sendable () -> Void
        let onDrained: @Sendable () -> Void

        /// Reports what has become true since the last call; reporting twice does no harm.
        func report() {
            guard self.table.isClosing else { return }
            if !self.table.isBeginning { self.onLastConnection() }
            if self.table.isEmpty { self.onDrained() }
        }
    }

    let home: any EventLoop
    private let drainDeadline: TimeAmount
    private let state: NIOLoopBoundBox<State>

    /// Makes an open gate.
    ///
    /// - Parameters:
    ///   - home: the loop on which the sockets accept.
    ///   - limits: how many to admit.
    ///   - drainDeadline: how long after ``close(failure:)`` the connections may go on.
    ///   - onLastConnection: called when, after closing, no connection is going to be handed on any more.
    ///   - onDrained: called when, after closing, no connection is left, or the deadline has passed.
    init(
        home: any EventLoop,
        limits: ConnectionLimits,
        drainDeadline: TimeAmount,
        onLastConnection: @escaping @Sendable () -> Void,
        onDrained: @escaping @Sendable () -> Void
    ) {
        self.home = home
        self.drainDeadline = drainDeadline
        self.state = .makeBoxSendingValue(
            State(
                table: ConnectionTable(limits: limits),
                onLastConnection: onLastConnection,
                onDrained: onDrained
            ),
            eventLoop: home
        )
    }

    /// A listening socket accepts; it is closed with the gate, and the gate with it.
    func opened(_ server: any Channel) {
        self.home.execute {
            self.state.value.servers.append(server)
            if self.state.value.table.isClosing { self.stopAccepting(server) }
        }
        server.closeFuture.whenComplete { _ in self.close(failure: ListenerFailed()) }
    }

    /// Whether a new connection may stay; the answer comes on the connection's own loop.
    func admit(_ channel: any Channel) -> EventLoopFuture<Bool> {
        self.home.submit {
            let isAdmitted = self.state.value.table.admit(channel)
            if isAdmitted {
                channel.closeFuture.hop(to: self.home).whenComplete { _ in
                    self.state.value.table.remove(channel)
                    self.state.value.report()
                }
            }
            return isAdmitted
        }.hop(to: channel.eventLoop)
    }

    /// A connection has been handed on.
    func begun(_ channel: any Channel) {
        self.home.execute {
            self.state.value.table.begun(channel)
            self.state.value.report()
            if self.state.value.table.isClosing { Self.quiesce(channel) }
        }
    }

    /// Stops accepting, and tells every connection; the first call counts.
    ///
    /// - Parameter failure: what ``outcome()`` is to throw.
    func close(failure: (any Error)?) {
        self.home.execute {
            guard !self.state.value.table.isClosing else { return }
            self.state.value.table.close()
            self.state.value.failure = failure
            for server in self.state.value.servers { self.stopAccepting(server) }
            for channel in self.state.value.table.channels { Self.quiesce(channel) }
            self.state.value.report()
            self.home.assumeIsolated().scheduleTask(in: self.drainDeadline) {
                for channel in self.state.value.table.channels { channel.close(promise: nil) }
                self.state.value.onDrained()
            }
        }
    }

    /// Takes no more connections off the kernel's queue, and closes the listening socket a little later.
    ///
    /// NIO hangs up on a connection that it has accepted and whose pipeline is not ready when its listening socket is
    /// closed: the client would be refused without a word.
    private func stopAccepting(_ server: any Channel) {
        server.setOption(.autoRead, value: false).whenComplete { _ in
            _ = server.eventLoop.scheduleTask(in: Self.acceptingDelay) { server.close(promise: nil) }
        }
    }

    private static let acceptingDelay = TimeAmount.milliseconds(100)

    /// Returns if the gate was closed on purpose, throws if it was not.
    func outcome() async throws {
        let failure = try await self.home.submit { self.state.value.failure }.get()
        if let failure { throw failure }
    }

    private static func quiesce(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}

/// A listening socket was closed although nobody had asked for it.
package struct ListenerFailed: Error, Equatable {}
