// SPDX-License-Identifier: Apache-2.0

import Logging
import MailMessage
import MailStorage
import SQLiteStorage
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import MailRelay

@Suite struct DispatcherTests {
    /// R-08: a dead destination is asked once for each interval, whatever waits for it, and others do not notice.
    @Test func deadDestination() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set("mx.dead.example") { $0.isDown = true }
        let (dead, alive) = (40, 20)
        for number in 0..<dead { try await fixture.enqueue(["r\(number)@dead.example"]) }
        for number in 0..<alive { try await fixture.enqueue(["r\(number)@alive.example"]) }
        func probes() -> Int {
            fixture.sinks.record.targets.filter { $0.serverName == "mx.dead.example" }.count
        }
        try await fixture.relaying {
            try await fixture.untilIdle()
            #expect(probes() == 1)
            #expect(fixture.sinks.record.messages.count == alive)
            for (number, pause) in [300, 600, 1200, 2400].enumerated() {
                fixture.clock.advance(by: .seconds(pause))
                try await fixture.untilIdle()
                #expect(probes() == number + 2)
            }
            fixture.sinks.set("mx.dead.example") { $0.isDown = false }
            fixture.clock.advance(by: .seconds(9600))
            try await fixture.untilEmpty()
        }
        #expect(probes() == 5 + dead)
        #expect(fixture.sinks.record.messages.count == dead + alive)
    }

    /// However much waits for a host that says nothing: what comes for others is seen at once, and not looked for among it.
    @Test func silentDestination() async throws {
        let searches = Mutex(0)
        let fixture = try await Fixture { _ in
        } queue: { store in
            FailingQueue(store, searched: { searches.withLock { $0 += 1 } })
        }
        let gate = Gate()
        fixture.sinks.set("mx.silent.example") {
            $0.reply = { command, _ in
                if command.hasPrefix("EHLO") { await gate.wait() }
                return nil
            }
        }
        for number in 0..<1_100 { try await fixture.enqueue(["r\(number)@silent.example"]) }
        try await fixture.relaying {
            try await eventually("the silent one is asked") {
                fixture.sinks.record.commands.contains { $0.hasPrefix("EHLO") }
            }
            let before = searches.withLock { $0 }
            for number in 1...20 {
                try await fixture.enqueue(["r\(number)@alive.example"])
                try await eventually("it is delivered") { fixture.sinks.record.messages.count == number }
            }
            #expect(searches.withLock { $0 } == before)
            // Soon all is looked for again, for an operator may have changed something.
            fixture.clock.advance(by: .seconds(1))
            try await eventually("all is looked for") { searches.withLock { $0 } == before + 1 }
        }
        #expect(fixture.sinks.record.targets.filter { $0.serverName == "mx.silent.example" }.count == 1)
    }

    /// What waits for a dead destination is one line in the log, however much it is.
    @Test func deadDestinationInTheLog() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.isDown = true }
        for number in 0..<30 { try await fixture.enqueue(["r\(number)@dead.example"]) }
        let lines = LogLines()
        try await fixture.relaying(logger: lines.logger) { try await fixture.untilIdle() }
        let (alone, deferred) = ("Destination is left alone", "Recipient deferred")
        #expect(lines.all.filter { $0.level == .info }.map(\.message).sorted() == [alone, deferred])
        #expect(lines.all.filter { $0.level == .debug && $0.message == deferred }.count == 29)
    }

    /// A host that hangs up on one message is not dead: others do not wait for it.
    @Test func messageThatAHostDoesNotBear() async throws {
        let fixture = try await Fixture()
        let isBad = Mutex(false)
        fixture.sinks.set {
            $0.reply = { command, _ in
                if command.hasPrefix("RCPT") { isBad.withLock { $0 = command.contains("bad@") } }
                return command == "DATA" && isBad.withLock { $0 } ? "" : nil
            }
        }
        try await fixture.enqueue(["bad@example.net"])
        try await fixture.enqueue(["good@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.messages.map(\.recipients) == [["RCPT TO:<good@example.net>"]])
        #expect(try await fixture.queue().count == 1)
    }

    /// An address that can be nobody's says nothing about the destination.
    @Test func invalidAddressAtADeadDestination() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.isDown = true }
        try await fixture.enqueue(["a@dead.example", "b@dead.example"]) { $0.remote[0].localPart = "a\r\nb" }
        try await fixture.enqueue(["c@dead.example"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.targets.count == 1, "the second message did not need to try")
        #expect(try await fixture.inbox().count == 1)
    }

    /// P2, R-07: while outcomes cannot be written down, only so much is sent as could be sent twice.
    @Test func storeThatTakesNoOutcomes() async throws {
        let isFull = Mutex(true)
        let failures = Mutex(0)
        let fixture = try await Fixture {
            $0.attempts = 3
        } queue: { store in
            FailingQueue(store) {
                guard isFull.withLock({ $0 }) else { return false }
                failures.withLock { $0 += 1 }
                return true
            }
        }
        for number in 0..<10 { try await fixture.enqueue(["a@d\(number).example"]) }
        try await fixture.relaying {
            try await eventually("all outcomes are refused, and nobody is being talked to") {
                failures.withLock { $0 >= 3 } && fixture.sinks.record.open == 0
            }
            try await eventually("they are refused again and again") {
                fixture.clock.advance(by: .seconds(60))
                return failures.withLock { $0 >= 60 }
            }
            #expect(fixture.sinks.record.messages.count == 3)
            isFull.withLock { $0 = false }
            try await eventually("everything is sent and written down") {
                fixture.clock.advance(by: .seconds(1))
                return try await fixture.queue().isEmpty
            }
        }
        #expect(fixture.sinks.record.messages.count == 10)
    }

    @Test func limits() async throws {
        let gate = Gate()
        let fixture = try await Fixture {
            $0.attempts = 5
            $0.attemptsPerDestination = 2
        }
        fixture.sinks.set("mx.slow.example") { $0.beforeFinalReply = { await gate.wait() } }
        for number in 0..<10 { try await fixture.enqueue(["r\(number)@slow.example"]) }
        for number in 0..<30 { try await fixture.enqueue(["r\(number)@quick\(number % 10).example"]) }
        try await fixture.relaying {
            // The slow one occupies one place, the others go on.
            try await eventually("the quick ones are done") { fixture.sinks.record.messages.count == 30 }
            #expect(fixture.sinks.record.targets.filter { $0.serverName == "mx.slow.example" }.count == 1)
            gate.open()
            try await fixture.untilEmpty()
        }
        #expect(fixture.sinks.record.mostOpen <= 5)
        #expect(fixture.sinks.record.messages.count == 40)
    }

    /// Each message once, P2, with several destinations, refusals and poking all the time.
    @Test func nothingTwice() async throws {
        let fixture = try await Fixture()
        let count = Mutex(0)
        fixture.sinks.set {
            $0.reply = { command, _ in
                guard command.hasPrefix("RCPT") else { return nil }
                return count.withLock {
                    $0 += 1
                    return $0 % 5 == 0 ? "450 later" : nil
                }
            }
        }
        try await fixture.relaying {
            for number in 0..<100 {
                try await fixture.enqueue((0..<4).map { "n\(number)-\($0)@d\($0 % 3).example" })
                fixture.store.feed.publish([.queue])
            }
            for _ in 0..<12 {
                try await fixture.untilIdle()
                guard let next = try await fixture.store.nextAttempt(after: fixture.now) else { break }
                fixture.clock.advance(by: .seconds(next.rawValue - fixture.now.rawValue))
            }
            try await fixture.untilEmpty()
        }
        let recipients = fixture.sinks.record.messages.flatMap(\.recipients)
        #expect(recipients.count == 400)
        #expect(Set(recipients).count == 400)
    }

    @Test func restart() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.isDown = true }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        let again = try await fixture.reopened()
        again.sinks.set { $0.isDown = false }
        try await again.relaying {
            again.clock.advance(by: .seconds(300))
            try await again.untilEmpty()
        }
        #expect(again.sinks.record.messages.count == 1)
    }

    @Test func operators() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.isDown = true }
        let id = try await fixture.enqueue(["bob@example.net"])
        let held = try await fixture.enqueue(["eve@example.com"])
        try await fixture.store.hold(held)
        try await fixture.relaying {
            try await fixture.untilIdle()
            #expect(fixture.sinks.record.targets.map(\.serverName) == ["mx.example.net"])
            fixture.sinks.set { $0.isDown = false }
            try await eventually("delivered") {
                fixture.service.forgetFailures()
                _ = try? await fixture.store.retry(id, at: fixture.now)
                return fixture.sinks.record.messages.count == 1
            }
            _ = try await fixture.store.retry(held, at: fixture.now)
            try await fixture.untilEmpty()
        }
        #expect(fixture.sinks.record.messages.count == 2)
    }

    /// What is being sent when the process is to stop may end; nothing new begins.
    @Test func gracefulShutdown() async throws {
        let gate = Gate()
        let fixture = try await Fixture()
        fixture.sinks.set { $0.beforeFinalReply = { await gate.wait() } }
        try await fixture.enqueue(["a@one.example"])
        try await fixture.enqueue(["b@one.example"])
        try await testShutdown(fixture) {
            try await eventually("being sent") { fixture.sinks.record.commands.contains("DATA") }
        } afterwards: {
            gate.open()
        }
        #expect(fixture.sinks.record.messages.count == 1)
        #expect(try await fixture.queue().count == 1)
    }

    /// Who takes too long is cut off, and the message stays as it was.
    @Test func patienceEnds() async throws {
        let fixture = try await Fixture()
        let gate = Gate()
        fixture.sinks.set { $0.beforeFinalReply = { await gate.wait() } }
        try await fixture.enqueue(["a@one.example"])
        try await testShutdown(fixture) {
            try await eventually("being sent") { fixture.sinks.record.commands.contains("DATA") }
        } afterwards: {
            fixture.clock.advance(by: .seconds(20))
        }
        gate.open()
        let entry = try #require(try await fixture.queue().first)
        #expect(entry.recipients.first?.attempts == 0)
        #expect(fixture.sinks.record.messages.isEmpty)
    }

    /// Runs the relay as a service, tells it to stop after `body`, and waits until it has ended; `afterwards` is called
    /// when it knows.
    private func testShutdown(
        _ fixture: Fixture,
        _ body: @escaping @Sendable () async throws -> Void,
        afterwards: @escaping @Sendable () async throws -> Void
    ) async throws {
        let group = ServiceGroup(
            services: [fixture.service],
            gracefulShutdownSignals: [],
            cancellationSignals: [],
            logger: .silent
        )
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await silently { try await group.run() } }
            try await body()
            await group.triggerGracefulShutdown()
            try await eventually("it waits for the end of its patience") {
                try await fixture.clock.nextDeadline() == fixture.options.patience
            }
            try await afterwards()
            try await tasks.waitForAll()
        }
    }

    /// The store has trouble when an outcome is to be written down: it is written down later, not sent again.
    @Test func outcomesAreNotForgotten() async throws {
        let failures = Mutex(3)
        let fixture = try await Fixture { _ in
        } queue: { store in
            FailingQueue(store) {
                failures.withLock { count in
                    defer { count -= 1 }
                    return count > 0
                }
            }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying {
            try await eventually("sent") { fixture.sinks.record.messages.count == 1 }
            try await eventually("written down at last") {
                fixture.clock.advance(by: .seconds(1))
                return try await fixture.queue().isEmpty
            }
        }
        #expect(fixture.sinks.record.messages.count == 1)
    }

    /// A host that says nothing is given up after a time.
    @Test(arguments: ["EHLO", "MAIL", "DATA"]) func silence(at command: String) async throws {
        let fixture = try await Fixture { $0.schedule = Fixture.patientSchedule }
        fixture.sinks.set {
            $0.extensions = []
            $0.reply = { given, _ in given.hasPrefix(command) ? "250-never" : nil }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying {
            try await eventually("asked") {
                fixture.sinks.record.commands.contains { $0.hasPrefix(command) }
            }
            try await fixture.untilAttempted()
        }
        let recipient = try #require(try await fixture.queue().first?.recipients.first)
        #expect(recipient.lastReply?.contains("timed out while waiting for the reply to \(command)") == true)
    }
}

/// Lets nobody through until it is opened, but those whose task is cancelled.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (self.stream, self.continuation) = AsyncStream.makeStream() }

    func wait() async { for await _ in self.stream {} }

    func open() { self.continuation.finish() }
}
