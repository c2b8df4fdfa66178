// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Metrics

/// Every meter of this module.
enum Metrics {
    private static let dropped = Counter(label: "letterhouse_reports_observations_dropped_total")

    private static func counter(_ event: String, _ kind: ReportKind) -> Counter {
        Counter(label: "letterhouse_reports_total", dimensions: [("event", event), ("kind", kind.rawValue)])
    }

    /// Something was not counted, for there was too much at once.
    static func countDropped() { Self.dropped.increment() }

    /// What was counted for a domain that day was forgotten without a report: it was too much, or too late.
    static func countForgotten(_ kind: ReportKind) { Self.counter("forgotten", kind).increment() }

    static func countSent(_ kind: ReportKind) { Self.counter("sent", kind).increment() }
    static func countReceived(_ kind: ReportKind) { Self.counter("received", kind).increment() }
}
