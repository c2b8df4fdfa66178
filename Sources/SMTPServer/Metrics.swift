// SPDX-License-Identifier: Apache-2.0

import Metrics

/// Every meter of this module.
enum Metrics {
    private static let sessions = Meter(label: "letterhouse_smtp_sessions")
    private static let acceptedOctets = Counter(label: "letterhouse_smtp_accepted_octets_total")

    /// Sessions open now.
    static func sessionBegan() { Self.sessions.increment() }
    static func sessionEnded() { Self.sessions.decrement() }

    /// Octets of accepted messages, as they were sent.
    static func count(acceptedOctets: Int) { Self.acceptedOctets.increment(by: acceptedOctets) }

    /// Commands by verb and result; `verb` is one of ours or `unknown`, never a client's word.
    static func count(command verb: String, isPositive: Bool) {
        Counter(
            label: "letterhouse_smtp_commands_total",
            dimensions: [("command", verb), ("result", isPositive ? "ok" : "refused")]
        ).increment()
    }

    /// Messages that came to their end, by role and result.
    static func count(message role: SMTPRole, isAccepted: Bool) {
        Counter(
            label: "letterhouse_smtp_messages_total",
            dimensions: [("role", role.rawValue), ("result", isAccepted ? "accepted" : "refused")]
        ).increment()
    }

    static func logins(_ result: String) {
        Counter(label: "letterhouse_logins_total", dimensions: [("protocol", "smtp"), ("result", result)]).increment()
    }
}
