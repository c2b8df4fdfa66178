// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SASLMechanisms
import SMTPSyntax
import Synchronization
import TestSupport
import Testing

@testable import MailRelay

/// From the queue to the hosts.
@Suite struct DeliveryTests {
    @Test func oneMessage() async throws {
        let fixture = try await Fixture()
        try await fixture.relaying {
            try await fixture.enqueue(["bob@example.net"])
            try await fixture.untilEmpty()
            try await eventually("a farewell") { fixture.sinks.record.commands.last == "QUIT" }
        }
        let message = try #require(fixture.sinks.record.messages.first)
        #expect(message.from == "MAIL FROM:<ann@example.org> SIZE=23")
        #expect(message.recipients == ["RCPT TO:<bob@example.net>"])
        #expect(message.lines == ["Subject: Hello", "", "Hi."], "without our Return-Path")
        #expect(fixture.sinks.record.targets.map(\.serverName) == ["mx.example.net"])
        #expect(fixture.sinks.record.targets.map(\.port) == [25])
        #expect(try await fixture.inbox() == [], "no report")
    }

    /// One copy for each destination (RFC 5321 §4.5.4.1), whatever the order of the recipients.
    @Test func recipientsShareATransaction() async throws {
        let fixture = try await Fixture()
        try await fixture.enqueue(["a@one.example", "b@two.example", "c@one.example"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(
            Set(fixture.sinks.record.messages.map(\.recipients)) == [
                ["RCPT TO:<a@one.example>", "RCPT TO:<c@one.example>"], ["RCPT TO:<b@two.example>"],
            ]
        )
    }

    @Test func manyRecipients() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.extensions = ["PIPELINING", "LIMITS RCPTMAX=30 MAILMAX=2"] }
        try await fixture.enqueue((0..<130).map { "r\($0)@example.net" })
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.map(\.recipients.count) == [30, 30, 30, 30, 10])
        #expect(fixture.sinks.record.targets.count == 3)
    }

    /// Recipients that are too many for a server that does not say so are sent right after the others.
    @Test func tooManyRecipients() async throws {
        let fixture = try await Fixture()
        let count = Mutex(0)
        fixture.sinks.set {
            $0.reply = { command, _ in
                if command.hasPrefix("MAIL") { count.withLock { $0 = 0 } }
                guard command.hasPrefix("RCPT") else { return nil }
                return count.withLock {
                    $0 += 1
                    return $0 > 4 ? "452 4.5.3 too many" : nil
                }
            }
        }
        try await fixture.enqueue((0..<10).map { "r\($0)@example.net" })
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.map(\.recipients.count) == [4, 4, 2])
        #expect(fixture.sinks.record.targets.count == 1)
    }

    @Test func severalVerdicts() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set {
            $0.reply = { command, _ in
                if command.contains("bad@") { return "550 5.1.1 no such user" }
                return command.contains("later@") ? "450 4.2.1 greylisted" : nil
            }
        }
        try await fixture.enqueue(["good@example.net", "bad@example.net", "later@example.net"])
        try await fixture.relaying {
            try await fixture.untilIdle()
            fixture.sinks.set { $0.reply = { _, _ in nil } }
            let entry = try #require(try await fixture.queue().first)
            #expect(entry.recipients.map(\.recipient.localPart) == ["later"])
            #expect(entry.recipients.first?.attempts == 1)
            #expect(entry.recipients.first?.lastReply?.hasSuffix("]: 450 4.2.1 greylisted") == true)
            #expect(entry.recipients.first?.nextAttempt == fixture.now.advanced(by: 300))
            #expect(fixture.sinks.record.messages.map(\.recipients.count) == [1])
            fixture.clock.advance(by: .seconds(300))
            try await fixture.untilEmpty()
        }
        #expect(
            fixture.sinks.record.messages.map(\.recipients) == [
                ["RCPT TO:<good@example.net>"], ["RCPT TO:<later@example.net>"],
            ]
        )
        let inbox = try await fixture.inbox()
        #expect(inbox.count == 1)
        #expect(inbox.first?.contains("bad@example.net") == true)
        #expect(inbox.first?.contains("later@example.net") == false)
    }

    // MARK: Host after host

    private static let threeHosts = Names {
        $0.exchangers["example.net"] = .success([(10, "first"), (20, "second"), (30, "third")])
    }

    @Test func theNextHost() async throws {
        for (host, change): (String, @Sendable (inout Sinks.Behaviour) -> Void) in [
            ("down", { $0.isDown = true }), ("busy", { $0.greeting = "421 busy" }),
            ("rude", { $0.greeting = "554 no" }),
            ("mute", { $0.greeting = "" }),
            ("later", { $0.reply = { command, _ in command.hasPrefix("MAIL") ? "450 later" : nil } }),
            ("bye", { $0.reply = { command, _ in command.hasPrefix("RCPT") ? "421 bye" : nil } }),
            ("gone", { $0.reply = { command, _ in command.hasPrefix("DATA") ? "" : nil } }),
            ("odd", { $0.greeting = "what?" }),
        ] {
            let fixture = try await Fixture(names: Self.threeHosts)
            fixture.sinks.set("first", change)
            try await fixture.enqueue(["bob@example.net"])
            try await fixture.relaying { try await fixture.untilEmpty() }
            #expect(fixture.sinks.record.targets.map(\.serverName) == ["first", "second"], "\(host)")
            #expect(fixture.sinks.record.messages.count == 1)
        }
    }

    /// Who has failed for good at one host is not asked for at the next one.
    @Test func verdictsOutliveTheirHost() async throws {
        let fixture = try await Fixture(names: Self.threeHosts)
        fixture.sinks.set("first") {
            $0.reply = { command, _ in
                if command.contains("bad@") { return "550 5.1.1 no such user" }
                return command == "DATA" ? "421 bye" : nil
            }
        }
        try await fixture.enqueue(["bad@example.net", "good@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.map(\.recipients) == [["RCPT TO:<good@example.net>"]])
        #expect(try await fixture.inbox().count == 1)
    }

    /// Refused by all for good: the sender hears at once.
    ///
    /// By some only: it may be better tomorrow.
    @Test(arguments: [true, false]) func refusedEverywhere(all: Bool) async throws {
        let fixture = try await Fixture(names: Self.threeHosts)
        fixture.sinks.set { $0.greeting = "554 5.7.1 no" }
        if !all { fixture.sinks.set("second") { $0.isDown = true } }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.targets.count == 3)
        #expect(try await fixture.queue().isEmpty == all)
        #expect(try await fixture.inbox().count == (all ? 1 : 0))
    }

    /// Who could not be asked may be of another opinion than those who refused.
    @Test func refusedByAllThatCouldBeAsked() async throws {
        let names = Names {
            $0.exchangers["example.net"] = .success([(10, "first"), (20, "second")])
            $0.addresses["second"] = .failure(.temporary("SERVFAIL"))
        }
        let fixture = try await Fixture(names: names)
        fixture.sinks.set { $0.greeting = "554 5.7.1 no" }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(try await fixture.queue().count == 1)
    }

    /// RFC 5321 §4.1.1.10: also after an error the connection is closed with QUIT, except where nobody listens any more.
    @Test(arguments: [
        ("220", "", 1), ("554 5.7.1 no", "", 1), ("450 later", "", 1), ("421 busy", "", 0), ("220", "EHLO 550 no", 1),
        ("220", "MAIL 450 later", 1), ("220", "MAIL 550 no", 1), ("220", "RCPT 421 bye", 0), ("220", "DATA 450 no", 1),
        ("220", "DATA 250 what?", 0), ("what?", "", 0),
    ]) func farewell(greeting: String, reply: String, count: Int) async throws {
        let fixture = try await Fixture()
        fixture.sinks.set {
            $0.greeting = greeting
            $0.reply = { command, _ in command.hasPrefix(reply.prefix(4)) ? String(reply.dropFirst(5)) : nil }
            if reply.isEmpty { $0.reply = { _, _ in nil } }
        }
        try await fixture.enqueue(["bob@example.net"])
        func farewells() -> Int { fixture.sinks.record.commands.filter { $0 == "QUIT" }.count }
        try await fixture.relaying {
            try await fixture.untilIdle()
            // The sink hears it when the relay is done with it.
            if count > 0 { try await eventually("a QUIT") { farewells() > 0 } }
        }
        #expect(farewells() == count)
    }

    /// Hosts that take all the time there is do not get it one after the other; the two best are asked in any case.
    @Test func silentHosts() async throws {
        let names = Names { $0.exchangers["example.net"] = .success((0..<5).map { ($0, "h\($0)") }) }
        let fixture = try await Fixture(names: names) {
            $0.schedule = Fixture.patientSchedule
            $0.timeouts.dialogue = .seconds(200)
        }
        fixture.sinks.set { $0.greeting = "220-never" }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying {
            try await eventually("asked") { fixture.sinks.record.targets.count == 1 }
            try await fixture.untilAttempted()
        }
        #expect(fixture.sinks.record.targets.map(\.serverName) == ["h0", "h1"])
        #expect(try await fixture.inbox().isEmpty)
    }

    /// The time that one message takes is not the next one's.
    @Test func longContent() async throws {
        let fixture = try await Fixture { $0.timeouts.final = .seconds(3600) }
        fixture.sinks.set {
            $0.extensions = ["PIPELINING", "LIMITS RCPTMAX=1"]
            $0.beforeFinalReply = { fixture.clock.advance(by: .seconds(1900)) }
        }
        try await fixture.enqueue(["a@example.net", "b@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.count == 1)
        #expect(fixture.sinks.record.messages.count == 2)
    }

    /// RFC 1047, R-07: the message was perhaps taken.
    ///
    /// It is sent again, but later, and not to another host.
    @Test func connectionLostBeforeTheFinalReply() async throws {
        let fixture = try await Fixture(names: Self.threeHosts)
        fixture.sinks.set { $0.finalReply = "" }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying {
            try await fixture.untilIdle()
            #expect(fixture.sinks.record.messages.count == 1)
            #expect(try await fixture.queue().count == 1)
            fixture.sinks.set { $0.finalReply = "250 ok" }
            fixture.clock.advance(by: .seconds(300))
            try await fixture.untilEmpty()
        }
        #expect(fixture.sinks.record.messages.count == 2, "one duplicate for one ambiguous event")
    }
}
