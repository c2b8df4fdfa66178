// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 3464: delivery status notifications")
struct DeliveryReportTests {
    private let time = MessageDate(time: UnixTime(837_595_405), zoneOffsetMinutes: 120)

    private func report(_ recipients: [DeliveryReport.Recipient]) -> DeliveryReport {
        DeliveryReport(
            from: AddressMailbox(
                name: octets("Mail Delivery"),
                localPart: octets("postmaster"),
                domain: octets("mx.example")
            ),
            to: AddressMailbox(localPart: octets("sender"), domain: octets("example.org")),
            subject: "Undelivered: Übel",
            text: "It could not be delivered.\nSorry.",
            date: self.time,
            messageID: MessageIdentifier(octets: octets("1@mx.example")),
            boundary: "B0UNDARY",
            reportingMTA: "mx.example",
            recipients: recipients,
            originalEnvelopeID: "QQ314159",
            arrivalDate: self.time
        )
    }

    private let failed = DeliveryReport.Recipient(
        final: "louisl@larry.slip.umd.edu",
        action: .failed,
        status: "5.1.1",
        original: ("rfc822", "louisl@umd.edu"),
        remoteMTA: "larry.slip.umd.edu",
        diagnostic: "550 5.1.1 no such user",
        lastAttempt: MessageDate(time: UnixTime(837_595_405))
    )

    private func body(_ path: [Int], of message: [UInt8]) -> String {
        let range = MessageSummary(parsing: message).range(of: path) ?? 0..<0
        return String(decoding: message[range], as: UTF8.self)
    }

