// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailStorage
import Synchronization
import TestSupport
import Testing

@testable import MailRelay

/// Connections serve one message after the other.
@Suite struct SharingTests {
    private func fixture(configure: (inout RelayService.Options) -> Void = { _ in }) async throws -> Fixture {
        try await Fixture {
            $0.idleTime = .seconds(5)
            configure(&$0)
        }
    }

    private func count(_ fixture: Fixture, _ prefix: String) -> Int {
        fixture.sinks.record.commands.filter { $0.hasPrefix(prefix) }.count
    }

    /// Until a connection waits for more, and for nothing else.
    private func untilWaiting(_ fixture: Fixture, until deadline: Duration) async throws {
        try await eventually("the connection waits") { try await fixture.clock.nextDeadline() == deadline }
    }

    @Test("What waits for the same destination takes the connection that is there") func shared() async throws {
        let fixture = try await self.fixture()
        for number in 0..<20 { try await fixture.enqueue(["bob\(number)@example.net"]) }
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.count == 20)
        // One at first, and another one when somebody is known to answer there.
        #expect((1...2).contains(fixture.sinks.record.targets.count))
    }

    @Test("A connection waits for what comes within its time, then says farewell") func waits() async throws {
        let fixture = try await self.fixture()
        try await fixture.relaying {
            try await fixture.enqueue(["bob@example.net"])
            try await fixture.untilEmpty()
            try await fixture.enqueue(["carol@example.net"])
            try await fixture.untilEmpty()
            #expect(fixture.sinks.record.targets.count == 1)
            #expect(self.count(fixture, "QUIT") == 0)
            try await self.untilWaiting(fixture, until: fixture.clock.now + .seconds(5))
            fixture.clock.advance(by: .seconds(5))
            try await eventually("farewell") { self.count(fixture, "QUIT") == 1 }
            try await fixture.enqueue(["dave@example.net"])
            try await fixture.untilEmpty()
            #expect(fixture.sinks.record.targets.count == 2)
        }
    }

    @Test("Another destination gets another connection") func others() async throws {
        let fixture = try await self.fixture()
        try await fixture.enqueue(["bob@one.example"])
        try await fixture.enqueue(["bob@two.example"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(Set(fixture.sinks.record.targets.map(\.address)).count == 2)
    }

    @Test(
        "A host that hangs up meanwhile, or on the next message, loses nothing",
        arguments: ["421 4.4.2 idle", "", "at MAIL", "451 at MAIL", "at RCPT"]
    )
    func hangsUp(_ fault: String) async throws {
        let fixture = try await self.fixture()
        let mails = Mutex(0)
        fixture.sinks.set {
            $0.reply = { command, _ in
                let number = mails.withLock { count in
                    if command.hasPrefix("MAIL") { count += 1 }
                    return count
                }
                guard number == 2 else { return nil }
                switch fault {
                case "at MAIL" where command.hasPrefix("MAIL"): return ""
                case "451 at MAIL" where command.hasPrefix("MAIL"): return "451 4.3.0 one message only"
                case "at RCPT" where command.hasPrefix("RCPT"): return ""
                case "421 4.4.2 idle" where command.hasPrefix("MAIL"): return fault
                case "" where command.hasPrefix("MAIL"): return ""
                default: return nil
                }
            }
        }
        try await fixture.relaying {
            try await fixture.enqueue(["bob@example.net"])
            try await fixture.untilEmpty()
            try await fixture.enqueue(["carol@example.net"])
            try await fixture.untilEmpty()
        }
        #expect(fixture.sinks.record.messages.map(\.recipients.count) == [1, 1])
        #expect(fixture.sinks.record.targets.count == 2)
    }

    @Test("A refusal on a used connection counts like any other, and the connection goes on") func refusal()
        async throws
    {
        let fixture = try await self.fixture()
        fixture.sinks.set {
            $0.reply = { command, _ in command.hasPrefix("RCPT TO:<carol") ? "550 5.1.1 no" : nil }
        }
        try await fixture.relaying {
            for name in ["bob", "carol", "dave"] {
                try await fixture.enqueue(["\(name)@example.net"])
                try await fixture.untilEmpty()
            }
        }
        #expect(fixture.sinks.record.messages.count == 2)
        #expect(fixture.sinks.record.targets.count == 1)
        #expect(try await fixture.inbox().count == 1)
    }

    @Test("What requires TLS gets a connection that was asked for it") func requireTLS() async throws {
        let fixture = try await self.fixture()
        fixture.names.set { $0.secure = ["example.net"] }
        fixture.sinks.set { $0.extensions = ["STARTTLS", "REQUIRETLS"] }
        try await fixture.relaying {
            try await fixture.enqueue(["bob@example.net"])
            try await fixture.untilEmpty()
            try await fixture.enqueue(["carol@example.net"]) { $0.requiresTLS = true }
            try await fixture.untilEmpty()
        }
        #expect(
            fixture.sinks.record.targets.map(\.security)
                == [.startTLS(.none), .startTLS(.verified(name: "mx.example.net"))]
        )
    }

    @Test("Where a message set a policy aside, others do not follow") func policySetAside() async throws {
        let fixture = try await self.fixture()
        let record = TLSARecord(usage: 3, selector: 1, matchingType: 1, association: Array(repeating: 1, count: 32))
        fixture.names.set {
            $0.secure = ["example.net"]
            $0.tlsa["mx.example.net"] = .success([record])
        }
        // As somebody on the way would have it.
        fixture.sinks.set { $0.extensions = [] }
        try await fixture.relaying {
            let octets = Array("TLS-Required: No\r\n\r\nHi\r\n".utf8)
            try await fixture.enqueue(["bob@example.net"], octets: octets, relayFrom: 0)
            try await fixture.untilEmpty()
            try await fixture.enqueue(["carol@example.net"])
            try await fixture.untilIdle()
        }
        #expect(fixture.sinks.record.messages.map(\.recipients) == [["RCPT TO:<bob@example.net>"]])
        #expect(try await fixture.queue().count == 1)
    }

    @Test("No connection is used for ever") func lifetime() async throws {
        let fixture = try await self.fixture {
            $0.connectionLifetime = .seconds(60)
            $0.idleTime = .seconds(1_000)
        }
        let end = fixture.clock.now + .seconds(60)
        try await fixture.relaying {
            for number in 0..<3 {
                try await fixture.enqueue(["bob\(number)@example.net"])
                try await fixture.untilEmpty()
                try await self.untilWaiting(fixture, until: end)
                if number < 2 { fixture.clock.advance(by: .seconds(29)) }
            }
            #expect(fixture.sinks.record.targets.count == 1)
            fixture.clock.advance(by: .seconds(2))
            try await eventually("farewell") { self.count(fixture, "QUIT") == 1 }
        }
    }
}

