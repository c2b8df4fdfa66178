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
        #expect(try await test.store.reportsDue(before: 11, limit: 10) == [one])
        #expect(try await test.store.reportsDue(before: 12, limit: 10) == [one, other])
        #expect(try await test.store.reportsDue(before: 12, limit: 1) == [one])
        let message = Acceptance(
            message: try await test.store.staged(octets("report")),
            reversePath: "postmaster@example.org",
            remote: [RemoteRecipient(localPart: "rua", domain: "example.net", notify: [])],
            receivedAt: test.clock.now
        )
        try await test.store.settle(one, sending: [message])
        #expect(try await test.store.entries(after: nil, limit: 10).count == 1)
        #expect(try await test.store.reportsDue(before: 12, limit: 10) == [other])
        // Whoever comes too late sends nothing.
        await #expect(throws: StoreError.notFound("what was counted for example.net")) {
            try await test.store.settle(one, sending: [message])
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
    }

    private func report(_ id: String, receivedAt: UnixTime, rows: Int = 2) -> ReceivedReport {
        ReceivedReport(
            kind: .aggregate,
            domain: "example.org",
            reporter: "example.net",
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
        #expect(try await test.store.add(self.report("a", receivedAt: now)))
        #expect(try await test.store.add(self.report("a", receivedAt: now)) == false)
        #expect(try await test.store.add(self.report("b", receivedAt: now, rows: 600)))
        let list = try await test.store.receivedReports(of: "example.org", limit: 10)
        #expect(list.map(\.reportID) == ["b", "a"] && list.allSatisfy(\.rows.isEmpty))
        #expect(try await test.store.receivedReports(of: "example.net", limit: 10).isEmpty)
        let oldest = try #require(list.last)
        let first = try #require(try await test.store.receivedReport(oldest.id))
        var expected = self.report("a", receivedAt: now)
        expected.id = first.id
        #expect(first == expected)
        #expect(try await test.store.receivedReport(list[0].id)?.rows.count == 500)
        #expect(try await test.store.receivedReport(99) == nil)
        test.clock.advance(by: 401 * 86_400)
        #expect(try await test.store.add(self.report("c", receivedAt: test.clock.now)))
        #expect(try await test.store.receivedReports(of: nil, limit: 10).map(\.reportID) == ["c"])
        #expect(try await test.number("SELECT count(*) FROM received_report_row") == 2)
        try await test.verify()
    }
}
