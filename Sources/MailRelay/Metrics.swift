// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Metrics

/// Every meter of this module.
enum Metrics {
    private static let attempts = Meter(label: "letterhouse_relay_attempts")
    private static let waiting = Gauge(label: "letterhouse_relay_waiting_messages")
    private static let reports = Counter(label: "letterhouse_relay_reports_total")

    /// Attempts that run now.
    static func attemptBegan() { Self.attempts.increment() }
    static func attemptEnded() { Self.attempts.decrement() }

    /// Messages that are due and wait for their turn, or are being sent.
    static func set(waiting count: Int) { Self.waiting.record(count) }

    /// Reports to senders.
    static func countReport() { Self.reports.increment() }

    /// Recipients by what an attempt came to.
    static func count(_ result: DeliveryOutcome.Result) {
        let name =
            switch result {
            case .delivered: "delivered"
            case .failed: "failed"
            case .deferred: "deferred"
            }
        Counter(label: "letterhouse_relay_recipients_total", dimensions: [("result", name)]).increment()
    }
}
