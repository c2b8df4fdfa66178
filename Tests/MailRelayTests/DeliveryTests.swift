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
        }
        let message = try #require(fixture.sinks.record.messages.first)
        #expect(message.from == "MAIL FROM:<ann@example.org> SIZE=23")
        #expect(message.recipients == ["RCPT TO:<bob@example.net>"])
        #expect(message.lines == ["Subject: Hello", "", "Hi."], "without our Return-Path")
        #expect(fixture.sinks.record.targets.map(\.serverName) == ["mx.example.net"])
        #expect(fixture.sinks.record.targets.map(\.port) == [25])
        #expect(try await fixture.inbox() == [], "no report")
        #expect(fixture.sinks.record.commands.last == "QUIT")
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