    @Test func theWholeReport() {
        let octets = self.report([self.failed]).composed(original: octets("Subject: x\r\n\r\n"))
        #expect(
            text(octets) == """
                From: Mail Delivery <postmaster@mx.example>\r
                To: sender@example.org\r
                Date: Wed, 17 Jul 1996 11:23:25 +0200\r
                Message-ID: <1@mx.example>\r
                Subject: =?utf-8?Q?Undelivered=3A_=C3=9Cbel?=\r
                Auto-Submitted: auto-replied\r
                MIME-Version: 1.0\r
                Content-Type: multipart/report; report-type="delivery-status";\r
                 boundary="B0UNDARY"\r
                \r
                \r
                --B0UNDARY\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Transfer-Encoding: quoted-printable\r
                \r
                It could not be delivered.\r
                Sorry.\r
                \r
                --B0UNDARY\r
                Content-Type: message/delivery-status\r
                \r
                Original-Envelope-Id: QQ314159\r
                Reporting-MTA: dns; mx.example\r
                Arrival-Date: Wed, 17 Jul 1996 11:23:25 +0200\r
                \r
                Original-Recipient: rfc822; louisl@umd.edu\r
                Final-Recipient: rfc822; louisl@larry.slip.umd.edu\r
                Action: failed\r
                Status: 5.1.1\r
                Remote-MTA: dns; larry.slip.umd.edu\r
                Diagnostic-Code: smtp; 550 5.1.1 no such user\r
                Last-Attempt-Date: Wed, 17 Jul 1996 09:23:25 +0000\r
                \r
                --B0UNDARY\r
                Content-Type: text/rfc822-headers\r
                \r
                Subject: x\r
                \r
                \r
                --B0UNDARY--\r

                """
        )
        #expect(
            outline(MessageSummary(parsing: octets).root)
                == "multipart/report(text/plain message/delivery-status text/rfc822-headers)"
        )
    }

    @Test func severalRecipients() {
        let delayed = DeliveryReport.Recipient(
            final: "b@x",
            action: .delayed,
            status: "4.4.1",
            retryUntil: self.time
        )
        let delivered = DeliveryReport.Recipient(
            final: "c@x",
            action: .delivered,
            status: "2.0.0",
            retryUntil: self.time
        )
        let octets = self.report([self.failed, delayed, delivered]).composed(original: [])
        let groups = self.body([2], of: octets).split(separator: "\r\n\r\n")
        #expect(groups.count == 4)
        #expect(groups[2].contains("Will-Retry-Until: Wed, 17 Jul 1996 11:23:25 +0200"))
        // RFC 3464 §2.3.9: only of delayed ones.
        #expect(!groups[3].contains("Will-Retry-Until"))
    }

    @Test(
        "The original, by RET",
        arguments: [
            (.message, false, "x", "message/rfc822", false), (.message, false, "ü", "message/rfc822", true),
            (.message, true, "ü", "message/global", true), (.header, true, "x", "message/global-headers", false),
        ] as [(DeliveryReport.Original, Bool, String, String, Bool)]
    )
    func originals(
        original: DeliveryReport.Original,
        isGlobal: Bool,
        body: String,
        type: String,
        isEightBit: Bool
    ) throws {
        var report = self.report([self.failed])
        report.original = original
        report.isInternationalized = isGlobal
        let composed = report.composed(original: octets("Subject: x\r\n\r\n\(body)"))
        let part = try #require(MessageSummary(parsing: composed).part(at: [3]))
        #expect(text(part.contentType.type + octets("/") + part.contentType.subtype) == type)
        #expect(text(part.transferEncoding) == (isEightBit ? "8bit" : nil))
        #expect(String(decoding: composed[part.bodyRange], as: UTF8.self) == "Subject: x\r\n\r\n\(body)")
    }

    @Test("RFC 6533 §3: addresses of other letters")
    func internationalAddresses() {
        let recipient = DeliveryReport.Recipient(final: "jörg+a\\b@exämple.org", action: .failed, status: "5.1.1")
        var report = self.report([recipient])
        let ascii = self.body([2], of: report.composed(original: []))
        #expect(ascii.contains("Final-Recipient: utf-8; j\\x{F6}rg\\x{2B}a\\x{5C}b@ex\\x{E4}mple.org\r\n"))
        report.isInternationalized = true
        let composed = report.composed(original: [])
        #expect(self.body([2], of: composed).contains("Final-Recipient: utf-8; jörg+a\\b@exämple.org\r\n"))
        #expect(outline(MessageSummary(parsing: composed).root.children[1]) == "message/global-delivery-status")
    }

    @Test(
        "S-19: what remote hosts and senders say cannot leave its line",
        arguments: ["\r\n", "\r", "\n", "\r\n\r\n", "\0"]
    )
    func injection(separator: String) throws {
        let hostile = "a\(separator)--B0UNDARY\(separator)Action: delivered\(separator)ü"
        var report = self.report([
            DeliveryReport.Recipient(
                final: hostile,
                action: .failed,
                status: hostile,
                original: (hostile, hostile),
                remoteMTA: hostile,
                diagnostic: hostile
            )
        ])
        report.subject = hostile
        report.originalEnvelopeID = hostile
        report.reportingMTA = hostile
        report.to = AddressMailbox(name: octets(hostile), localPart: octets(hostile), domain: octets(hostile))
        for isInternationalized in [false, true] {
            report.isInternationalized = isInternationalized
            let composed = report.composed(original: [])
            let summary = MessageSummary(parsing: composed)
            #expect(summary.root.children.count == 3)
            let status = self.body([2], of: composed)
            #expect(status.split(separator: "\r\n\r\n").count == 2)
            #expect(status.split(separator: "\r\n").count { line in line.hasPrefix("Action:") } == 1)
            let names = HeaderParser(composed).map { field in text(field.name) }
            #expect(
                names == [
                    "From", "To", "Date", "Message-ID", "Subject", "Auto-Submitted", "MIME-Version", "Content-Type",
                ]
            )
            let isASCII = composed.allSatisfy { octet in octet < 0x80 }
            #expect(isASCII || isInternationalized || !summary.root.headerRange.isEmpty)
        }
    }
}
