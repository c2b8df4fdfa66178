// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPServer

/// Counters are found by their labels once, not for each command.
@Suite("Metrics") struct MetricsTests {
    @Test("Every command, message and login has a counter of its own, and keeps it")
    func counters() throws {
        func all() -> [ObjectIdentifier?] {
            let commands = (ExtensionTable.verbs + [Metrics.unknownCommand]).flatMap { verb in
                Metrics.Ending.allCases.map { Metrics.commands(verb, $0).map(ObjectIdentifier.init) }
            }
            let messages = SMTPRole.allCases.flatMap { role in
                Metrics.Verdict.allCases.map { Metrics.messages(role, $0).map(ObjectIdentifier.init) }
            }
            let refusals = ClientLimits.Refusal.allCases.map { Metrics.refusals($0).map(ObjectIdentifier.init) }
            return commands + messages + refusals
                + Metrics.Login.allCases.map { Metrics.logins($0).map(ObjectIdentifier.init) }
        }
        let counters = all()
        #expect(!counters.contains(nil))
        #expect(Set(counters).count == counters.count)
        #expect(all() == counters)
        #expect(Metrics.commands("XYZZY", .refused) == nil)
    }
}
