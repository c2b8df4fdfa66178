// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore
import NIOPosix

extension Connector {
    /// Where somebody listens.
    package enum Place: Sendable {
        /// A numeric IP address.
        case address(String, port: Int)
        /// A Unix socket.
        case path(String)
    }

    /// Connects, with TLS from the first octet if there is a role for it; whoever gets the connection hangs up.
    ///
    /// - Throws: ``NoConnection``; `TLSFailure` and ``HandshakeBelated`` if there is no TLS.
    package func open(
        _ place: Place,
        security role: TLSClientRole? = nil,
        timeout: TimeAmount
    ) async throws -> OpenConnection {
        let deadlines = self.deadlines
        let socket: MailSocket<Never>
        do {
            let target: SocketAddress =
                switch place {
                case .address(let address, let port): try SocketAddress(ipAddress: address, port: port)
                case .path(let path): try SocketAddress(unixDomainSocketPath: path)
                }
            // Only this machine can be at the other end of a Unix socket.
            let peer = Peer(socketAddress: target) ?? Peer(address: "127.0.0.1", isLoopback: true)
            let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(timeout)
            let opening = Opening()
            socket = try await withTaskCancellationHandler {
                try await bootstrap.connect(to: target) { channel in
                    opening.begin(channel)
                    return channel.eventLoop.makeCompletedFuture {
                        try MailSocket<Never>(
                            on: channel,
                            peer: peer,
                            role: role.map { .client($0) },
                            isImplicit: role != nil,
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
        var connection = SocketConnection(socket)
        let channel = socket.channel
        if role != nil {
            do {
                try await withTaskCancellationHandler {
                    try await connection.awaitSecurity()
                } onCancel: {
                    channel.close(promise: nil)
                }
            } catch {
                channel.close(promise: nil)
                throw error
            }
        }
        return OpenConnection(connection, channel)
    }
}

/// A connection that belongs to whoever opened it, until one side hangs up.
package struct OpenConnection {
    private var connection: SocketConnection<Never>
    /// Closes it at once; callable from any thread, and more than once.
    package let hangUp: @Sendable () -> Void

    init(_ connection: SocketConnection<Never>, _ channel: any Channel) {
        self.connection = connection
        self.hangUp = { channel.close(promise: nil) }
    }

    /// What has arrived; nil when either side has hung up, or the task is cancelled.
    package mutating func read() async throws -> [UInt8]? {
        while let inbound = try await self.connection.next() {
            switch inbound {
            case .octets(let octets): return octets
            case .endOfOctets: return nil
            case .shutdown: continue
            }
        }
        return nil
    }

    /// Writes octets, and returns when the kernel has taken them.
    package func write(_ octets: [UInt8]) async throws { try await self.connection.write(octets) }
}
