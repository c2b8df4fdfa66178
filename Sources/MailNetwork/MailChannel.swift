// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import MailConnection
import NIOCore

/// What a ``SocketListener`` does with a connection of a mail protocol: `serve` is a session's `run`.
package struct MailChannel<Note: Sendable>: ServerChildChannel {
    /// How TLS comes to a connection.
    package enum Security: Sendable {
        case none
        /// When the client asks for it (RFC 3207, RFC 9051 §6.2.1).
        case startTLS(TLSServerContextSource)
        /// From the first octet (RFC 8314 §3).
        case implicit(TLSServerContextSource)
    }

    private let security: Security
    private let deadlines: SocketDeadlines
    private let isProxy: @Sendable (_ address: String) -> Bool
    private let serve: @Sendable (SocketConnection<Note>) async throws -> Void

    /// Makes a channel.
    ///
    /// - Parameters:
    ///   - security: how TLS comes to a connection.
    ///   - deadlines: how long to wait for peers.
    ///   - isProxy: whether connections from an address begin with a header of the PROXY protocol.
    ///   - serve: runs one session to its end. It is called when the connection is accepted, with implicit TLS after the
    ///     handshake. The connection is closed when it returns or throws.
    package init(
        security: Security,
        deadlines: SocketDeadlines = SocketDeadlines(),
        isProxy: @escaping @Sendable (_ address: String) -> Bool = { _ in false },
        serve: @escaping @Sendable (SocketConnection<Note>) async throws -> Void
    ) {
        self.security = security
        self.deadlines = deadlines
        self.isProxy = isProxy
        self.serve = serve
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<MailSocket<Note>> {
        channel.eventLoop.makeCompletedFuture {
            let (role, isImplicit): (TLSRole?, Bool) =
                switch self.security {
                case .none: (nil, false)
                case .startTLS(let context): (.server(context), false)
                case .implicit(let context): (.server(context), true)
                }
            let peer = Peer(of: channel)
            return try MailSocket(
                on: channel,
                peer: peer,
                role: role,
                isImplicit: isImplicit,
                isProxied: peer.map { self.isProxy($0.address) } ?? false,
                deadlines: self.deadlines
            )
        }
    }

    package func handle(value: MailSocket<Note>, logger: Logger) async {
        do {
            try await value.withConnection(self.serve)
        } catch {
            // Scanners and closed laptops; what matters to an operator, the session has logged itself.
            logger.debug(
                "connection ended with an error",
                metadata: ["peer": "\(value.peer.address)", "error": "\(error)"]
            )
        }
    }
}
