// SPDX-License-Identifier: Apache-2.0

import Logging
import MailStorage
import SASLMechanisms
import SMTPServer
import SQLiteStorage
import ServiceLifecycle

/// Writes something down now and then that is in memory, and once more at the end.
struct Keeping: Service {
    private static let pause = Duration.seconds(10)

    /// For the log.
    let name: String
    let save: @Sendable () async throws -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await Task.sleep(for: Self.pause) } catch { return }
                await self.attempt()
            }
        }
        await self.attempt()
    }

    private func attempt() async {
        do {
            try await self.save()
        } catch {
            // It tries again.
            Logger.current.error("Cannot be written down: \(self.name)", metadata: ["error": "\(error)"])
        }
    }
}

extension Keeping {
    /// What greylisting remembers.
    init(_ greylist: Greylist, unixTime: @escaping @Sendable () -> Int64) {
        self.init(name: "greylisting") { try await greylist.save(at: unixTime()) }
    }

    /// From where people have logged in, which is taken in from the store first.
    ///
    /// Throws ``StoreError``.
    init(_ guesses: GuessCounter, in store: SQLiteStore, unixTime: @escaping @Sendable () -> Int64) async throws {
        let now = unixTime()
        guesses.restore(
            try await store.visits().map {
                GuessLimits.Visit(network: $0.network, age: .seconds(max(0, now - $0.latest)))
            }
        )
        self.init(name: "addresses of logins") {
            let now = unixTime()
            let visits = guesses.newVisits()
            guard !visits.isEmpty else { return }
            do {
                try await store.remember(
                    visits.map { Visit(network: $0.network, latest: now - $0.age.components.seconds) },
                    forgettingBefore: now - Self.lifetime
                )
            } catch {
                guesses.tellAgain(visits)
                throw error
            }
        }
    }

    /// How long an address counts as known (``GuessLimits/Options/acquaintance``).
    private static let lifetime = GuessLimits.Options().acquaintance.components.seconds
}
