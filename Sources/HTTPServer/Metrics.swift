// SPDX-License-Identifier: Apache-2.0

import Metrics

/// Every meter of this module.
enum Metrics {
    /// Bridged IMAP connections open now.
    private static let openSessions = Meter(label: "letterhouse_bridge_sessions")

    static func sessionBegan() { self.openSessions.increment() }
    static func sessionEnded() { self.openSessions.decrement() }
}
