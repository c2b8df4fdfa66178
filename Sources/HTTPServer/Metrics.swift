// SPDX-License-Identifier: Apache-2.0

import Metrics

/// Every meter of this module.
enum Metrics {
    /// Bridged IMAP connections open now.
    private static let openSessions = Meter(label: "letterhouse_bridge_sessions")

    /// WebSockets open now.
    private static let openSockets = Meter(label: "letterhouse_bridge_websockets")
    /// Batches by the first digit of the last reply's code, or why there was none.
    private static let batches = ["2", "3", "4", "5", "timeout", "closed"].reduce(into: [String: Counter]()) {
        $0[$1] = Counter(label: "letterhouse_bridge_batches_total", dimensions: [("result", $1)])
    }

    static func sessionBegan() { self.openSessions.increment() }
    static func sessionEnded() { self.openSessions.decrement() }
    static func socketBegan() { self.openSockets.increment() }
    static func socketEnded() { self.openSockets.decrement() }
    static func batchEnded(_ outcome: SMTPOutcome) {
        let result = outcome.failure?.rawValue ?? String(String(outcome.lastCode ?? 0).prefix(1))
        self.batches[result]?.increment()
    }
}
