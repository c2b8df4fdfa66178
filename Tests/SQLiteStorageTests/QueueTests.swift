// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct QueueTests {
    static func time(_ seconds: Int64) -> UnixTime { UnixTime(rawValue: 1_000_000 + seconds) }

    static func acceptance(
        _ test: TestStore,
        _ text: String = "mail",
        local: [AccountID] = [],
        remote: [String] = [],
        at: Int64 = 0
    ) async throws -> Acceptance {
        Acceptance(
            message: try await test.store.staged(octets(text)),
            relayFrom: 3,
            reversePath: "from@example.org",
            local: local,
            remote: remote.map { RemoteRecipient(localPart: $0, domain: "remote.example") },
            receivedAt: Self.time(at)
        )
    }

    /// RFC 3461 §5.2.3: the report of delivery is as durable as the delivery.
    @Test func acceptsTheReportInTheSameTransaction() async throws {
        let test = try TestStore()
        let (ann, bob) = (try await test.account(), try await test.account("bob@example.org"))
        let before = test.store.figures.commits
        let receipt = try await test.store.accept(
            try await Self.acceptance(test, "mail", local: [ann.account]),
            report: try await Self.acceptance(test, "report", local: [bob.account], remote: ["x"])
        )
        #expect(test.store.figures.commits == before + 1)
        #expect(receipt.entry == nil, "the entry is the report's")
        #expect(try await test.store.entries(after: nil, limit: 9).count == 1)
        #expect(try await ann.messages([1], in: ann.inbox.id, including: MessageParts()).count == 1)
        #expect(try await bob.messages([1], in: bob.inbox.id, including: MessageParts()).count == 1)
        try await test.verify()
    }

    @Test func acceptsNothingIfTheReportCannotBe() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let acceptance = try await Self.acceptance(test, "mail", local: [ann.account], remote: ["x"])
        let report = try await Self.acceptance(test, "report", local: [AccountID(rawValue: 999)])
        await #expect(throws: StoreError.self) { try await test.store.accept(acceptance, report: report) }
        #expect(try await ann.status(of: ann.inbox.id).messages == 0)
        #expect(try await test.store.entries(after: nil, limit: 9).isEmpty)
        try await test.verify()
    }

    @Test func deliversAndQueuesAtOnce() async throws {
        let test = try TestStore()
        let (ann, bob) = (try await test.account(), try await test.account("bob@example.org"))
        let pokes = Pokes()
        let watch = test.store.feed.watch(.queue) { pokes.add() }
        var acceptance = try await Self.acceptance(
            test,
            local: [ann.account, bob.account, ann.account],
            remote: ["x"]
        )
        acceptance.remote.append(
            RemoteRecipient(
                localPart: "Y",
                domain: "remote.example",
                notify: [.failure, .delay],
                originalRecipient: "rfc822;y@remote.example"
            )
        )
        acceptance.envelopeID = "E1"
        acceptance.returnsFull = false
        acceptance.isEightBit = true
        let before = test.store.figures.commits
        let receipt = try await test.store.accept(acceptance)
        #expect(test.store.figures.commits == before + 1)
        #expect(pokes.take() == 1)
        watch.rearm()
        for mail in [ann, bob] {
            let inbox = try await mail.inbox.id
            let messages = try await mail.messages([1, 2], in: inbox, including: MessageParts(contentUpTo: 1000))
            #expect(messages.map(\.content) == [octets("mail")], "one named twice gets it once")
            #expect(messages.first?.internalDate.time == Self.time(0))
            let status = try await mail.status(of: inbox)
            #expect(status.recent == 1)
            #expect(status.unseen == 1)
        }
        let id = try #require(receipt.entry)
        let entry = try #require(try await test.store.entry(id))
        #expect(entry.recipients.map(\.recipient) == acceptance.remote)
        #expect(entry.recipients.map(\.number) == [0, 1])
        #expect(entry.recipients.allSatisfy { $0.attempts == 0 && $0.nextAttempt == Self.time(0) })
        #expect(entry.relayFrom == 3)
        #expect(entry.reversePath == "from@example.org")
        #expect(entry.envelopeID == "E1")
        #expect(entry.returnsFull == false)
        #expect(entry.isEightBit)
        #expect(!entry.isInternationalized)
        #expect(!entry.isOnHold)
        #expect(try await test.store.octets(of: entry.blob, in: 3..<entry.size) == Array(octets("mail").dropFirst(3)))
        #expect(try await test.number("SELECT refs FROM blob") == 3)
        try await test.verify()
    }

    @Test func allOrNone() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let acceptance = try await Self.acceptance(
            test,
            local: [ann.account, AccountID(rawValue: 99)],
            remote: ["x"]
        )
        await #expect(throws: StoreError.notFound("INBOX of a recipient")) { try await test.store.accept(acceptance) }
        #expect(try await ann.status(of: try await ann.inbox.id).messages == 0)
        #expect(try await test.store.entries(after: nil, limit: 10).isEmpty)
        #expect(try await test.number("SELECT count(*) FROM blob") == 0)
    }

    @Test func onlyLocalMakesNoEntry() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let pokes = Pokes()
        _ = test.store.feed.watch(.queue) { pokes.add() }
        #expect(try await test.store.accept(try await Self.acceptance(test, local: [ann.account])).entry == nil)
        #expect(pokes.take() == 0)
    }

    @Test func whatIsDueComesInOrder() async throws {
        let test = try TestStore()
        var ids: [QueueEntryID] = []
        for number in 0..<5 {
            ids.append(
                try #require(
                    try await test.store.accept(
                        try await Self.acceptance(test, "\(number)", remote: ["x"], at: Int64(number) * 10)
                    ).entry
                )
            )
        }
        func due(_ seconds: Int64, _ excluding: Set<QueueEntryID> = [], limit: Int = 10) async throws -> [QueueEntryID]
        {
            try await test.store.due(at: Self.time(seconds), excluding: excluding, limit: limit).map(\.id)
        }
        #expect(try await due(-1) == [])
        #expect(try await due(20) == Array(ids[...2]))
        #expect(try await due(100, [ids[0], ids[2]], limit: 2) == [ids[1], ids[3]])
        #expect(try await due(100, limit: 0) == [])
        #expect(try await test.store.nextAttempt(after: Self.time(20)) == Self.time(30))
        #expect(try await test.store.nextAttempt(after: Self.time(40)) == nil)
        try await test.store.hold(ids[1])
        #expect(try await due(20) == [ids[0], ids[2]])
        #expect(try await test.store.entry(ids[1])?.isOnHold == true)
        #expect(try await test.store.retry(ids[1], at: Self.time(5)) == 1)
        #expect(try await due(20) == [ids[0], ids[1], ids[2]])
        #expect(try await test.store.entries(after: ids[1], limit: 2).map(\.id) == [ids[2], ids[3]])
        #expect(try await test.store.retry(nil, at: Self.time(500)) == 5)
        #expect(try await due(499) == [])
        try await test.verify()
    }

    @Test func outcomesAreWrittenDown() async throws {
        let test = try TestStore()
        let ann = try await test.account()
        let accepted = try await test.store.accept(try await Self.acceptance(test, remote: ["a", "b", "c"]))
        let id = try #require(accepted.entry)
        let report = try await Self.acceptance(test, "report", local: [ann.account], at: 7)
        try await test.store.record(
            [
                DeliveryOutcome(recipient: 0, result: .delivered, reply: "250 ok"),
                DeliveryOutcome(recipient: 1, result: .failed, reply: "550 no"),
                DeliveryOutcome(
                    recipient: 2,
                    result: .deferred(until: Self.time(60), isDelayReported: true),
                    reply: "451 later"
                ),
            ],
            of: id,
            report: report
        )
        let entry = try #require(try await test.store.entry(id))
        #expect(entry.recipients.map(\.number) == [2])
        #expect(entry.recipients[0].attempts == 1)
        #expect(entry.recipients[0].lastReply == "451 later")
        #expect(entry.recipients[0].isDelayReported)
        #expect(try await test.store.due(at: Self.time(59), excluding: [], limit: 9).isEmpty)
        #expect(try await test.store.nextAttempt(after: Self.time(0)) == Self.time(60))
        #expect(try await ann.status(of: try await ann.inbox.id).messages == 1)
        try await test.verify()
        try await test.store.record(
            [DeliveryOutcome(recipient: 2, result: .delivered, reply: "250")],
            of: id,
            report: nil
        )
        #expect(try await test.store.entry(id) == nil)
        #expect(try await test.number("SELECT count(*) FROM blob WHERE refs > 0") == 1, "the report")
        try await test.verify()
    }

    /// A report that cannot be accepted leaves the entry as it was: nothing is lost without a word.
    @Test func noOutcomeWithoutItsReport() async throws {
        let test = try TestStore()
        let id = try #require(
            try await test.store.accept(try await Self.acceptance(test, remote: ["a"])).entry
        )
        let report = try await Self.acceptance(test, "report", local: [AccountID(rawValue: 99)])
        await #expect(throws: StoreError.notFound("INBOX of a recipient")) {
            try await test.store.record(
                [DeliveryOutcome(recipient: 0, result: .failed, reply: "550")],
                of: id,
                report: report
            )
        }
        #expect(try await test.store.entry(id)?.recipients.count == 1)
    }

    @Test func operatorsRemove() async throws {
        let test = try TestStore()
        let id = try #require(
            try await test.store.accept(try await Self.acceptance(test, remote: ["a"])).entry
        )
        try await test.store.remove(id)
        #expect(try await test.store.entry(id) == nil)
        let gone = StoreError.notFound("queue entry \(id.rawValue)")
        await #expect(throws: gone) { try await test.store.remove(id) }
        await #expect(throws: gone) { try await test.store.hold(id) }
        await #expect(throws: gone) { try await test.store.retry(id, at: Self.time(0)) }
        await #expect(throws: gone) { try await test.store.record([], of: id, report: nil) }
        #expect(try await test.store.retry(nil, at: Self.time(0)) == 0)
        try await test.verify()
    }
}
