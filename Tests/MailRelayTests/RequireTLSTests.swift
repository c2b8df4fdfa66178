// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailStorage
import Testing

@testable import MailRelay

/// RFC 8689 §4.2.1, §5: verified TLS to a host that promises the same, or a report; and reports are not lost for it.
@Suite("RFC 8689") struct RequireTLSTests {
    /// A relay to hosts that offer all it takes, in domains whose MX records are signed.
    private func fixture(_ answers: (inout Names.Answers) -> Void = { _ in }) async throws -> Fixture {
        let fixture = try await Fixture(
            names: Names {
                $0.secure = ["example.net"]
                answers(&$0)
            }
        )
        fixture.sinks.set { $0.extensions = ["STARTTLS", "PIPELINING", "DSN", "REQUIRETLS"] }
        return fixture
    }

    private func send(
        _ fixture: Fixture,
        to recipient: String = "bob@example.net",
        from sender: String = "ann@example.org",
        returnsFull: Bool? = nil
    ) async throws {
        try await fixture.enqueue([recipient], from: sender) {
            $0.requiresTLS = true
            $0.returnsFull = returnsFull
        }
        try await fixture.relaying { try await fixture.untilEmpty() }
    }

    @Test("Under verified TLS, with the parameter") func delivered() async throws {
        let fixture = try await self.fixture()
        try await self.send(fixture)
        #expect(fixture.sinks.record.targets.map(\.security) == [.startTLS(.verified(name: "mx.example.net"))])
        #expect(fixture.sinks.record.targets.map(\.serverName) == ["mx.example.net"])
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [true])
        #expect(fixture.sinks.record.messages.first?.from.hasSuffix(" REQUIRETLS") == true)
    }

    @Test(
        "Where that is not to be had the message goes back, its header only",
        arguments: [
            ("no promise", "5.7.30"), ("no STARTTLS", "5.7.10"), ("no trust", "5.7.10"), ("unsigned", "5.7.10"),
            ("address", "5.7.10"),
        ]
    )
    func bounced(_ fault: String, _ status: String) async throws {
        let fixture = try await self.fixture { if fault == "unsigned" { $0.secure = [] } }
        fixture.sinks.set { behaviour in
            if fault == "no promise" { behaviour.extensions.removeAll { $0 == "REQUIRETLS" } }
            if fault == "no STARTTLS" { behaviour.extensions.removeAll { $0 == "STARTTLS" } }
            if fault == "no trust" { behaviour.certificateFault = { _ in .untrusted } }
        }
        let recipient = fault == "address" ? "bob@[8.8.8.8]" : "bob@example.net"
        try await self.send(fixture, to: recipient, returnsFull: true)
        #expect(fixture.sinks.record.messages.isEmpty)
        #expect(!fixture.sinks.record.commands.contains { $0.hasPrefix("MAIL") })
        let report = try #require(try await fixture.inbox().first)
        #expect(report.contains("\r\nStatus: \(status)\r\n"))
        #expect(!report.contains("Hi."), "RET=FULL is disregarded (§5)")
    }

    @Test("A host of several will do") func secondHost() async throws {
        let fixture = try await self.fixture {
            $0.exchangers["example.net"] = .success([(1, "one.example.net"), (2, "two.example.net")])
        }
        fixture.sinks.set("one.example.net") { $0.extensions = ["STARTTLS"] }
        try await self.send(fixture)
        #expect(fixture.sinks.record.messages.map(\.address) == [Names.address(of: "two.example.net")])
        #expect(try await fixture.inbox().isEmpty)
    }

    @Test("A handshake that breaks off says nothing about the host: it is tried later") func brokenHandshake()
        async throws
    {
        let fixture = try await self.fixture()
        fixture.sinks.set { $0.canTLS = false }
        try await fixture.enqueue(["bob@example.net"]) { $0.requiresTLS = true }
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.messages.isEmpty)
        #expect(try await fixture.queue().first?.recipients.first?.lastReply?.contains("TLS failed") == true)
        #expect(try await fixture.inbox().isEmpty)
    }

    @Test("A host that cannot be reached now is tried later") func later() async throws {
        let fixture = try await self.fixture()
        fixture.sinks.set { $0.isDown = true }
        try await fixture.enqueue(["bob@example.net"]) { $0.requiresTLS = true }
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(try await fixture.queue().count == 1)
        #expect(try await fixture.inbox().isEmpty)
    }

    @Test("A domain without MX records is itself the host") func implicitHost() async throws {
        let fixture = try await self.fixture {
            $0.secure = []
            $0.exchangers["example.net"] = .success([])
        }
        try await self.send(fixture)
        #expect(fixture.sinks.record.targets.map(\.serverName) == ["example.net"])
        #expect(fixture.sinks.record.messages.count == 1)
    }

    @Test(
        "With the null reverse-path it is asked for where it is offered, and sent in any case",
        arguments: [true, false]
    )
    func reports(isOffered: Bool) async throws {
        let fixture = try await self.fixture { $0.secure = [] }
        fixture.sinks.set { $0.extensions = isOffered ? ["STARTTLS", "REQUIRETLS"] : [] }
        try await self.send(fixture, from: "")
        let message = try #require(fixture.sinks.record.messages.first)
        #expect(message.isSecure == isOffered)
        #expect(message.from.hasSuffix(" REQUIRETLS") == isOffered)
    }

    @Test("The report of a failure is to be guarded like the message") func report() async throws {
        let fixture = try await self.fixture()
        fixture.sinks.set { $0.reply = { command, _ in command.hasPrefix("RCPT TO:<bob") ? "550 5.1.1 no" : nil } }
        try await self.send(fixture, from: "eve@example.net")
        let report = try #require(fixture.sinks.record.messages.last)
        #expect(report.from.hasPrefix("MAIL FROM:<>"))
        #expect(report.from.hasSuffix(" REQUIRETLS"))
    }
}
