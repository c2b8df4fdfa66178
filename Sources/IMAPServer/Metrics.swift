// SPDX-License-Identifier: Apache-2.0

import Metrics

/// Every meter of this module.
enum Metrics {
    /// Sessions open now.
    private static let openSessions = Meter(label: "letterhouse_imap_sessions")

    static func sessionBegan() { self.openSessions.increment() }
    static func sessionEnded() { self.openSessions.decrement() }

    /// How a command ended.
    enum Ending: String { case ok, no }

    /// Commands by name and ending: made once, because finding a counter by its labels costs more than a NOOP.
    private static let commands: [Ending: [String: Counter]] = [
        .ok: Self.counters(.ok), .no: Self.counters(.no),
    ]

    private static func counters(_ ending: Ending) -> [String: Counter] {
        let counters = ExtensionTable.commandNames.map { name in
            let dimensions = [("command", name), ("result", ending.rawValue)]
            return (name, Counter(label: "letterhouse_imap_commands_total", dimensions: dimensions))
        }
        return Dictionary(counters, uniquingKeysWith: { first, _ in first })
    }

    static func count(_ command: String, _ ending: Ending) { self.commands[ending]?[command]?.increment() }

    static func logins(_ result: String) {
        Counter(label: "letterhouse_logins_total", dimensions: [("protocol", "imap"), ("result", result)]).increment()
    }
}
