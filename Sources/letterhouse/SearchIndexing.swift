// SPDX-License-Identifier: Apache-2.0

import Logging
import SQLiteStorage
import ServiceLifecycle

/// Keeps the store's index of texts up to date with what is stored.
struct SearchIndexing: Service {
    /// What arrives in so much time is indexed together; searches look through it until then.
    private static let pause = Duration.seconds(1)

    let store: SQLiteStore

    func run() async throws {
        let store = self.store
        await cancelWhenGracefulShutdown {
            await store.keepIndexed {
                try await Task.sleep(for: Self.pause)
            } failed: { error in
                // Searches find the same without it, and it tries again with the next message.
                Logger.current.error("Indexing failed", metadata: ["error": "\(error)"])
            }
        }
    }
}
