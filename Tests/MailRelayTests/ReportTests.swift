// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import MailRelay

/// What senders are told (RFC 3461 §5.2, RFC 3464).
@Suite struct ReportTests {
    private static func refusing(_ fixture: Fixture) {
        fixture.sinks.set { $0.reply = { command, _ in command.hasPrefix("RCPT") ? "550 5.1.1 no <such> user" : nil } }
    }

    @Test func failure() async throws {
        let fixture = try await Fixture()
        Self.refusing(fixture)
        try await fixture.enqueue(["bob@example.net", "eve@example.net"]) {
            $0.envelopeID = "id 1"
            $0.remote[0].originalRecipient = "rfc822;bobby@example.com"
        }
        try await fixture.relaying { try await fixture.untilEmpty() }
        let inbox = try await fixture.inbox()
        #expect(inbox.count == 1, "one report for all")
        let report = try #require(inbox.first)
        #expect(report.hasPrefix("Return-Path: <>\r\nFrom: Mail Delivery System <postmaster@example.org>\r\n"))
        for line in [
            "To: ann@example.org", "Auto-Submitted: auto-replied", "Original-Envelope-Id: id 1",
            "Reporting-MTA: dns; mx.example.org", "Original-Recipient: rfc822; bobby@example.com",
            "Final-Recipient: rfc822; bob@example.net", "Final-Recipient: rfc822; eve@example.net", "Action: failed",
            "Status: 5.1.1", "Remote-MTA: dns; mx.example.net", "Diagnostic-Code: smtp; 550 5.1.1 no <such> user",
            "Content-Type: text/rfc822-headers", "Subject: Hello",
        ] { #expect(report.contains("\r\n\(line)\r\n"), "\(line)") }
        #expect(!report.contains("Hi."), "the header only")
        #expect(!report.contains("Return-Path: <ann@"), "as the next hop would have got it")
        let summary = MessageSummary(parsing: Array(report.utf8))
        #expect(summary.root.children.count == 3)
    }

    /// However many transactions an attempt needs.
    @Test func oneReportForAnAttempt() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set {
            $0.extensions = ["PIPELINING", "LIMITS RCPTMAX=30 MAILMAX=2"]
            $0.reply = { command, _ in command.hasPrefix("RCPT TO:<bad") ? "550 5.1.1 no such user" : nil }
        }
        try await fixture.enqueue((0..<130).map { $0 % 2 == 0 ? "good\($0)@example.net" : "bad\($0)@example.net" }) {
            $0.remote[1].localPart = "a\r\nb"
        }
        try await fixture.relaying { try await fixture.untilEmpty() }
        let inbox = try await fixture.inbox()
        #expect(inbox.count == 1)
        #expect(inbox.first?.split(separator: "Action: failed").count == 66)
        #expect(fixture.sinks.record.messages.map(\.recipients.count).reduce(0, +) == 65)
    }

    /// What a host can put into a report, and into our memory, for each recipient is bounded.
    @Test func longReplies() async throws {
        let fixture = try await Fixture()
        let reply = (0..<60).map { "550-\($0) " + String(repeating: "ä", count: 400) + "\r\n" }.joined() + "550 end"
        fixture.sinks.set { $0.reply = { command, _ in command.hasPrefix("RCPT") ? reply : nil } }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        let report = try #require(try await fixture.inbox().first)
        #expect(report.utf8.count < 10_000)
        #expect(report.contains("Diagnostic-Code: smtp; 550 0\r\n ??"))
    }

    /// A message that the store has lost is reported like another, and does not stay in the queue for ever.
    @Test func lostMessage() async throws {
        let fixture = try await Fixture(queue: { FailingQueue($0, hasLostOctets: true) })
        Self.refusing(fixture)
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        let report = try #require(try await fixture.inbox().first)
        #expect(report.contains("\r\nStatus: 5.1.1\r\n"))
        #expect(report.contains("cannot be read any more"))
    }

    @Test(arguments: [(nil, 1), ([.failure], 1), ([], 0), ([.success, .delay], 0)] as [(NotifyConditions?, Int)])
    func notify(conditions: NotifyConditions?, reports: Int) async throws {
        let fixture = try await Fixture()
        Self.refusing(fixture)
        try await fixture.enqueue(["bob@example.net"]) { $0.remote[0].notify = conditions }
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(try await fixture.inbox().count == reports)
    }

