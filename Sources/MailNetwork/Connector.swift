// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore
import NIOPosix

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

    private let deadlines: SocketDeadlines

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
    ///   - body: the session. When its task is cancelled, the socket is closed at once.
    /// - Returns: what `body` returns.
    /// - Throws: `IOError` and `ChannelError.connectTimeout` if there is no connection; `TLSFailure` and
    ///   ``HandshakeBelated`` if there is no implicit TLS; what `body` throws.
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
        let socket = try await bootstrap.connect(to: target) { channel in
            channel.eventLoop.makeCompletedFuture {
                try MailSocket<Note>(
                    on: channel,
                    peer: Peer(socketAddress: target),
                    role: role,
                    isImplicit: isImplicit,
                    deadlines: deadlines
                )
            }
        }
        return try await socket.withConnection(body)
    }
}
