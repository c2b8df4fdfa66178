// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 3461 §5.2.3: who asked to hear of delivery to somebody here hears of it, and nobody else does.
@Suite("RFC 3461 §5.2.3") struct DeliveredReportTests {
    /// Sends a message of ann's.
    private func send(
        _ fixture: Fixture,
        from: String = "<ann@example.org>",
        to recipients: [String],
        content: String = "Subject: greetings\r\n\r\nHi.\r\n"
    ) async throws {
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            #expect(try await client.ask("MAIL FROM:\(from)").hasPrefix("250 "))
            for recipient in recipients { #expect(try await client.ask("RCPT TO:\(recipient)").hasPrefix("250 ")) }
            try await client.ask("DATA")
            #expect(try await client.ask("\(content).").hasPrefix("250 "))
        }
    }

    private func reports(_ fixture: Fixture) async throws -> [String] {
        try await fixture.inbox(of: fixture.ann).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("The report: ENVID, ORCPT, the header, never the message")
    func report() async throws {
        let fixture = try await Fixture()
        try await self.send(
            fixture,
            from: "<ann@example.org> RET=FULL ENVID=QQ+2B1",
            to: [
                "<BOB@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Bobby+2Bx@example.com",
                "<fred@example.net> NOTIFY=SUCCESS", "<bob@example.org>",
            ]
        )
        let reports = try await self.reports(fixture)
        let report = try #require(reports.first)
        #expect(reports.count == 1)
        #expect(report.hasPrefix("Return-Path: <>\r\nFrom: Mail Delivery System <postmaster@mx.example.org>\r\n"))
        for line in [
            "To: ann@example.org", "Auto-Submitted: auto-replied", "Original-Envelope-Id: QQ+1",
            "Reporting-MTA: dns; mx.example.org", "Arrival-Date: Thu, 1 Jan 2026 00:00:00 +0000",
            "Original-Recipient: rfc822; Bobby+x@example.com", "Final-Recipient: rfc822; BOB@example.org",
            "Action: delivered", "Status: 2.0.0", "Content-Type: text/rfc822-headers", "Subject: greetings",
            "Received: from client.example.com ([192.0.2.7])", "Date: Thu, 1 Jan 2026 00:00:00 +0000",
        ] { #expect(report.contains("\r\n\(line)\r\n"), "\(line)") }
        #expect(!report.contains("Hi."), "RET is about failures (RFC 3461 §4.3)")
        #expect(!report.contains("fred"), "of that one the relay tells")
        #expect(!report.contains("Return-Path: <ann@"))
        #expect(MessageSummary(parsing: Array(report.utf8)).root.children.count == 3)
        // The message is as it would have been.
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        #expect(try await fixture.queue().map(\.reversePath) == ["ann@example.org"])
        try await fixture.close()
    }

    @Test(
        "Only SUCCESS is about delivery, and nobody is told of a message from the null reverse-path",
        arguments: [
            ("<ann@example.org>", "", 0), ("<ann@example.org>", " NOTIFY=NEVER", 0),
            ("<ann@example.org>", " NOTIFY=FAILURE,DELAY", 0), ("<>", " NOTIFY=SUCCESS", 0),
            ("<ann@example.org>", " NOTIFY=SUCCESS", 1), ("<ann@example.org>", " NOTIFY=DELAY,SUCCESS", 1),
        ]
    )
    func conditions(_ sender: String, _ notify: String, _ count: Int) async throws {
        let fixture = try await Fixture()
        try await self.send(fixture, from: sender, to: ["<bob@example.org>\(notify)"])
        #expect(try await self.reports(fixture).count == count)
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        try await fixture.close()
    }

    @Test("One report for all, each recipient once and an alias by its own name (RFC 3461 §5.2.7.4)")
    func several() async throws {
        let fixture = try await Fixture()
        try await self.send(
            fixture,
            to: [
                "<team@example.org> NOTIFY=SUCCESS", "<bob@example.org> NOTIFY=SUCCESS",
                "<bob@example.org> NOTIFY=SUCCESS",
            ]
        )
        let reports = try await self.reports(fixture).filter { $0.hasPrefix("Return-Path: <>") }
        let report = try #require(reports.first)
        #expect(reports.count == 1)
        let finals = report.split(separator: "\r\n").filter { $0.hasPrefix("Final-Recipient") }
        #expect(finals == ["Final-Recipient: rfc822; team@example.org", "Final-Recipient: rfc822; bob@example.org"])
        #expect(report.split(separator: "\r\n").filter { $0 == "Action: delivered" }.count == 2)
        try await fixture.close()
    }

    @Test("The header is returned as far as it goes, in chunks, without an end, and of any length")
    func header() async throws {
        let fixture = try await Fixture()
        let long = (0..<2000).map { "X-\($0): \(String(repeating: "x", count: 60))\r\n" }.joined()
        for (content, last) in [
            ("Subject: y", "Subject: y\r\nDate: "), ("Date: z\r\nSubject: y\r\n", "Message-ID: "), (long, "X-900: "),
        ] {
            let before = try await self.reports(fixture).count
            try await fixture.connect(.submissions, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                try await client.begin(from: "ann@example.org")
                #expect(try await client.ask("RCPT TO:<bob@example.org> NOTIFY=SUCCESS").hasPrefix("250 "))
                for octet in content.utf8.prefix(20) {
                    client.pipe.send(Array("BDAT 1\r\n".utf8) + [octet])
                    #expect(try await client.reply().hasPrefix("250 "))
                }
                let rest = content.utf8.dropFirst(20)
                client.pipe.send(Array("BDAT \(rest.count) LAST\r\n".utf8) + rest)
                #expect(try await client.reply().hasPrefix("250 "))
            }
            let report = try #require(try await self.reports(fixture).dropFirst(before).first)
            #expect(report.contains("\r\n\(last)"), "\(content.prefix(20))")
            #expect(report.utf8.count < 70_000)
            #expect(MessageSummary(parsing: Array(report.utf8)).root.children.count == 3)
        }
        try await fixture.close()
    }

    @Test("No message, no report")
    func refused() async throws {
        let fixture = try await Fixture { $0.messageLimit = 100 }
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org")
            #expect(try await client.ask("RCPT TO:<bob@example.org> NOTIFY=SUCCESS").hasPrefix("250 "))
            try await client.ask("DATA")
            #expect(try await client.ask("\(String(repeating: "x", count: 200))\r\n.").hasPrefix("552 "))
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }

    @Test("Another server can have nothing reported to a sender that it names: no backscatter")
    func forgedSender() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.exchange) { client in
            client.send("EHLO client.example.com\r\n")
            #expect(try await client.reply() == "250 CHUNKING")
            for sender in ["victim@example.net", "ann@example.org"] {
                #expect(try await client.ask("MAIL FROM:<\(sender)> ENVID=x").hasPrefix("555 "))
                try await client.begin(from: sender)
                #expect(try await client.ask("RCPT TO:<bob@example.org> NOTIFY=SUCCESS").hasPrefix("555 "))
                #expect(try await client.ask("RCPT TO:<bob@example.org>").hasPrefix("250 "))
                try await client.ask("DATA")
                #expect(try await client.ask(".").hasPrefix("250 "))
            }
        }
        #expect(try await fixture.inbox(of: fixture.bob).count == 2)
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        #expect(try await fixture.queue().isEmpty)
        try await fixture.close()
    }