@Suite struct CourierTableTests {
    private let one = Destination.domain("one.example")
    private let two = Destination.domain("two.example")

    private final class Notes: Sendable {
        let state = Mutex<[ClientNote]>([])
        var all: [ClientNote] { self.state.withLock { $0 } }
        @Sendable func post(_ note: ClientNote) { self.state.withLock { $0.append(note) } }
    }

    private func consignment(_ entry: Int64, _ destination: Destination) -> Consignment {
        Consignment(entry: QueueEntryID(rawValue: entry), destination: destination)
    }

    @Test("Work goes to who waits for that destination, and comes back if it was not done") func gives() {
        var table = CourierTable()
        let notes = Notes()
        let first = table.begin(self.consignment(1, self.one))
        let next = self.consignment(2, self.one)
        let outcome1 = table.give(next)
        #expect(!outcome1)
        table.finished(first)
        table.isIdle(first, self.one, notes.post, limit: 10, each: 5)
        let isOther = table.give(self.consignment(2, self.two))
        #expect(!isOther)
        let outcome2 = table.give(next)
        #expect(outcome2)
        #expect(notes.all == [.work(next)])
        let outcome3 = table.give(self.consignment(3, self.one))
        #expect(!outcome3)
        let outcome4 = table.left(first)
        #expect(outcome4 == next)
        #expect(table.isEmpty)
    }

    @Test("There is a limit for each destination") func limitOfEach() {
        var table = CourierTable()
        let notes = Notes()
        for number in 0..<3 {
            let courier = table.begin(self.consignment(Int64(number), self.one))
            table.finished(courier)
            table.isIdle(courier, self.one, notes.post, limit: 10, each: 2)
        }
        #expect(notes.all == [.dismissal])
    }

    @Test("There is a limit to those who wait") func limit() {
        var table = CourierTable()
        let notes = Notes()
        for number in 0..<5 {
            let courier = table.begin(self.consignment(Int64(number), self.one))
            table.finished(courier)
            table.isIdle(courier, number % 2 == 0 ? self.one : self.two, notes.post, limit: 3, each: 5)
        }
        #expect(notes.all == [.dismissal, .dismissal])
        table.dismissIdle()
        #expect(notes.all.count == 5)
        let outcome5 = table.give(self.consignment(9, self.one))
        #expect(!outcome5)
        for number in 1...5 {
            let work = table.left(number)
            #expect(work == nil)
        }
        #expect(table.isEmpty)
    }
}
