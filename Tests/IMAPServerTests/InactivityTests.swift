// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import IMAPServer

/// The inactivity timer: 30 minutes in every state, not a second less.
@Suite("RFC 9051 §5.4 Autologout Timer", .timeLimit(.minutes(20))) struct InactivityTests {
    private static let bye = "* BYE Autologout; idle for too long"

    /// How a session gets where it then is inactive: what is sent, and the beginning of the last line of the answer.
    struct Situation: Sendable, CustomTestStringConvertible {
        let name: String
        var steps: [(send: String, answer: String)]
        var testDescription: String { self.name }

        static let login = ("l LOGIN ann@example.org secret\r\n", "l OK")
        static let select = ("s SELECT INBOX\r\n", "s OK")
    }

    static let situations: [Situation] = [
        Situation(name: "not authenticated", steps: []),
        Situation(name: "not authenticated, behind a NOOP", steps: [("a NOOP\r\n", "a OK")]),
        Situation(name: "authenticated", steps: [Situation.login]),
        Situation(name: "selected", steps: [Situation.login, Situation.select]),
        Situation(name: "idling", steps: [Situation.login, Situation.select, ("i IDLE\r\n", "+ idling")]),
        Situation(name: "behind DONE", steps: [Situation.login, ("i IDLE\r\n", "+ idling"), ("DONE\r\n", "i OK")]),
        Situation(name: "before a literal", steps: [("a LOGIN {15}\r\n", "+ Ready")]),
        Situation(name: "before a message", steps: [Situation.login, ("a APPEND INBOX {9}\r\n", "+ Ready")]),
        Situation(name: "within a SASL exchange", steps: [("a AUTHENTICATE PLAIN\r\n", "+")]),
        Situation(name: "behind a wrong response", steps: [("a AUTHENTICATE PLAIN\r\n", "+"), ("!\r\n", "a BAD")]),
        Situation(name: "behind a wrong command", steps: [("a FLY\r\n", "a BAD")]),
        Situation(name: "behind a NO", steps: [Situation.login, ("a SELECT Nowhere\r\n", "a NO")]),
    ]

    @Test("30 minutes from the last of these, not a second less", arguments: situations)
    func situation(_ situation: Situation) async throws {
        let clock = TestClock()
        let fixture = try await Fixture(clock: clock)
        try await LiveClient.with(of: fixture.service) { clients in
            let client = clients[0]
            _ = try await client.line()
            // Each step comes in the last second that there is for it.
            for step in situation.steps {
                clock.advance(by: .seconds(1799))
                client.send(step.send)
                _ = try await client.lines(to: step.answer)
            }
            let end = clock.now + .seconds(1800)
            clock.advance(by: .seconds(1799))
            // The timer wakes when it was set, and is set again; nothing is said.
            while try await clock.nextDeadline() != end {}
            #expect(client.received.unread.isEmpty)
            clock.advance(by: .seconds(1))
            #expect(try await client.line() == Self.bye)
            #expect(try await client.received.line() == nil)
        }
        try await fixture.close()
    }

    @Test("A command that runs is no inactivity, however long it takes; its end begins the 30 minutes anew")
    func running() async throws {
        let clock = TestClock()
        let fixture = try await Fixture(clock: clock)
        try await fixture.deliver(1...1)
        let gate = Gate()
        try await LiveClient.with(of: fixture.service(behind: gate)) { clients in
            let client = clients[0]
            try await client.select()
            client.send("a SEARCH BODY message\r\n")
            await gate.reached()
            for hour in 1...3 {
                clock.advance(by: .seconds(3600))
                while try await clock.nextDeadline() != .seconds(3600 * hour + 1800) {}
            }
            #expect(client.received.unread.isEmpty)
            gate.open()
            #expect(try await client.lines(to: "a ").last == "a OK SEARCH completed")
            clock.advance(by: .seconds(1800))
            #expect(try await client.line() == Self.bye)
        }
        try await fixture.close()
    }

    /// Within a response BYE would be taken for the rest of that.
    @Test("Nothing is said in the middle of what the client is told at length without having asked (RFC 5465 §5.2)")
    func withinBlock() async throws {
        let clock = TestClock()
        let fixture = try await Fixture(clock: clock)
        let gate = Gate(passing: 8)
        let service = fixture.service(behind: gate, large: LargeMessages(size: 4_000_000) { _ in })
        try await LiveClient.with(of: service) { clients in
            let client = clients[0]
            try await client.select()
            client.send("n NOTIFY SET (SELECTED (MessageNew (BODY.PEEK[]) MessageExpunge))\r\n")
            _ = try await client.lines(to: "n OK")
            try await fixture.deliver(1...1)
            await gate.reached()
            clock.advance(by: .seconds(1800))
            while try await clock.nextDeadline() != clock.now + .seconds(1800) {}
            gate.open()
            let lines = try await client.lines(to: "xxx")
            #expect(lines.dropLast().last == "* 1 FETCH (UID 1 BODY[] {4000000}")
            #expect(lines.last?.utf8.count == 4_000_001)
            clock.advance(by: .seconds(1800))
            #expect(try await client.line() == Self.bye)
        }
        try await fixture.close()
    }

    @Test(
        "Octets of a literal are activity, also of one that is gathered or skipped; those of a line are not",
        arguments: [
            ("a LOGIN {15+}\r\n", true), ("l LOGIN ann@example.org secret\r\na APPEND INBOX {99+}\r\n", true),
            ("a APPEND INBOX {99+}\r\n", true), ("a NOOP", false),
        ]
    ) func octets(_ beginning: String, areActivity: Bool) async throws {
        let clock = TestClock()
        let fixture = try await Fixture(clock: clock)
        try await LiveClient.with(of: fixture.service) { clients in
            let client = clients[0]
            // The session has begun.
            _ = try await client.line()
            client.send(beginning)
            for _ in 1...(areActivity ? 3 : 1) {
                clock.advance(by: .seconds(1799))
                // In the inbox it is before the timer's note.
                client.send("x")
                clock.advance(by: .seconds(1))
                if areActivity { #expect(try await clock.nextDeadline() > clock.now) }
            }
            guard !areActivity else { return }
            #expect(try await client.line() == Self.bye)
        }
        try await fixture.close()
    }
}
