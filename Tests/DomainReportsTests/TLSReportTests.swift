// SPDX-License-Identifier: Apache-2.0

import JSONSyntax
import Testing

@testable import DomainReports

@Suite("RFC 8460 §4: reports about TLS") struct TLSReportTests {
    @Test func whatIsWrittenIsRead() throws { #expect(try TLSReport(json: Examples.tls.json) == Examples.tls) }

    @Test("Python reads the same") func isValid() throws {
        let program = """
            import sys, json
            report = json.load(sys.stdin)
            print(report["organization-name"], report["date-range"]["end-datetime"],
                  report["policies"][0]["summary"]["total-failure-session-count"],
                  report["policies"][0]["failure-details"][0]["receiving-ip"])
            """
        let read = try Examples.run("python3", ["-X", "utf8", "-c", program], input: Examples.tls.json)
        #expect(
            String(decoding: read.output, as: UTF8.self)
                == "Example \"Inc.\" \\ Söhne 2026-01-01T23:59:59Z 303 203.0.113.56\n"
        )
    }

    @Test func thoseOfOthersAreRead() throws {
        let report = try TLSReport(json: Array(Examples.foreignTLS.utf8))
        #expect(report.organisation == "Company-X" && report.begin == 1_459_468_800 && report.end == 1_459_555_199)
        let result = try #require(report.results.first)
        #expect(result.policy.domain == "company-y.example")
        #expect(result.policy.hostPatterns == ["*.mail.company-y.example"])
        #expect(result.successes == 5326 && result.failures == 303 && result.details.map(\.count) == [100, 3])
        #expect(result.details[1].reason == "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED")
    }

    @Test(
        "What is no report",
        arguments: [
            "", "{", "{}", "[]", "\"", "{\"report-id\":\"x\"}", "{\"report-id\":\"x\",}", "nul", "{\"a\":tru}",
            "{\"a\" 1}",
            "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\u{1}\"}", "{a:1}", "{} {}",
            "{\"report-id\":\"x\",\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\"}}",
            "{\"report-id\":\"x\",\"policies\":[],\"date-range\":{\"start-datetime\":\"2016-04-01T00:00:00Z\",\"end-datetime\""
                + ":\"2016-04-01T00:00:00Z\"}}",
        ]
    )
    func malformed(text: String) {
        #expect(throws: MalformedJSON.self) { try TLSReport(json: Array(text.utf8)) }
    }

    @Test("Depth and number of values are bounded") func bounds() {
        let bounds = MalformedJSON(expected: "fewer values, not so deep")
        #expect(throws: bounds) { try JSONValue.report(Array(String(repeating: "[", count: 1_000_000).utf8)) }
        let many = "[" + String(repeating: "1,", count: 300_000) + "1]"
        #expect(throws: bounds) { try JSONValue.report(Array(many.utf8)) }
    }

    @Test(
        "Strings",
        arguments: [
            ("\"\"", ""), ("\"a\\\"\\\\\\/b\"", "a\"\\/b"), ("\"\\u00fC\"", "ü"), ("\"\\ud83d\\ude00\"", "😀"),
            ("\"\\ud83dx\"", "\u{FFFD}x"), ("\"\\ud83d\\u0041\"", "\u{FFFD}A"), ("\"\\n\\u0000\"", "  "),
        ]
    )
    func strings(json: String, text: String) throws {
        #expect(try JSONValue.report(Array(json.utf8)).reportText == text)
    }

    @Test("Cut off at any octet, it is none") func truncated() throws {
        let json = Examples.tls.json
        for count in json.indices {
            #expect(throws: MalformedJSON.self) { try TLSReport(json: Array(json.prefix(count))) }
        }
    }

    @Test("Changed at random, it is read or refused") func mutations() throws {
        var random = SeededGenerator(seed: 8460)
        let marks = Array("{}[]\",:\\u-0e \u{0}".utf8) + [0xFF]
        var refused = 0
        for _ in 0..<1500 {
            var changed = Examples.tls.json
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: changed.indices, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: changed[index] = marks.randomElement(using: &random) ?? 0
                case 1: changed.remove(at: index)
                default: changed.insert(marks.randomElement(using: &random) ?? 0, at: index)
                }
            }
            do { _ = try TLSReport(json: changed) } catch { refused += 1 }
        }
        #expect((100..<1500).contains(refused))
    }
}