    @Test(
        arguments: [
            (nil, false, 0), ([.success], false, 1), ([.success], true, 0), ([.failure], false, 0), ([], false, 0),
        ] as [(NotifyConditions?, Bool, Int)]
    )
    func relayed(conditions: NotifyConditions?, knowsDSN: Bool, reports: Int) async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.extensions = knowsDSN ? ["DSN"] : [] }
        try await fixture.enqueue(["bob@example.net"]) { $0.remote[0].notify = conditions }
        try await fixture.relaying { try await fixture.untilEmpty() }
        let inbox = try await fixture.inbox()
        #expect(inbox.count == reports)
        #expect(inbox.allSatisfy { $0.contains("Action: relayed\r\nStatus: 2.0.0\r\n") })
        #expect(fixture.sinks.record.messages.count == 1)
    }

    @Test(
        arguments: [(nil, 30, false), (true, 30, true), (false, 30, false), (true, 200_000, false)]
            as [(Bool?, Int, Bool)]
    )
    func whatIsReturned(returnsFull: Bool?, size: Int, isFull: Bool) async throws {
        let fixture = try await Fixture()
        Self.refusing(fixture)
        let body = String(repeating: "A line of the body.\r\n", count: max(1, size / 21))
        try await fixture.enqueue(["bob@example.net"], octets: Array("Subject: S\r\n\r\n\(body)".utf8), relayFrom: 0) {
            $0.returnsFull = returnsFull
        }
        try await fixture.relaying { try await fixture.untilEmpty() }
        let report = try #require(try await fixture.inbox().first)
        #expect(report.contains("A line of the body.") == isFull)
        #expect(report.contains("Content-Type: message/rfc822\r\n") == isFull)
        #expect(report.contains("\r\nSubject: S\r\n"))
    }

    /// Without a report that nobody wants, R-03.
    @Test(arguments: ["", "nobody@example.org"]) func nobodyToTell(sender: String) async throws {
        let fixture = try await Fixture()
        Self.refusing(fixture)
        try await fixture.enqueue(["bob@example.net"], from: sender)
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(try await fixture.inbox().isEmpty)
        #expect(fixture.sinks.record.messages.isEmpty)
    }

    /// A sender elsewhere gets it by relay, from the null reverse-path; a failure of that is the end of it.
    @Test(arguments: [true, false]) func remoteSender(isReachable: Bool) async throws {
        let fixture = try await Fixture()
        fixture.sinks.set {
            $0.reply = { command, _ in
                command.hasPrefix("RCPT TO:<bob") || (!isReachable && command.hasPrefix("RCPT")) ? "550 no" : nil
            }
        }
        try await fixture.enqueue(["bob@example.net"], from: "far@example.com")
        try await fixture.relaying { try await fixture.untilEmpty() }
        let messages = fixture.sinks.record.messages
        #expect(messages.count == (isReachable ? 1 : 0))
        #expect(fixture.sinks.record.commands.filter { $0.hasPrefix("RCPT") }.count == 2)
        if isReachable {
            #expect(messages.first?.from.hasPrefix("MAIL FROM:<> ") == true)
            #expect(messages.first?.recipients == ["RCPT TO:<far@example.com> NOTIFY=NEVER"])
            #expect(messages.first?.lines.first == "From: Mail Delivery System <postmaster@mx.example.org>")
        }
    }

    @Test func delayIsToldOnce() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.isDown = true }
        try await fixture.enqueue(["bob@example.net", "eve@example.net"]) { $0.remote[1].notify = [.failure] }
        try await fixture.relaying {
            for _ in 0..<9 {
                try await fixture.untilIdle()
                let next = try #require(try await fixture.store.nextAttempt(after: fixture.now))
                let isLate = fixture.clock.now >= .seconds(4 * 3600)
                #expect(try await fixture.inbox().count == (isLate ? 1 : 0))
                fixture.clock.advance(by: .seconds(next.rawValue - fixture.now.rawValue))
            }
            try await fixture.untilIdle()
        }
        let inbox = try await fixture.inbox()
        #expect(inbox.count == 1)
        #expect(inbox.first?.contains("Action: delayed\r\nStatus: 4.4.1\r\n") == true)
        #expect(inbox.first?.contains("Will-Retry-Until: Tue, 6 Jan 2026 00:00:00 +0000") == true)
        #expect(inbox.first?.contains("eve@") == false)
        #expect(try await fixture.queue().first?.recipients.map(\.isDelayReported) == [true, false])
    }

    /// RFC 3464 §2.3.5, §2.3.6: what the host said at last is told, also when the time has run out.
    @Test func givenUpAfterReplies() async throws {
        let fixture = try await Fixture { $0.lifetime = .seconds(60) }
        fixture.sinks.set { $0.reply = { command, _ in command.hasPrefix("RCPT") ? "450 4.2.1 greylisted" : nil } }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying {
            try await fixture.untilIdle()
            fixture.clock.advance(by: .seconds(60))
            try await fixture.untilEmpty()
        }
        let report = try #require(try await fixture.inbox().first)
        for line in [
            "Action: failed", "Status: 4.4.7", "Remote-MTA: dns; mx.example.net",
            "Diagnostic-Code: smtp; 450 4.2.1 greylisted",
        ] { #expect(report.contains("\r\n\(line)\r\n"), "\(line)") }
    }

    /// Tried on schedule for five days, then given up, with the last reply.
    @Test func givenUp() async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.isDown = true }
        try await fixture.enqueue(["bob@example.net"]) { $0.remote[0].notify = [.failure] }
        var times: [Duration] = []
        try await fixture.relaying {
            while try await !fixture.queue().isEmpty {
                try await fixture.untilIdle()
                times.append(fixture.clock.now)
                guard let next = try await fixture.store.nextAttempt(after: fixture.now) else { break }
                #expect(try await fixture.inbox().isEmpty)
                fixture.clock.advance(by: .seconds(next.rawValue - fixture.now.rawValue))
            }
        }
        #expect(times.first == .zero)
        #expect(times.prefix(4) == [.zero, .seconds(300), .seconds(900), .seconds(2100)])
        #expect(times.last == .seconds(5 * 86_400))
        let report = try #require(try await fixture.inbox().first)
        #expect(report.contains("Action: failed\r\nStatus: 4.4.7\r\n"))
        #expect(report.contains("connection refused"))
    }
}
