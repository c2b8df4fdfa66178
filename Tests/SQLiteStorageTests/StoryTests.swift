// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// What the store can tell of messages afterwards.
@Suite struct StoryTests {
    private static func acceptance(
        _ test: TestStore,
        _ id: String?,
        text: String? = nil,
        local: [AccountID] = [],
        remote: [String] = [],
        change: (inout Acceptance) -> Void = { _ in }
    ) async throws -> Acceptance {
        let octets = Array("From: Eve <eve@author.example>\r\nMessage-ID: <\(text ?? id ?? "x")@example>\r\n\r\nx".utf8)
        var acceptance = Acceptance(
            message: try await test.store.staged(octets),
            reversePath: "from@example.net",
            local: local,
            remote: remote.map { RemoteRecipient(localPart: $0, domain: "remote.example") },
            receivedAt: test.clock.now,
            trace: TraceFacts(id: id)
        )
        change(&acceptance)
        return acceptance
    }

    private static let client = TraceFacts.Client(
        address: "192.0.2.7",
        name: "client.example",
        service: "smtp",
        protocolName: "ESMTPS",
        tls: "TLSv1.3 AES",
        account: nil
    )

    @Test func anAcceptanceBeginsAStory() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let facts = TraceFacts(
            id: "abc",
            client: Self.client,
            recipients: ["team@example.org", "Zoe@remote.example"],
            results: "spf=pass",
            reasons: ["junk: it looks so", "another\nreason"]
        )
        let acceptance = try await Self.acceptance(test, "abc", local: [ann.account], remote: ["Zoe"]) {
            $0.trace = facts
            $0.isJunk = true
            $0.forwards = [
                Forwarding(
                    reversePath: "srs@example.org",
                    recipients: [RemoteRecipient(localPart: "bob", domain: "else.example")]
                )
            ]
        }
        let before = test.store.figures.commits
        let entry = try #require(try await test.store.accept(acceptance).entry)
        #expect(test.store.figures.commits == before + 1, "no commit of its own")
        let story = try #require(try await test.store.stories(of: "abc", limit: 9).first)
        #expect(story.receivedAt == test.clock.now)
        #expect(story.reversePath == "from@example.net")
        #expect(story.messageID == "abc@example")
        #expect(story.size == acceptance.message.size)
        #expect(story.isJunk)
        var expected = facts
        expected.reasons[1] = "another reason"
        #expect(story.facts == expected)
        #expect(
            story.events == [
                MessageEvent(time: test.clock.now, kind: .delivered, address: "ann@example.org", detail: "Junk"),
                MessageEvent(
                    time: test.clock.now,
                    kind: .forwarded,
                    address: "bob@else.example",
                    entry: QueueEntryID(rawValue: entry.rawValue - 1),
                    detail: "srs@example.org"
                ),
                MessageEvent(time: test.clock.now, kind: .queued, address: "Zoe@remote.example", entry: entry),
            ]
        )
        for name in ["\(entry.rawValue)", "\(entry.rawValue - 1)", "abc@example", "<abc@example>"] {
            #expect(try await test.store.stories(of: name, limit: 9) == [story], "\(name)")
        }
        for name in ["ab", "99", "", "<>", "abc@exampl", "'", "%"] {
            #expect(try await test.store.stories(of: name, limit: 9) == [], "\(name)")
        }
        for address in [
            "from@example.net", "EVE@author.example", "team@Example.org", "zoe@remote.example", "bob@else.example",
        ] {
            let found = try await test.store.stories(with: address, limit: 9)
            #expect(found.map(\.facts) == [story.facts], "\(address)")
        }
        #expect(try await test.store.stories(with: "ann@example.org", limit: 9) == [], "whom nobody has named")
        try await test.verify()
    }

    @Test func latestFirst() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        for id in ["a", "b", "c"] {
            _ = try await test.store.accept(try await Self.acceptance(test, id, text: "same", local: [ann.account]))
        }
        let ids = { (stories: [MessageStory]) in stories.compactMap(\.facts.id) }
        #expect(ids(try await test.store.stories(with: "from@example.net", limit: 2)) == ["c", "b"])
        #expect(ids(try await test.store.stories(of: "same@example", limit: 2)) == ["c", "b"])
        #expect(ids(try await test.store.stories(of: "same@example", limit: 0)) == [])
    }

    @Test func whatIsNotAcceptedHasNoStory() async throws {
        let test = try TestStore()
        let acceptance = try await Self.acceptance(test, "abc", local: [AccountID(rawValue: 99)])
        await #expect(throws: StoreError.self) { try await test.store.accept(acceptance) }
        #expect(try await test.store.stories(of: "abc", limit: 9) == [])
    }

    @Test func attemptsAndReports() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let accepted = try await test.store.accept(try await Self.acceptance(test, "abc", remote: ["a", "b", "c"]))
        let entry = try #require(accepted.entry)
        test.clock.advance(by: 60)
        let later = test.clock.now.advanced(by: 300)
        let before = test.store.figures.commits
        try await test.store.record(
            [
                DeliveryOutcome(recipient: 0, result: .delivered, reply: "mx: 250 ok", tls: "TLSv1.3"),
                DeliveryOutcome(recipient: 1, result: .failed, reply: "mx: 550 no"),
                DeliveryOutcome(
                    recipient: 2,
                    result: .deferred(until: later, isDelayReported: false),
                    reply: "mx: 451 later"
                ),
            ],
            of: entry,
            report: try await Self.acceptance(test, "report", local: [ann.account])
        )
        #expect(test.store.figures.commits == before + 1)
        // Held back with others, for the same reason twice.
        for reply in ["mx: 451 later", "dead", "dead"] {
            try await test.store.record(
                [
                    DeliveryOutcome(
                        recipient: 2,
                        result: .deferred(until: later, isDelayReported: false),
                        reply: reply,
                        isAttempt: false
                    )
                ],
                of: entry,
                report: nil
            )
        }
        try await test.store.record(
            [DeliveryOutcome(recipient: 2, result: .delivered, reply: "250")],
            of: entry,
            report: nil
        )
        #expect(try await test.store.entry(entry) == nil)
        let now = test.clock.now
        let story = try #require(try await test.store.stories(of: "\(entry.rawValue)", limit: 9).first)
        #expect(
            story.events.dropFirst() == [
                MessageEvent(
                    time: now,
                    kind: .relayed,
                    address: "a@remote.example",
                    detail: "mx: 250 ok",
                    tls: "TLSv1.3"
                ),
                MessageEvent(time: now, kind: .failed, address: "b@remote.example", detail: "mx: 550 no"),
                MessageEvent(
                    time: now,
                    kind: .deferred,
                    address: "c@remote.example",
                    detail: "mx: 451 later",
                    until: later
                ),
                MessageEvent(time: now, kind: .reported, detail: "report"),
                MessageEvent(time: now, kind: .postponed, address: "c@remote.example", detail: "dead", until: later),
                MessageEvent(time: now, kind: .relayed, address: "c@remote.example", detail: "250"),
            ]
        )
        let report = try #require(try await test.store.stories(of: "report", limit: 9).first)
        #expect(report.events.map(\.kind) == [.delivered])
        try await test.verify()
    }

    @Test func whatWasHeldAndDeliveredHere() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let release = test.clock.now.advanced(by: 1000)
        let acceptance = try await Self.acceptance(test, "abc", remote: ["a"]) { $0.releasedAt = release }
        let entry = try #require(try await test.store.accept(acceptance).entry)
        try await test.store.record(
            [DeliveryOutcome(recipient: 0, result: .deliveredHere([ann.account]), reply: "")],
            of: entry,
            report: nil
        )
        let story = try #require(try await test.store.stories(of: "abc", limit: 9).first)
        #expect(story.events.map(\.kind) == [.queued, .delivered])
        #expect(story.events[0].until == release)
        #expect(story.events[1].address == "ann@example.org")
    }

    @Test func operators() async throws {
        let test = try TestStore()
        let first = try #require(try await test.store.accept(try await Self.acceptance(test, "a", remote: ["x"])).entry)
        let second = try #require(
            try await test.store.accept(try await Self.acceptance(test, "b", remote: ["x"])).entry
        )
        try await test.store.hold(first)
        _ = try await test.store.retry(first, at: test.clock.now)
        _ = try await test.store.retry(nil, at: test.clock.now)
        try await test.store.remove(first)
        let events = try #require(try await test.store.stories(of: "a", limit: 1).first).events.dropFirst()
        #expect(events.map(\.kind) == [.held, .retried, .retried, .removed])
        #expect(events.allSatisfy { $0.entry == first })
        let others = try #require(try await test.store.stories(of: "b", limit: 1).first).events.dropFirst()
        #expect(others.map(\.kind) == [.retried])
        #expect(others.first?.entry == second)
    }

    @Test func isForgottenAfterAWhileUnlessItWaits() async throws {
        let test = try TestStore { $0.traceLifetime = 1000 }
        let ann = try await test.account()
        _ = try await test.store.accept(try await Self.acceptance(test, "old", local: [ann.account]))
        let entry = try #require(
            try await test.store.accept(try await Self.acceptance(test, "waits", remote: ["x"])).entry
        )
        test.clock.advance(by: 600)
        _ = try await test.store.accept(try await Self.acceptance(test, "new", local: [ann.account]))
        test.clock.advance(by: 600)
        try await test.store.maintain()
        #expect(try await test.store.stories(of: "old", limit: 1) == [])
        #expect(
            try await test.store.stories(with: "from@example.net", limit: 9).compactMap(\.facts.id) == ["new", "waits"]
        )
        try await test.store.record(
            [DeliveryOutcome(recipient: 0, result: .delivered, reply: "250")],
            of: entry,
            report: nil
        )
        test.clock.advance(by: 900)
        try await test.store.maintain()
        let left = try #require(try await test.store.stories(of: "waits", limit: 1).first)
        #expect(left.events.map(\.kind) == [.queued, .relayed], "there is news of it")
        test.clock.advance(by: 200)
        try await test.store.maintain()
        for table in ["trace", "trace_address", "trace_event"] {
            #expect(try await test.number("SELECT count(*) FROM \(table)") == 0, "\(table)")
        }
        try await test.verify()
    }

    /// However many there are, and however much has happened to one.
    @Test func isBoundedInNumber() async throws {
        let test = try TestStore { $0.traceEvents = 10 }
        let ann = try await test.account()
        let waiting = try #require(
            try await test.store.accept(try await Self.acceptance(test, "w", remote: ["x"])).entry
        )
        for number in 0..<250 {
            _ = try await test.store.accept(try await Self.acceptance(test, "n\(number)", local: [ann.account]))
        }
        try await test.store.between { sql in
            for _ in 0..<5000 {
                try sql.run("INSERT INTO trace_event (message, at, kind) SELECT min(number), 0, 'held' FROM trace")
            }
        }
        try await test.store.maintain()
        #expect(try await test.number("SELECT count(*) FROM trace") == 1, "of which there is too much, but it waits")
        try await test.store.remove(waiting)
        _ = try await test.store.accept(try await Self.acceptance(test, "last", local: [ann.account]))
        try await test.store.maintain()
        #expect(try await test.store.stories(with: "from@example.net", limit: 9).compactMap(\.facts.id) == ["last"])
        #expect(try await test.number("SELECT count(*) FROM trace_event") == 1)
    }

    @Test func hostileTextIsBounded() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let long = String(repeating: "x", count: 5000)
        let acceptance = try await Self.acceptance(test, "abc", text: long, local: [ann.account]) {
            $0.trace.results = long
            $0.trace.reasons = Array(repeating: long, count: 100)
        }
        _ = try await test.store.accept(acceptance)
        let story = try #require(try await test.store.stories(of: "abc", limit: 1).first)
        #expect(story.messageID == nil)
        #expect(try #require(story.facts.results).utf8.count < 1100)
        #expect(story.facts.reasons.count == 20)
        #expect(story.facts.reasons.allSatisfy { $0.utf8.count < 1100 })
    }

    // MARK: Words

    private static func time(_ seconds: Int64) -> UnixTime { UnixTime(rawValue: seconds) }

    @Test func whatPeopleAreTold() {
        let names = (0..<7).map { "r\($0)@remote.example" }
        var facts = TraceFacts(
            id: "abc",
            client: Self.client,
            recipients: names,
            results: "spf=pass",
            reasons: ["junk: x"]
        )
        facts.client?.account = "ann@example.org"
        let entry = QueueEntryID(rawValue: 17)
        var events = [
            MessageEvent(time: Self.time(1), kind: .judged, address: "ann@example.org", detail: "yes, score 0.98 (x)"),
            MessageEvent(time: Self.time(1), kind: .delivered, address: "ann@example.org", detail: "Junk"),
            MessageEvent(time: Self.time(1), kind: .queued, address: "a@x", entry: entry, until: Self.time(99)),
            MessageEvent(time: Self.time(1), kind: .forwarded, address: "b@x", entry: entry, detail: "srs@x"),
        ]
        // Each with a next attempt of its own.
        events += names.enumerated().map { number, name in
            MessageEvent(
                time: Self.time(2),
                kind: .deferred,
                address: name,
                detail: "mx [1.2.3.4]: 451 later",
                tls: "TLSv1.3",
                until: Self.time(50 + Int64(number))
            )
        }
        events += [
            MessageEvent(
                time: Self.time(3),
                kind: .postponed,
                address: "a@x",
                detail: "451 dead",
                until: Self.time(60)
            ),
            MessageEvent(time: Self.time(4), kind: .relayed, address: "a@x", detail: "250 ok"),
            MessageEvent(time: Self.time(4), kind: .relayed, address: "b@x", detail: "250 OK"),
            MessageEvent(time: Self.time(5), kind: .failed, address: "c@x", detail: "550 no"),
            MessageEvent(time: Self.time(5), kind: .reported, detail: "def"),
            MessageEvent(time: Self.time(6), kind: .retried, entry: entry),
            MessageEvent(time: Self.time(7), kind: .held, entry: entry),
            MessageEvent(time: Self.time(8), kind: .removed, entry: entry),
        ]
        let story = MessageStory(
            receivedAt: Self.time(1),
            reversePath: "",
            size: 5,
            messageID: nil,
            isJunk: true,
            facts: facts,
            events: events
        )
        let five = "r0@remote.example, r1@remote.example, r2@remote.example, r3@remote.example, r4@remote.example"
        let lines = story.lines { "#\($0.rawValue)" }.map { "\($0.time.rawValue) \($0.text)" }
        #expect(
            lines == [
                "1 received from client.example [192.0.2.7] by smtp (ESMTPS, TLSv1.3 AES), logged in as ann@example.org"
                    + " for \(five) and 2 more",
                "1 sender: spf=pass",
                "1 junk: x",
                "1 junk for ann@example.org?: yes, score 0.98 (x)",
                "1 delivered to ann@example.org, into Junk",
                "1 queued as 17 for a@x, held until #99",
                "1 queued as 17 to be sent on to b@x from <srs@x>",
                "2 attempt failed for \(five) and 2 more: mx [1.2.3.4]: 451 later (TLSv1.3); next at #50",
                "3 not attempted for a@x: 451 dead; next at #60",
                "4 passed on for a@x: 250 ok",
                "4 passed on for b@x: 250 OK",
                "5 failed for c@x: 550 no",
                "5 the sender is told, in def",
                "6 an operator wants 17 tried at once",
                "7 an operator has put 17 on hold",
                "8 an operator has removed 17 from the queue",
            ]
        )
    }

    @Test func whatWasMadeHere() {
        let story = MessageStory(
            receivedAt: Self.time(1),
            reversePath: "",
            size: 5,
            messageID: nil,
            isJunk: false,
            facts: TraceFacts(recipients: ["a@x"])
        )
        #expect(story.lines { "\($0.rawValue)" }.map(\.text) == ["made here for a@x"])
    }
}
