// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailStorage
import Testing

@testable import MailRelay

@Suite("RFC 3207") struct OpportunisticTLSTests {
    @Test func opportunisticTLS() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.extensions = ["STARTTLS", "PIPELINING"] }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.map(\.security) == [.startTLS(.none)])
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [true])
        #expect(fixture.sinks.record.commands.filter { $0.hasPrefix("EHLO") }.count == 2)
    }

    @Test func clearTextAfterFailedTLS() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set {
            $0.extensions = ["STARTTLS"]
            $0.canTLS = false
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.map(\.security) == [.startTLS(.none), .none])
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [false])
    }

    /// T-02: replies behind the one to STARTTLS would be believed under TLS.
    ///
    /// No clear text either.
    @Test func repliesInjectedBeforeTLS() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set {
            $0.extensions = ["STARTTLS"]
            $0.reply = { command, _ in command == "STARTTLS" ? "220 go\r\n250-mx\r\n250 AUTH PLAIN" : nil }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.messages.isEmpty)
        #expect(fixture.sinks.record.targets.count == 1)
        #expect(try await fixture.queue().first?.recipients.first?.lastReply?.contains("more was said") == true)
    }

    /// A server that has answered before it was asked is not in step.
    @Test(arguments: [
        "EHLO mx.example.org", "MAIL FROM:<ann@example.org> SIZE=23", "RCPT TO:<bob@example.net>", "DATA",
    ]) func repliesBeforeTheyAreDue(at command: String) async throws {
        let fixture = try await Fixture()
        fixture.sinks.set {
            $0.reply = { given, _ in
                guard given == command else { return nil }
                return (command.hasPrefix("EHLO") ? "250-x\r\n250 SIZE" : given == "DATA" ? "354 go" : "250 ok")
                    + "\r\n250 ok"
            }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.messages.isEmpty)
        #expect(try await fixture.queue().count == 1)
    }
}
