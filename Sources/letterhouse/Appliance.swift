// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPServer
import IMAPServer
import Logging
import MailConnection
import MailNetwork
import MailRelay
import MailStorage
import SASLMechanisms
import SMTPServer
import SQLiteStorage
import ServiceLifecycle
import UnixSignals

/// The composition root: everything that serves, built from the settings and run as one service.
struct Appliance {
    /// How long connections and attempts may take to end after SIGTERM; the rest of five seconds is for the store.
    static let drainDeadline: Duration = .seconds(4)

    let settings: Settings
    let sockets: [String: [CInt]]
    let store: SQLiteStore
    let names: NetworkResolver
    let tls: TLSServerContexts?
    let metrics: PrometheusMetrics
    let logger: Logger

    /// Serves until SIGTERM or SIGINT; returns when everything has ended and the store is closed.
    func run() async throws {
        let services = try await self.services()
        let store = self.store
        let notifier = ServiceNotifier { await store.isResponding() }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: notifier),
                    .init(service: Together(services: services, notifier: notifier)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: self.logger
            )
        )
        notifier.status("Serving \(self.settings.hostname)")
        notifier.ready()
        self.logger.info("Serving", metadata: ["hostname": "\(self.settings.hostname)"])
        do {
            try await group.run()
        } catch {
            try? await self.store.close()
            throw error
        }
        try await self.store.close()
        self.logger.info("Stopped")
    }
}

/// Services that start, and above all stop, at the same time, so that stopping takes as long as the slowest of them.
struct Together: Service {
    let services: [any Service]
    let notifier: ServiceNotifier

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await withThrowingTaskGroup { group in
                for service in self.services { group.addTask { try await service.run() } }
                try await group.waitForAll()
            }
        } onGracefulShutdown: {
            self.notifier.stopping()
            self.notifier.status("Stopping: ending connections")
        }
    }
}
