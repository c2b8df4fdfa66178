// SPDX-License-Identifier: Apache-2.0

import DomainReports
import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import ReportExchange
@testable import SenderAuthentication

@Suite("Reports about domains here") struct ReportReaderTests {
    private static let passing = [
        "_dmarc.example.net": ["v=DMARC1; p=reject; rua=mailto:a@example.net"],
        "example.net": ["v=spf1 ip4:192.0.2.7 -all"],
    ]

    private static func address(_ domain: String) -> AddressMailbox {
        AddressMailbox(localPart: Array("postmaster".utf8), domain: Array(domain.utf8))
    }

    private static func message(_ report: ReportMessage, file: [UInt8]? = nil) throws -> [UInt8] {
        report.composed(
            from: self.address("example.net"),
            to: self.address("example.org"),
            at: UnixTime(1_767_312_000),
            random: Array(0..<16),
            file: try file ?? report.compressed()
        )
    }

    private static func aggregate(
        of domain: String = "example.org",
        id: String = "1@x",
        records: Int = 1
    ) -> ReportMessage {
        let report = AggregateReport(
            organisation: "Net \u{1B}[31m",
            email: "postmaster@example.net",
            id: id,
            begin: 1_767_225_600,
            end: 1_767_311_999,
            policy: .init(domain: domain, policy: "reject"),
            records: (0..<records).flatMap { number in
                [true, false].map { passes in
                    AggregateReport.Record(
                        source: "192.0.2.\(number % 100)",
                        count: passes ? 3 : 2,
                        disposition: passes ? "none" : "reject",
                        passesDKIM: passes,
                        passesSPF: false,
                        author: domain
                    )
                }
            }
        )
        return ReportMessage(report, submitter: "example.net")
    }

    /// What is found out about a message that the domain it comes from has signed.
    private static func signed() async throws -> AuthenticationVerdict {
        let verdict = try await ReportCollectorTests.verdict(
            Self.passing,
            author: "a@example.net",
            sender: "a@example.net"
        )
        var dmarc = verdict.dmarc
        dmarc.passesDKIM = true
        return AuthenticationVerdict(
            authservID: verdict.authservID,
            identity: verdict.identity,
            spf: verdict.spf,
            dkim: verdict.dkim,
            arc: verdict.arc,
            dmarc: dmarc
        )
    }

    private static func tls(of domains: [String], organisation: String = "Net") throws -> [UInt8] {
        let report = TLSReport(
            organisation: organisation,
            contact: "postmaster@example.net",
            id: "t@x",
            begin: 1_767_225_600,
            end: 1_767_311_999,
            results: domains.map {
                .init(policy: .init(type: "sts", domain: $0), successes: 1, failures: 0, details: [])
            }
        )
        return try self.message(ReportMessage(report, domain: "example.org", submitter: "example.net"))
    }

