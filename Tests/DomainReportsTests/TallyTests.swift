// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@testable import DomainReports

@Suite("What is counted") struct TallyTests {
    @Test("A line says all of it") func aggregate() throws {
        var record = Examples.aggregate.records[0]
        record.count = 0
        record.reasons = [.init("sampled_out")]
        let tally = AggregateTally(policy: Examples.aggregate.policy, record: record)
        #expect(AggregateTally(text: tally.text, domain: "example.org") == tally)
        #expect(AggregateTally(text: "", domain: "example.org") == nil)
        // Nobody's text makes a field of its own.
        record.author = "a\tb\nc"
        let text = AggregateTally(policy: Examples.aggregate.policy, record: record).text
        #expect(AggregateTally(text: text, domain: "example.org")?.record.author == "a b c")
    }

    @Test("So does one about TLS") func tls() {
        for result in Examples.tls.results {
            for failure in result.details + [nil] {
                var failure = failure
                failure?.count = 0
                let tally = TLSTally(policy: result.policy, failure: failure)
                #expect(TLSTally(text: tally.text, domain: "example.org") == tally)
            }
        }
        for text in ["", "sts", "sts\t\t\t\t\t\t9\t0", "sts\t\t\t\t\t\t-1\t0", "sts\t\t\t\t\t\t0\tx"] {
            #expect(TLSTally(text: text, domain: "example.org") == nil)
        }
    }

    @Test("A report for each policy, and a word about what had no room") func aggregateReports() {
        var strict = Examples.aggregate.policy
        strict.policy = "none"
        let record = Examples.aggregate.records[1]
        var failing = record
        failing.passesSPF = false
        failing.passesDKIM = false
        let reports = AggregateReport.reports(
            of: [
                (AggregateTally(policy: strict, record: record).text, 1),
                (AggregateTally(policy: Examples.aggregate.policy, record: record).text, 3),
                (AggregateTally(policy: Examples.aggregate.policy, record: failing).text, 4), ("", 9),
            ],
            about: "example.org",
            by: "us",
            email: "postmaster@example.com",
            from: 86_400,
            to: 172_799
        ) { _ in
            "x"
        }
        #expect(reports.map(\.policy.policy) == ["none", "reject"])
        #expect(reports[1].records.map(\.count) == [4, 3])
        #expect(reports[1].errors == ["9 more messages, of too many kinds, are not in the records"])
    }

    @Test("Of many policies on a day, three; the messages under the others are counted only") func policies() {
        let record = Examples.aggregate.records[1]
        let tallies = (1...9).map { number in
            var policy = Examples.aggregate.policy
            policy.percentage = number
            return (text: AggregateTally(policy: policy, record: record).text, count: number)
        }
        let reports = AggregateReport.reports(
            of: tallies,
            about: "example.org",
            by: "us",
            email: "postmaster@example.com",
            from: 86_400,
            to: 172_799
        ) {
            "\($0)"
        }
        #expect(reports.map(\.policy.percentage) == [7, 8, 9] && reports.map(\.id) == ["0", "1", "2"])
        #expect(reports[0].errors == ["21 more messages, of too many kinds, are not in the records"])
    }

    @Test("What is left of a line about TLS without room") func rest() {
        let result = Examples.tls.results[0]
        let success = TLSTally(policy: result.policy, failure: nil).rest
        #expect(success == TLSTally(policy: .init(type: "sts", domain: result.policy.domain), failure: nil))
        let failure = TLSTally(policy: result.policy, failure: result.details[0]).rest
        #expect(failure.failure == TLSReport.Failure(type: result.details[0].type, count: 0))
    }

    @Test("One report about TLS, with a part for each policy") func tlsReport() throws {
        let sts = Examples.tls.results[0].policy
        let none = Examples.tls.results[1].policy
        let report = try #require(
            TLSReport(
                of: [
                    (TLSTally(policy: sts, failure: nil).text, 5),
                    (TLSTally(policy: sts, failure: Examples.tls.results[0].details[0]).text, 2),
                    (TLSTally(policy: none, failure: nil).text, 1), ("", 4),
                ],
                about: "example.org",
                by: "us",
                contact: "postmaster@example.com",
                id: "x",
                from: 0,
                to: 86_399
            )
        )
        #expect(report.results.map(\.policy) == [none, sts])
        #expect(report.results[1].successes == 5 && report.results[1].failures == 2)
        #expect(report.results[1].details.map(\.count) == [2])
        #expect(
            TLSReport(of: [("", 1)], about: "x", by: "", contact: "", id: "x", from: 0, to: 1) == nil
        )
    }

    @Test("RFC 7489 §7.2.1.1, RFC 8460 §5: the message") func message() throws {
        let address = AddressMailbox(localPart: Array("postmaster".utf8), domain: Array("example.com".utf8))
        for report in [
            ReportMessage(Examples.aggregate, submitter: "example.com"),
            ReportMessage(Examples.tls, domain: "example.org", submitter: "example.com"),
        ] {
            let file = try report.compressed()
            let message = report.composed(
                from: address,
                to: address,
                at: UnixTime(1_767_312_000),
                random: Array(0..<16),
                file: file
            )
            #expect(message.allSatisfy { $0 < 0x80 })
            let text = String(decoding: message, as: UTF8.self).replacing("\r\n ", with: " ")
            #expect(
                text.contains(
                    "Subject: Report Domain: example.org Submitter: example.com Report-ID: <\(report.id)>\r\n"
                )
            )
            let summary = MessageSummary(parsing: message)
            let parts = summary.root.children
            #expect(parts.count == 2)
            var decoder = try #require(TransferDecoder(TransferEncoding(parts[1].transferEncoding)))
            var decoded: [UInt8] = []
            decoder.decode(message[parts[1].bodyRange], into: &decoded)
            decoder.finish(into: &decoded)
            switch try ReportContent(file: decoded) {
            case .aggregate(let read):
                #expect(read == Examples.aggregate)
                #expect(
                    parts[1].fileName == "example.com!example.org!1767225600!1767311999!17.xml.gz"
                )
            case .tls(let read):
                #expect(read == Examples.tls)
                #expect(text.contains("TLS-Report-Domain: example.org\r\nTLS-Report-Submitter: example.com\r\n"))
                #expect(summary.root.contentType.isType("multipart", "report"))
                #expect(parts[1].contentType.isType("application", "tlsrpt+gzip"))
                #expect(
                    parts[1].fileName == "example.com!example.org!1767225600!1767311999!18.json.gz"
                )
            }
        }
    }
}
