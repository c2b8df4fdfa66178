// SPDX-License-Identifier: Apache-2.0

import Logging
import SQLiteStorage
import ServiceLifecycle

/// Clears away, every few minutes, what the store keeps for a while after it has been given up.
struct Maintenance: Service {
    private static let pause = Duration.seconds(300)

    let store: SQLiteStore

    func run() async throws {
        let store = self.store
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: Self.pause)
                    try await store.maintain()
                } catch is CancellationError {
                    return
                } catch {
                    // It tries again: what is due stays due.
                    Logger.current.error("Maintenance failed", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
