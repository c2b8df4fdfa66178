// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import DomainReports

@Suite("RFC 7489 appendix C: aggregate reports") struct AggregateReportTests {
    @Test func whatIsWrittenIsRead() throws {
        #expect(try AggregateReport(xml: Examples.aggregate.xml) == Examples.aggregate)
    }

    @Test("xmllint finds it valid by the schema, and Python reads the same") func isValid() throws {
        let schema = try #require(Bundle.module.url(forResource: "rua", withExtension: "xsd", subdirectory: "Data"))
        let xml = Examples.aggregate.xml
        let result = try Examples.run("xmllint", ["--noout", "--schema", schema.path, "-"], input: xml)
        #expect(result.status == 0, "\(result.errors)")
        // It can say no.
        let wrong = Array(String(decoding: xml, as: UTF8.self).replacing("<p>reject", with: "<p>perhaps").utf8)
        #expect(try Examples.run("xmllint", ["--noout", "--schema", schema.path, "-"], input: wrong).status != 0)
        let program = """
            import sys, xml.etree.ElementTree as e
            root = e.fromstring(sys.stdin.buffer.read())
            print(root.findtext('report_metadata/org_name'), root.findtext('.//reason/comment'), len(root.findall('record')))
            """
        let read = try Examples.run("python3", ["-X", "utf8", "-c", program], input: xml)
        #expect(String(decoding: read.output, as: UTF8.self) == "Example & Söhne <x> a < b & c 2\n")
    }

    @Test func thoseOfOthersAreRead() throws {
        let report = try AggregateReport(xml: Array(Examples.foreignAggregate.utf8))
        #expect(report.organisation == "A & B & C,")
        #expect(report.policy == .init(domain: "example.org", policy: "none", percentage: 100))
        let record = try #require(report.records.first)
        #expect(record.source == "198.51.100.7" && record.count == 12 && record.author == "example.org")
        #expect(record.passesSPF && !record.passesDKIM && record.passes && record.spf.isEmpty)
    }

    @Test("A text cannot leave its element") func injection() throws {
        var report = Examples.aggregate
        report.organisation = "</org_name><email>eve@example.org</email>\u{0}\u{1B}]]>&lt;"
        let read = try AggregateReport(xml: report.xml)
        #expect(read.organisation == "</org_name><email>eve@example.org</email>  ]]>&lt;")
        #expect(read.email == report.email)
    }

    @Test(
        "What must not be there",
        arguments: [
            "<!DOCTYPE feedback [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><feedback>&b;</feedback>",
            "<!DOCTYPE feedback SYSTEM \"file:///etc/passwd\"><feedback/>", "<feedback>&unknown;</feedback>",
            "<feedback>&#0;</feedback>", "<feedback>&#xD800;</feedback>", "<feedback>&#x110000;</feedback>",
            "<feedback>&#+65;</feedback>", "<feedback>&#-1;</feedback>", "<feedback>&;</feedback>",
            "<feedback>&#;</feedback>", "<feedback>&amp</feedback>", "<feedback><record></feedback></record>",
            "<feedback></feedback><feedback></feedback>", "<feedback></feedback>x", "x<feedback></feedback>",
            "<other></other>", "<feedback>", "</feedback>", "<feedback", "<>", "<feedback a=\"></feedback>", "",
            "<feedback><![CDATA[</feedback>", "<feedback><!-- </feedback>", "<feedback/>", "<a:feedback></b:feedback>",
            "<![CDATA[x]]><feedback/>", "&lt;<feedback/>",
        ]
    )
    func malformed(text: String) {
        #expect(throws: MalformedXML.self) { try AggregateReport(xml: Array(text.utf8)) }
    }

    @Test("Elements within each other are bounded") func depth() {
        let text = String(repeating: "<feedback>", count: 100_000)
        #expect(throws: MalformedXML(expected: "at most 16 elements within each other")) {
            try AggregateReport(xml: Array(text.utf8))
        }
    }

    @Test("Records are bounded, and so are texts") func bounds() throws {
        var report = Examples.aggregate
        report.organisation = String(repeating: "x", count: 1_000_000)
        #expect(try AggregateReport(xml: report.xml).organisation.utf8.count == 2000)
        let record = "<record></record>"
        let many = "<feedback>" + String(repeating: record, count: AggregateReport.recordLimit + 1) + "</feedback>"
        #expect(throws: MalformedXML(expected: "at most \(AggregateReport.recordLimit) records")) {
            try AggregateReport(xml: Array(many.utf8))
        }
        // No sum of them is too large.
        let huge = String(decoding: Examples.aggregate.xml, as: UTF8.self)
            .replacing("<count>7<", with: "<count>9223372036854775807<")
        #expect(try AggregateReport(xml: Array(huge.utf8)).records[0].count == 0)
    }

    @Test("Cut off at any octet, it is none") func truncated() throws {
        let xml = Examples.aggregate.xml
        // What is behind the last tag is a line end.
        for count in 0..<(xml.count - 1) {
            #expect(throws: MalformedXML.self) { try AggregateReport(xml: Array(xml.prefix(count))) }
        }
    }

    @Test("Changed at random, it is read or refused") func mutations() throws {
        var random = SeededGenerator(seed: 7489)
        let xml = Examples.aggregate.xml
        let marks = Array("<>&;/!?[]-\"' \u{0}".utf8) + [0xFF]
        var refused = 0
        for _ in 0..<1500 {
            var changed = xml
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[index] = marks.randomElement(using: &random) ?? 0
                case 1: changed.remove(at: index)
                default: changed.insert(marks.randomElement(using: &random) ?? 0, at: index)
                }
            }
            do { _ = try AggregateReport(xml: changed) } catch { refused += 1 }
        }
        #expect((100..<1500).contains(refused))
    }
}

/// The same numbers each time (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { self.state = seed }
    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
