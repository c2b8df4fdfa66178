// SPDX-License-Identifier: Apache-2.0

import Logging
import SQLiteStorage
import SenderAuthentication
import ServiceLifecycle

/// Learns what people teach by moving mail into and out of Junk.
struct JunkLearning: Service {
    /// What is moved in so much time is learnt together.
    private static let pause = Duration.seconds(1)

    let store: SQLiteStore
    /// By which the fields are known that say who sent a message.
    let authservID: String

    func run() async throws {
        let (store, authservID) = (self.store, self.authservID)
        await cancelWhenGracefulShutdown {
            await store.keepLearning { header in
                AuthenticationResults.shownAuthor(inHeader: header, authservID: authservID)
            } pause: {
                try await Task.sleep(for: Self.pause)
            } failed: { error in
                // What was taught stays written down, and is learnt with the next lesson.
                Logger.current.error("Learning junk failed", metadata: ["error": "\(error)"])
            }
        }
    }
}
