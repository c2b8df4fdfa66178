// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Metrics

/// Every meter of this module.
enum Metrics {
    private static let attempts = Meter(label: "letterhouse_relay_attempts")
    private static let waiting = Gauge(label: "letterhouse_relay_waiting_messages")
    private static let reports = Counter(label: "letterhouse_relay_reports_total")
    // Made once, because finding a counter by its labels costs a lock and a search.
    private static let delivered = Self.recipients("delivered")
    private static let failed = Self.recipients("failed")
    private static let deferred = Self.recipients("deferred")

    private static func recipients(_ result: String) -> Counter {
        Counter(label: "letterhouse_relay_recipients_total", dimensions: [("result", result)])
    }

    /// Attempts that run now.
    static func attemptBegan() { Self.attempts.increment() }
    static func attemptEnded() { Self.attempts.decrement() }

    /// Messages that are due and wait for their turn, or are being sent.
    static func set(waiting count: Int) { Self.waiting.record(count) }

    /// Reports to senders.
    static func countReport() { Self.reports.increment() }

    /// The counter of recipients by what became of them.
    static func recipients(_ result: DeliveryOutcome.Result) -> Counter {
        switch result {
        case .delivered, .deliveredHere: Self.delivered
        case .failed: Self.failed
        case .deferred: Self.deferred
        }
    }

    static func count(_ result: DeliveryOutcome.Result) { Self.recipients(result).increment() }
}
