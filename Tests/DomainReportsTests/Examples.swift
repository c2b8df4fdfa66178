// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import DomainReports

/// Reports to write and read.
enum Examples {
    static var aggregate: AggregateReport {
        var record = AggregateReport.Record(
            source: "192.0.2.1",
            count: 7,
            disposition: "quarantine",
            passesDKIM: false,
            passesSPF: false,
            author: "news.example.org"
        )
        record.reasons = [.init("local_policy", comment: "a < b & c")]
        record.sender = "bounce.example.net"
        record.dkim = [
            .init(domain: "example.net", selector: "2026", result: "pass"),
            .init(domain: "example.org", selector: nil, result: "fail"),
        ]
        record.spf = [.init(domain: "bounce.example.net", scope: "mfrom", result: "softfail")]
        var other = AggregateReport.Record(
            source: "2001:db8::1",
            count: 1,
            disposition: "none",
            passesDKIM: true,
            passesSPF: true,
            author: "example.org"
        )
        other.sender = ""
        other.spf = [.init(domain: "mail.example.org", scope: "helo", result: "pass")]
        var report = AggregateReport(
            organisation: "Example & Söhne <x>",
            email: "postmaster@example.com",
            id: "17@mail.example.com",
            begin: 1_767_225_600,
            end: 1_767_311_999,
            policy: .init(
                domain: "example.org",
                dkimAlignment: "r",
                spfAlignment: "s",
                policy: "reject",
                subdomainPolicy: "quarantine",
                percentage: 50
            ),
            records: [record, other]
        )
        report.errors = ["something"]
        return report
    }

    static let tls = TLSReport(
        organisation: "Example \"Inc.\" \\ Söhne",
        contact: "postmaster@example.com",
        id: "18@mail.example.com",
        begin: 1_767_225_600,
        end: 1_767_311_999,
        results: [
            .init(
                policy: .init(
                    type: "sts",
                    strings: ["version: STSv1", "mode: testing", "mx: *.example.org", "max_age: 86400"],
                    domain: "example.org",
                    hostPatterns: ["*.example.org"]
                ),
                successes: 5326,
                failures: 303,
                details: [
                    .init(
                        type: "certificate-expired",
                        host: "mx1.example.org",
                        address: "203.0.113.56",
                        sender: "2001:db8::2",
                        count: 100
                    ),
                    .init(type: "validation-failure", count: 203, reason: "unknown"),
                ]
            ),
            .init(
                policy: .init(type: "no-policy-found", domain: "example.org"),
                successes: 0,
                failures: 0,
                details: []
            ),
        ]
    )

    /// The example of RFC 8460 appendix B, as far as it matters here.
    static let foreignTLS = """
        { "organization-name": "Company-X",
          "date-range": { "start-datetime": "2016-04-01T00:00:00Z", "end-datetime": "2016-04-01T23:59:59Z" },
          "contact-info": "sts-reporting@company-x.example", "report-id": "5065427c-23d3-47ca-b6e0-946ea0e8c4be",
          "policies": [{
            "policy": { "policy-type": "sts",
              "policy-string": ["version: STSv1","mode: testing", "mx: *.mail.company-y.example","max_age: 86400"],
              "policy-domain": "Company-Y.example", "mx-host": "*.mail.company-y.example" },
            "summary": { "total-successful-session-count": 5326, "total-failure-session-count": 303 },
            "failure-details": [{
              "result-type": "certificate-expired", "sending-mta-ip": "2001:db8:abcd:0012::1",
              "receiving-mx-hostname": "mx1.mail.company-y.example", "failed-session-count": 100
            }, {
              "result-type": "validation-failure", "sending-mta-ip": "198.51.100.62", "receiving-ip": "203.0.113.58",
              "receiving-mx-hostname": "mx-backup.mail.company-y.example", "failed-session-count": 3,
              "failure-reason-code": "X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED", "additional-information": null
            }]
          }] }
        """

    /// As large senders write them: attributes, a namespace, comments, other orders, elements of their own.
    static let foreignAggregate = """
        \u{FEFF}<?xml version="1.0" encoding="UTF-8" ?>
        <!-- made by <nobody> -->
        <ns:feedback xmlns:ns='http://dmarc.org/dmarc-xml/0.1' note="a > b">
          <ns:record>
            <ns:identifiers><ns:header_from>Example.ORG.</ns:header_from></ns:identifiers>
            <ns:row><ns:policy_evaluated><ns:spf>pass</ns:spf><ns:dkim>fail</ns:dkim>
              <ns:disposition>none</ns:disposition></ns:policy_evaluated>
              <ns:count> 12 </ns:count><ns:source_ip><![CDATA[198.51.100.7]]></ns:source_ip></ns:row>
            <ns:auth_results/>
          </ns:record>
          <policy_published><domain>example.org</domain><p>none</p><np/><pct>100</pct></policy_published>
          <report_metadata><org_name>A &amp; B &#x26; C&#44;</org_name>
            <report_id>x</report_id><date_range><begin>1</begin><end>2</end></date_range></report_metadata>
        </ns:feedback>
        """

    /// What another program says.
    static func run(
        _ program: String,
        _ arguments: [String],
        input: [UInt8] = []
    ) throws -> (
        status: Int32, output: [UInt8], errors: String
    ) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let (standardInput, output, errors) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (standardInput, output, errors)
        try process.run()
        try standardInput.fileHandleForWriting.write(contentsOf: Data(input))
        try standardInput.fileHandleForWriting.close()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaint = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, Array(text), String(decoding: complaint, as: UTF8.self))
    }
}
