// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import MailNetwork
import NIOCore
import SQLiteStorage
import ServiceLifecycle

/// Takes operators' commands while the server has the store open, and runs them against the server's own store.
struct ControlService: Service {
    private static let connectionLimit = 16

    let store: SQLiteStore
    /// Of the socket.
    let path: String
    /// What there is to see besides the store.
    var server = RunningServer()
    /// Called with each command before it runs, for what it touches besides the store.
    var willRun: @Sendable (any StoreCommand) -> Void = { _ in }

    /// Listens until graceful shutdown; a command that still runs then is cancelled.
    func run() async throws {
        let (store, server, willRun) = (self.store, self.server, self.willRun)
        let socket = try ControlSocket.listen(self.path)
        defer { unsafe unlink(self.path) }
        let listener = SocketListener(
            sockets: [socket],
            child: MailChannel<ControlNote>(security: .none) { connection in
                var session = ControlSession(connection: connection, store: store, server: server, willRun: willRun)
                try await session.run()
            },
            limits: ConnectionLimits(total: Self.connectionLimit),
            drainDeadline: .seconds(1),
            logger: Logger(label: "letterhouse")
        )
        try await listener.run()
    }
}
