// SPDX-License-Identifier: Apache-2.0

import Glibc
import MailConnection
import NIOCore
import NIOPosix
import Synchronization

/// Opens outgoing connections, for the relay.
package struct Connector: Sendable {
    /// How TLS comes to a connection.
    package enum Security: Sendable {
        case none
        /// The session asks for it, reads the reply, and calls ``SocketConnection/startTLS(after:)`` with nothing to say.
        case startTLS(TLSClientRole)
        /// From the first octet.
        case implicit(TLSClientRole)
    }

    let deadlines: SocketDeadlines

    package init(deadlines: SocketDeadlines = SocketDeadlines()) {
        self.deadlines = deadlines
    }

    /// Connects, gives the connection to `body`, and hangs up when that returns or throws.
    ///
    /// - Parameters:
    ///   - address: a numeric IP address: names are the resolver's business.
    ///   - port: the port there.
    ///   - source: the local address to connect from; nil leaves the choice to the kernel.
    ///   - timeout: how long connecting may take; a TLS handshake has a deadline of its own.
    ///   - security: how TLS comes to the connection.
    ///   - notes: what the session posts to itself.
    ///   - body: the session. When its task is cancelled, also while it is connecting, the socket is closed at once.
    /// - Returns: what `body` returns.
    /// - Throws: ``NoConnection``; `TLSFailure` and ``HandshakeBelated`` if there is no implicit TLS; what `body` throws.
    package func withConnection<Note: Sendable, Result>(
        to address: String,
        port: Int,
        from source: String? = nil,
        timeout: TimeAmount,
        security: Security,
        notes: Note.Type,
        _ body: (SocketConnection<Note>) async throws -> Result
    ) async throws -> Result {
        let (role, isImplicit): (TLSRole?, Bool) =
            switch security {
            case .none: (nil, false)
            case .startTLS(let role): (.client(role), false)
            case .implicit(let role): (.client(role), true)
            }
        let deadlines = self.deadlines
        let target = try SocketAddress(ipAddress: address, port: port)
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(timeout)
        if let source {
            bootstrap = bootstrap.bind(to: try SocketAddress(ipAddress: source, port: 0))
        }
        let opening = Opening()
        let socket: MailSocket<Note>
        do {
            socket = try await withTaskCancellationHandler {
                try await bootstrap.connect(to: target) { channel in
                    opening.begin(channel)
                    return channel.eventLoop.makeCompletedFuture {
                        try MailSocket<Note>(
                            on: channel,
                            peer: Peer(socketAddress: target),
                            role: role,
                            isImplicit: isImplicit,
                            deadlines: deadlines
                        )
                    }
                }
            } onCancel: {
                opening.cancel()
            }
        } catch {
            throw NoConnection(error)
        }
        return try await socket.withConnection(body)
    }
}

/// A socket that is being connected, which nobody else could cut off.
final class Opening: Sendable {
    private struct State {
        var channel: (any Channel)?
        var isCancelled = false
    }

    private let state = Mutex(State())

    func begin(_ channel: any Channel) {
        let isCancelled = self.state.withLock { state in
            state.channel = channel
            return state.isCancelled
        }
        if isCancelled { channel.close(promise: nil) }
    }

    func cancel() {
        let channel = self.state.withLock { state in
            state.isCancelled = true
            return state.channel
        }
        channel?.close(promise: nil)
    }
}

/// Nobody answers there, in words for logs and reports.
package struct NoConnection: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String
    /// Whether nothing at all came back.
    package let isTimeout: Bool

    init(_ error: any Error) {
        self.isTimeout = if case ChannelError.connectTimeout = error { true } else { false }
        self.description =
            switch error {
            case let error as IOError: unsafe String(cString: strerror(error.errnoCode))
            case ChannelError.connectTimeout(let limit): "no answer within \(limit.nanoseconds / 1_000_000_000) seconds"
            default: "\(error)"
            }
    }
}