    /// Has a message read, and waits until it has been.
    private func read(
        _ messages: [[UInt8]],
        _ fixture: Fixture,
        verdict: AuthenticationVerdict? = nil,
        until count: Int
    ) async throws -> [ReceivedReport] {
        let store = fixture.store
        let reader = ReportReader(
            ledger: store,
            domains: { try await store.domains() },
            time: fixture.clock.timeSource
        ) { body in try body() }
        let known = try await ReportCollectorTests.verdict(
            Self.passing,
            author: "a@example.net",
            sender: "a@example.net"
        )
        for message in messages {
            var stage = store.stage(limit: message.count)
            try await stage.append(message[...])
            reader.take(try await stage.finish(), verdict ?? known)
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await reader.run() }
            while try await store.receivedReports(of: nil, limit: 100).count < count {
                try await Task.sleep(for: .milliseconds(5))
            }
            group.cancelAll()
            try await group.waitForAll()
        }
        return try await store.receivedReports(of: nil, limit: 100)
    }

    @Test("An aggregate report: totals, and rows by source; once", .timeLimit(.minutes(20))) func aggregate()
        async throws
    {
        let fixture = try await Fixture()
        let message = try Self.message(Self.aggregate())
        let others = try Self.message(Self.aggregate(of: "example.com", id: "2@x"))
        let last = try Self.message(Self.aggregate(of: "sub.example.org", id: "3@x"))
        let reports = try await self.read([message, message, others, last], fixture, until: 2)
        #expect(reports.map(\.domain) == ["sub.example.org", "example.org"])
        let report = try #require(try await fixture.store.receivedReport(reports[1].id))
        #expect(report.reporter == "example.net" && report.organisation == "Net  [31m")
        #expect(report.passed == 3 && report.failed == 2)
        #expect(
            report.rows == [
                .init(source: "192.0.2.0", detail: "example.org, reject", passed: 0, failed: 2),
                .init(source: "192.0.2.0", detail: "example.org, none", passed: 3, failed: 0),
            ]
        )
        try await fixture.close()
    }

    @Test("A report about TLS: rows by failure; one that is large enough for a file", .timeLimit(.minutes(20)))
    func tls() async throws {
        let fixture = try await Fixture()
        let report = TLSReport(
            organisation: "Net",
            contact: "postmaster@example.net",
            id: "t@x",
            begin: 1_767_225_600,
            end: 1_767_311_999,
            results: [
                .init(
                    policy: .init(type: "sts", domain: "example.org"),
                    successes: 7,
                    failures: 2,
                    details: [
                        .init(type: "certificate-expired", host: "mx.example.org", address: "192.0.2.9", count: 2)
                    ]
                )
            ]
        )
        let message = try Self.message(ReportMessage(report, domain: "example.org", submitter: "example.net"))
        let large = Self.aggregate(records: 1_000)
        let unpacked = try Self.message(large, file: large.content)
        #expect(unpacked.count > 512 << 10)
        let reports = try await self.read([message, unpacked], fixture, verdict: try await Self.signed(), until: 2)
        #expect(reports.map(\.kind) == [.aggregate, .tls])
        #expect(reports[0].passed == 3_000)
        let read = try #require(try await fixture.store.receivedReport(reports[1].id))
        #expect(
            read.rows == [
                .init(source: "", detail: "sts", passed: 7, failed: 0),
                .init(source: "mx.example.org 192.0.2.9", detail: "sts, certificate-expired", passed: 0, failed: 2),
            ]
        )
        try await fixture.close()
    }

    @Test("RFC 8460 §3: a report about TLS is signed, or not believed", .timeLimit(.minutes(20)))
    func unsigned() async throws {
        let fixture = try await Fixture()
        let messages = [try Self.tls(of: ["example.org"]), try Self.message(Self.aggregate())]
        #expect(try await self.read(messages, fixture, until: 1).map(\.kind) == [.aggregate])
        try await fixture.close()
    }

    /// What is found out about a message that is signed with a key for reports about TLS only.
    private static func reportKey(of domain: String) async throws -> AuthenticationVerdict {
        let verdict = try await ReportCollectorTests.verdict([:], author: "a@example.net", sender: "a@example.net")
        var signature = DKIMOutcome(.permerror, reason: "the key is not for mail")
        signature.domain = DomainName(domain)
        signature.signsReports = true
        return AuthenticationVerdict(
            authservID: verdict.authservID,
            identity: verdict.identity,
            spf: verdict.spf,
            dkim: [signature],
            arc: verdict.arc,
            dmarc: verdict.dmarc
        )
    }

    @Test("RFC 8460 §3: a key for such reports signs those, and no others", .timeLimit(.minutes(20)))
    func reportKey() async throws {
        let fixture = try await Fixture()
        let messages = [try Self.message(Self.aggregate()), try Self.tls(of: ["example.org"])]
        let verdict = try await Self.reportKey(of: "example.net")
        #expect(try await self.read(messages, fixture, verdict: verdict, until: 1).map(\.kind) == [.tls])
        try await fixture.close()
    }

    @Test("Somebody else's key for such reports says nothing") func foreignReportKey() async throws {
        #expect(ReportReader.reportSigner(try await Self.reportKey(of: "example.com")) == nil)
        #expect(ReportReader.reportSigner(try await Self.reportKey(of: "net.example.net")) == nil)
        #expect(ReportReader.reportSigner(try await Self.reportKey(of: "example.net"))?.text == "example.net")
    }

    @Test("One report is about ten domains at most, by their proper names, in short words", .timeLimit(.minutes(20)))
    func bounded() async throws {
        let fixture = try await Fixture()
        let names = (0..<50).map { "b\($0).example.org" } + ["a.example.com", "A0.Example.ORG.", "a0.example.org"]
        let long = "\u{85}" + String(repeating: "ä", count: 800)
        let messages = [try Self.tls(of: names, organisation: long)]
        let verdict = try await Self.signed()
        let reports = try await self.read(messages, fixture, verdict: verdict, until: 10)
        #expect(reports.count == 10)
        #expect(reports.filter { $0.domain == "a0.example.org" }.map(\.passed) == [2])
        #expect(reports[0].organisation == " " + String(repeating: "ä", count: 126))
        try await fixture.close()
    }

    @Test("What is malformed does no harm; what comes behind it is read", .timeLimit(.minutes(20)))
    func malformed() async throws {
        let fixture = try await Fixture()
        let good = Self.aggregate()
        var messages: [[UInt8]] = [
            try Self.message(good, file: Array("no gzip".utf8)), try Self.message(good, file: []),
            try Self.message(good, file: [0x1F, 0x8B, 8, 0]), try Self.message(good, file: Array("<feedback".utf8)),
            try Self.message(good, file: Array("{}".utf8)),
        ]
        messages.append(try Self.message(good))
        #expect(try await self.read(messages, fixture, until: 1).count == 1)
        try await fixture.close()
    }

    @Test("Only who it is from is believed, and only if that is known") func forged() async throws {
        let fixture = try await Fixture()
        let forged = try await ReportCollectorTests.verdict(Self.passing, author: "a@example.net")
        #expect(ReportReader.author(forged) == nil)
        let unsigned = try await ReportCollectorTests.verdict([:], author: "a@example.net", sender: "a@example.net")
        #expect(ReportReader.author(unsigned) == nil)
        let message = try Self.message(Self.aggregate())
        #expect(try await self.read([message], fixture, verdict: forged, until: 0).isEmpty)
        try await fixture.close()
    }

    @Test("Reports that are what they say are not counted; forged ones are") func loops() async throws {
        let fixture = try await Fixture()
        let collector = ReportCollector(ledger: fixture.store, time: fixture.clock.timeSource)
        let intake = ReportIntake(collector: collector, reader: nil)
        let passing = try await ReportCollectorTests.verdict(
            Self.passing,
            author: "a@example.net",
            sender: "a@example.net"
        )
        let forged = try await ReportCollectorTests.verdict(Self.passing, author: "a@example.net")
        func staged(_ octets: [UInt8]) async throws -> StagedMessage {
            var stage = fixture.store.stage(limit: octets.count)
            try await stage.append(octets[...])
            return try await stage.finish()
        }
        try await withThrowingTaskGroup { group in
            group.addTask { try await collector.run() }
            let report = try await staged(try Self.message(Self.aggregate()))
            intake.take(report, passing, isJunk: false)
            await collector.flush()
            #expect(try await fixture.due().isEmpty)
            intake.take(try await staged(Array("Subject: Hi\r\n\r\nHi\r\n".utf8)), passing, isJunk: false)
            intake.take(report, forged, isJunk: false)
            intake.take(nil, forged, isJunk: false)
            await collector.flush()
            let subject = try #require(try await fixture.due().first)
            #expect(try await fixture.store.tallies(of: subject).map(\.count) == [1, 1, 1])
            group.cancelAll()
        }
        try await fixture.close()
    }

    @Test(
        "What looks like a report",
        arguments: [
            ("Content-Type: application/gzip; name=\"a!b.example!1!2.xml.gz\"", true),
            ("Content-Type: application/zip; name=\"a!b.example!1!2!x.zip\"", true),
            (
                "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"a!b!1!2.json\"",
                true
            ),
            ("Content-Type: application/tlsrpt+json", true),
            ("Content-Type: application/gzip; name=\"a.xml.gz\"", false),
            ("Content-Type: text/xml", false), ("Content-Type: application/zip; name=\"a!b!c!d.zip\"", false),
            ("Content-Type: text/plain; name=\"a!b!1!2.exe\"", false),
        ]
    )
    func attachments(header: String, isReport: Bool) {
        let message = Array("Subject: x\r\n\(header)\r\n\r\nbody\r\n".utf8)
        #expect((ReportAttachment(MessageSummary(parsing: message)) != nil) == isReport)
    }
}
