// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct ReportsTests {
    private func subject(_ domain: String, _ day: Int = 10, _ kind: ReportKind = .aggregate) -> ReportSubject {
        ReportSubject(kind, day: day, domain: domain)
    }

    private func counts(_ store: SQLiteStore, _ subject: ReportSubject) async throws -> [String: Int] {
        Dictionary(uniqueKeysWithValues: try await store.tallies(of: subject).map { ($0.text, $0.count) })
    }

    @Test("Counted, due, and settled with what tells of it, once") func settled() async throws {
        let test = try TestStore()
        _ = try await test.account()
        let (one, other) = (self.subject("example.net"), self.subject("example.com", 11, .tls))
        try await test.store.add([ReportTally(one, text: "a"): 2, ReportTally(other, text: "a"): 1])
        try await test.store.add([ReportTally(one, text: "a"): 3, ReportTally(one, text: "b"): 1])
        #expect(try await self.counts(test.store, one) == ["a": 5, "b": 1])
        #expect(try await test.store.reportsDue(before: 11, after: nil, limit: 10) == [one])
        #expect(try await test.store.reportsDue(before: 12, after: nil, limit: 10) == [one, other])
        #expect(try await test.store.reportsDue(before: 12, after: nil, limit: 1) == [one])
        #expect(try await test.store.reportsDue(before: 12, after: one, limit: 1) == [other])
        #expect(try await test.store.reportsDue(before: 12, after: other, limit: 1).isEmpty)
        let message = Acceptance(
            message: try await test.store.staged(octets("report")),
            reversePath: "postmaster@example.org",
            remote: [RemoteRecipient(localPart: "rua", domain: "example.net", notify: [])],
            receivedAt: test.clock.now
        )
        // More has been counted since it was read: nothing is lost, and nothing is sent.
        let read = try await test.store.tallies(of: one)
        try await test.store.add([ReportTally(one, text: "b"): 1])
        #expect(try await test.store.settle(one, read, sending: [message]) == false)
        #expect(try await self.counts(test.store, one) == ["a": 5, "b": 2])
        #expect(try await test.store.entries(after: nil, limit: 10).isEmpty)
        let tallies = try await test.store.tallies(of: one)
        #expect(try await test.store.settle(one, tallies, sending: [message]))
        #expect(try await test.store.entries(after: nil, limit: 10).count == 1)
        #expect(try await test.store.reportsDue(before: 12, after: nil, limit: 10) == [other])
        // Whoever comes too late sends nothing.
        await #expect(throws: StoreError.notFound("what was counted for example.net")) {
            try await test.store.settle(one, tallies, sending: [message])
        }
        #expect(try await test.store.entries(after: nil, limit: 10).count == 1)
        try await test.verify()
    }

    @Test("A domain has a thousand kinds at most, and the rest is counted together") func bounded() async throws {
        let test = try TestStore()
        let subject = self.subject("example.net")
        var counts: [ReportTally: Int] = [:]
        for number in 0..<1500 { counts[ReportTally(subject, text: "\(number)")] = 2 }
        try await test.store.add(counts)
        let first = try await self.counts(test.store, subject)
        #expect(first.count == 1001 && first.values.reduce(0, +) == 3000 && first[""] == 1000)
        try await test.store.add(counts)
        let second = try await self.counts(test.store, subject)
        #expect(second.count == 1001 && second.values.reduce(0, +) == 6000)
        // Others have room.
        try await test.store.add([ReportTally(self.subject("example.com"), text: "x"): 1])
        #expect(try await self.counts(test.store, self.subject("example.com")) == ["x": 1])
        // What has no room may say what it is counted as.
        try await test.store.add([ReportTally(subject, text: "x", rest: "rest"): 3])
        #expect(try await self.counts(test.store, subject)["rest"] == 3)
    }

    @Test("What nobody has reported for a week is forgotten") func forgotten() async throws {
        let test = try TestStore()
        for day in [10, 11, 17] {
            try await test.store.add([ReportTally(self.subject("example.net", day), text: "a"): 1])
        }
        #expect(try await test.store.reportsDue(before: 20, after: nil, limit: 10).map(\.day) == [10, 11, 17])
        try await test.store.add([ReportTally(self.subject("example.net", 18), text: "a"): 1])
        #expect(try await test.store.reportsDue(before: 20, after: nil, limit: 10).map(\.day) == [11, 17, 18])
    }

    private func report(
        _ id: String,
        receivedAt: UnixTime,
        rows: Int = 2,
        reporter: String = "example.net"
    ) -> ReceivedReport {
        ReceivedReport(
            kind: .aggregate,
            domain: "example.org",
            reporter: reporter,
            organisation: "Net",
            reportID: id,
            begin: UnixTime(0),
            end: UnixTime(86_399),
            receivedAt: receivedAt,
            passed: 3,
            failed: 4,
            rows: (0..<rows).map { .init(source: "192.0.2.\($0)", detail: "none", passed: $0, failed: 1) }
        )
    }

    @Test("Received ones are kept once, without too many rows, and not for ever") func received() async throws {
        let test = try TestStore()
        let now = test.clock.now
        #expect(try await test.store.add([self.report("a", receivedAt: now)]).count == 1)
        #expect(try await test.store.add([self.report("a", receivedAt: now)]).isEmpty)
        // Of several, those that are new.
        let two = [self.report("a", receivedAt: now), self.report("b", receivedAt: now, rows: 600)]
        #expect(try await test.store.add(two).map(\.reportID) == ["b"])
        let list = try await test.store.receivedReports(of: "example.org", limit: 10)
        #expect(list.map(\.reportID) == ["b", "a"] && list.allSatisfy(\.rows.isEmpty))
        #expect(try await test.store.receivedReports(of: "example.net", limit: 10).isEmpty)
        let oldest = try #require(list.last)
        let first = try #require(try await test.store.receivedReport(oldest.id))
        var expected = self.report("a", receivedAt: now)
        expected.id = first.id
        #expect(first == expected)
        #expect(try await test.store.receivedReport(list[0].id)?.rows.count == 100)
        #expect(try await test.store.receivedReport(99) == nil)
        test.clock.advance(by: 401 * 86_400)
        #expect(try await test.store.add([self.report("c", receivedAt: test.clock.now)]).count == 1)
        #expect(try await test.store.receivedReports(of: nil, limit: 10).map(\.reportID) == ["c"])
        #expect(try await test.number("SELECT count(*) FROM received_report_row") == 2)
        try await test.verify()
    }

    @Test("Whoever sends many drives out its own, not those of others") func reporters() async throws {
        let test = try TestStore()
        let now = test.clock.now
        _ = try await test.store.add([self.report("a", receivedAt: now, rows: 0)])
        let many = (0..<250).map { self.report("\($0)", receivedAt: now, rows: 0, reporter: "example.com") }
        #expect(try await test.store.add(many).count == 250)
        let kept = try await test.store.receivedReports(of: nil, limit: 1000)
        #expect(kept.count == 201)
        #expect(kept.first?.reportID == "249" && kept.dropLast().last?.reportID == "50" && kept.last?.reportID == "a")
        try await test.verify()
    }
}
