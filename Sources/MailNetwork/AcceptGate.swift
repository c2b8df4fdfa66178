// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Decides who may connect to a listener, and closes it: the part of ``SocketListener`` that lives on an event loop.
///
/// Its methods may be called from anywhere, but for ``arrived(_:)``; they do their work on the ``home`` loop, in the order
/// of the calls.
///
/// NIO hangs up, without a word, on a connection whose pipeline is not ready when its listening socket is closed. So the
/// gate knows of every connection from the moment it is taken off the kernel's queue, and closes the sockets when all
/// that were taken have been handed on.
struct AcceptGate: Sendable {
    private struct State {
        var table: ConnectionTable
        var servers: [any Channel] = []
        var failure: (any Error)?
        let onLastConnection: @Sendable () -> Void
        let onDrained: @Sendable () -> Void

        /// Goes on with closing as far as may be; going on twice does no harm.
        func proceed() {
            guard self.table.isClosing, !self.table.isBeginning else { return }
            for server in self.servers { server.close(promise: nil) }
            self.onLastConnection()
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

    /// Lets a listening socket accept, that has not until now; it is closed with the gate, and the gate with it.
    func open(_ server: any Channel) {
        self.home.execute {
            self.state.value.servers.append(server)
            if self.state.value.table.isClosing {
                self.state.value.proceed()
            } else {
                _ = server.setOption(.autoRead, value: true)
            }
        }
        server.closeFuture.whenComplete { _ in self.close(failure: ListenerFailed()) }
    }

    /// A connection has been taken off the kernel's queue; to be called on the home loop, before anything is done with it.
    func arrived(_ channel: any Channel) {
        if let evicted = self.state.value.table.arrived(channel, at: .now()) { self.evict(evicted) }
        channel.closeFuture.hop(to: self.home).whenComplete { _ in
            self.state.value.table.remove(channel)
            self.state.value.proceed()
        }
    }

    /// A proxy has said whose connection it is; false if there are too many of that client's.
    ///
    /// The answer comes on the connection's own loop.
    func told(_ channel: any Channel, address: String) -> EventLoopFuture<Bool> {
        self.home.submit {
            guard let key = AddressKey(text: address) else { return true }
            let (isAdmitted, evicted) = self.state.value.table.told(channel, key)
            if let evicted { self.evict(evicted) }
            return isAdmitted
        }.hop(to: channel.eventLoop)
    }

    private func evict(_ channel: any Channel) {
        Self.quiesce(channel)
        _ = self.home.scheduleTask(in: Self.patienceWithEvicted) { channel.close(promise: nil) }
    }

    /// The place of a connection that has arrived; nil if it may not stay.
    ///
    /// The answer comes on the connection's own loop.
    func place(of channel: any Channel) -> EventLoopFuture<Place?> {
        self.home.submit { self.state.value.table.place(of: channel) }.hop(to: channel.eventLoop)
    }

    /// A connection has been handed on.
    func begun(_ channel: any Channel) {
        self.home.execute {
            self.state.value.table.begun(channel)
            if self.state.value.table.isClosing { Self.quiesce(channel) }
            self.state.value.proceed()
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
            for server in self.state.value.servers { _ = server.setOption(.autoRead, value: false) }
            for channel in self.state.value.table.begun { Self.quiesce(channel) }
            self.state.value.proceed()
            self.home.assumeIsolated().scheduleTask(in: self.drainDeadline) {
                for channel in self.state.value.servers + self.state.value.table.channels {
                    channel.close(promise: nil)
                }
                self.state.value.onLastConnection()
                self.state.value.onDrained()
            }
        }
    }

    /// Returns if the gate was closed on purpose, throws if it was not.
    func outcome() async throws {
        let failure = try await self.home.submit { self.state.value.failure }.get()
        if let failure { throw failure }
    }

    /// How long a connection that gives way to another may take for its last words.
    private static let patienceWithEvicted = TimeAmount.seconds(2)

    private static func quiesce(_ channel: any Channel) {
        channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }
}

/// A listening socket was closed although nobody had asked for it.
package struct ListenerFailed: Error, Equatable {}
