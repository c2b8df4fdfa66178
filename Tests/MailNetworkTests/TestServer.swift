// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HummingbirdCore
import NIOCore
import ServiceLifecycle
import TestSupport
import Testing

@testable import MailNetwork

/// A listener on a port of the loopback address that the kernel chose.
struct TestServer: Sendable {
    let port: Int
    private let services: ServiceGroup

    /// Begins a graceful shutdown.
    func shutDown() async { await self.services.triggerGracefulShutdown() }

    /// Runs a listener for as long as `body` runs, then shuts it down gracefully.
    static func run(
        _ child: some ServerChildChannel,
        limits: ConnectionLimits = ConnectionLimits(total: 1_000, perAddress: 1_000),
        farewell: [UInt8] = [],
        drainDeadline: TimeAmount = .seconds(5),
        _ body: @Sendable (TestServer) async throws -> Void
    ) async throws {
        let sockets = try ListeningSocket.bind(host: "127.0.0.1", port: 0)
        let port = try #require(sockets.first.flatMap(ListeningSocket.port(of:)))
        let listener = SocketListener(
            sockets: sockets,
            child: child,
            limits: limits,
            farewell: farewell,
            drainDeadline: drainDeadline,
            logger: .silent
        )
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: listener, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: .silent
            )
        )
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await services.run() }
            do {
                try await body(TestServer(port: port, services: services))
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }
}

/// Contexts for both sides, with a certificate for `mail.example`.
struct TestTLS: Sendable {
    let server: TLSServerContext
    let client: TLSClientContext

    static let shared = Result { try TestTLS() }

    private init() throws {
        let pair = try SelfSignedCertificate.make(names: ["mail.example"], notBefore: 1_700_000_000, days: 30_000)
        self.server = try TLSServerContext(
            identities: [TLSIdentity(certificateChain: .text(pair.certificatePEM), privateKey: .text(pair.keyPEM))],
            applicationProtocols: []
        )
        self.client = try TLSClientContext()
    }

    /// What the server's side of a channel needs.
    var source: TLSServerContextSource { { self.server } }

    /// A client that asks for the certificate's name and believes whatever it is shown.
    var clientRole: TLSClientRole {
        TLSClientRole(context: self.client, serverName: "mail.example", verification: .none)
    }
}