    private func staged(_ fixture: Fixture, _ sender: String) async throws -> Acceptance? {
        var transaction = MailTransaction(reversePath: .address(try EmailAddress(parsing: sender)))
        var recipient = MailTransaction.Recipient(
            try EmailAddress(parsing: "bob@example.org"),
            .local([fixture.bob.id])
        )
        recipient.notify = .success
        transaction.recipients = [recipient]
        return try await DeliveredReport(
            service: fixture.service,
            transaction: transaction,
            arrival: UnixTime(rawValue: 0)
        ).staged(header: Array("Subject: ü\r\n".utf8))
    }

    @Test("To a sender elsewhere it goes by relay, from the null reverse-path, and is never reported itself (§6.1)")
    func remoteSender() async throws {
        let fixture = try await Fixture()
        let report = try #require(try await self.staged(fixture, "\"e v\"@example.net"))
        #expect(report.remote == [RemoteRecipient(localPart: "e v", domain: "example.net", notify: [])])
        #expect(report.reversePath.isEmpty && report.local.isEmpty)
        #expect(report.relayFrom == "Return-Path: <>\r\n".utf8.count)
        #expect(report.isEightBit && !report.isInternationalized)
        // RFC 6533: who has such an address can be sent such a report.
        #expect(try await self.staged(fixture, "eve@exämple.net")?.isInternationalized == true)
        try await fixture.close()
    }

    @Test("A sender who does not exist here is told nothing")
    func unknownSender() async throws {
        let fixture = try await Fixture()
        #expect(try await self.staged(fixture, "nobody@example.org") == nil)
        try await fixture.close()
    }
}
