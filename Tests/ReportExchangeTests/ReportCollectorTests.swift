// SPDX-License-Identifier: Apache-2.0

import DomainReports
import MailStorage
import SMTPSyntax
import SQLiteStorage
import SenderAuthentication
import TestSupport
import Testing

@testable import ReportExchange

@Suite("Counting for reports") struct ReportCollectorTests {
    private static let tally = TLSTally(policy: .init(type: "no-policy-found", domain: "example.net"), failure: nil)

    @Test("In memory for a minute, then written down") func gathered() async throws {
        let fixture = try await Fixture()
        let collector = ReportCollector(ledger: fixture.store, time: fixture.clock.timeSource)
        try await withThrowingTaskGroup { group in
            group.addTask { try await collector.run() }
            for _ in 0..<3 { collector.count(Self.tally) }
            let deadline = try await fixture.clock.nextDeadline()
            #expect(deadline == .seconds(60))
            #expect(try await fixture.due().isEmpty)
            fixture.clock.advance(by: .seconds(60))
            await collector.flush()
            let subject = ReportSubject(.tls, day: Fixture.today, domain: "example.net")
            #expect(try await fixture.due() == [subject])
            #expect(try await fixture.store.tallies(of: subject).map(\.count) == [3])
            // A line that is too long is counted without what the policy says.
            let long = TLSTally(
                policy: .init(
                    type: "sts",
                    strings: Array(repeating: String(repeating: "x", count: 900), count: 5),
                    domain: "example.net"
                ),
                failure: nil
            )
            collector.count(long)
            await collector.flush()
            #expect(
                try await fixture.store.tallies(of: subject).map(\.text) == [Self.tally.text, "sts\t\t\t\t\t\t0\t0"]
            )
            group.cancelAll()
        }
        try await fixture.close()
    }

    @Test("What the store does not take is lost, and nothing else happens") func lost() async throws {
        let fixture = try await Fixture()
        let collector = ReportCollector(ledger: fixture.store, time: fixture.clock.timeSource)
        try await fixture.close()
        await withTaskGroup { group in
            group.addTask { try? await collector.run() }
            collector.count(Self.tally)
            await collector.flush()
            group.cancelAll()
        }
    }

    // MARK: What is counted of mail

    /// What is found out about a message from 192.0.2.7.
    static func verdict(
        _ texts: [String: [String]],
        author: String = "boss@example.net",
        sender: String = "list@example.com"
    ) async throws -> AuthenticationVerdict {
        let parts = sender.split(separator: "@").map(String.init)
        var message = SenderAuthenticator(names: Names(texts: texts), suffixes: PublicSuffixList(), authservID: "us")
            .message(
                from: try IPAddress(parsing: "192.0.2.7"),
                reversePath: parts.count == 2 ? (parts[0], parts[1]) : nil,
                helo: "mail.example.com"
            )
        message.update(Array("From: \(author)\r\n\r\nHi\r\n".utf8)[...])
        return await message.finish(unixTime: 0, lot: 99)
    }

    @Test("The policy, what was found out, and what was done") func aggregate() async throws {
        let texts = [
            "_dmarc.example.net": ["v=DMARC1; p=reject; aspf=s; pct=30; rua=mailto:a@example.net"],
            "example.com": ["v=spf1 ip4:192.0.2.7 -all"],
        ]
        let verdict = try await Self.verdict(texts, author: "boss@www.example.net")
        let tally = try #require(AggregateTally(verdict, isJunk: true, isRefused: false))
        #expect(
            tally.policy
                == .init(
                    domain: "example.net",
                    dkimAlignment: "r",
                    spfAlignment: "s",
                    policy: "reject",
                    subdomainPolicy: "reject",
                    percentage: 30
                )
        )
        #expect(tally.record.author == "www.example.net" && tally.record.sender == "example.com")
        #expect(tally.record.source == "192.0.2.7" && tally.record.disposition == "quarantine")
        #expect(!tally.record.passesSPF && !tally.record.passesDKIM)
        #expect(tally.record.spf == [.init(domain: "example.com", scope: "mfrom", result: "pass")])
        #expect(tally.record.reasons == [.init("sampled_out")])
        // Not done at all.
        let kept = try #require(AggregateTally(verdict, isJunk: false, isRefused: false))
        #expect(kept.record.disposition == "none" && kept.record.reasons == [.init("local_policy")])
        #expect(AggregateTally(verdict, isJunk: false, isRefused: true)?.record.disposition == "reject")
    }

    @Test("The null reverse-path, and mail that is its author's") func passes() async throws {
        let texts = [
            "_dmarc.example.com": ["v=DMARC1; p=reject; rua=mailto:a@example.com"],
            "mail.example.com": ["v=spf1 ip4:192.0.2.7 -all"],
        ]
        let verdict = try await Self.verdict(texts, author: "a@example.com", sender: "")
        let tally = try #require(AggregateTally(verdict, isJunk: false, isRefused: false))
        #expect(tally.record.passesSPF && tally.record.reasons.isEmpty && tally.record.sender?.isEmpty == true)
        #expect(tally.record.spf == [.init(domain: "mail.example.com", scope: "helo", result: "pass")])
    }

    @Test("Who does not ask for reports is not counted") func notAsked() async throws {
        for record in ["v=DMARC1; p=reject", "v=DMARC1; p=reject; rua=", "other"] {
            let verdict = try await Self.verdict(["_dmarc.example.net": [record]])
            #expect(AggregateTally(verdict, isJunk: false, isRefused: true) == nil)
        }
        let unclear = try await Self.verdict(
            ["_dmarc.example.net": ["v=DMARC1; p=reject; rua=mailto:a@example.net"]],
            author: "a@example.net, b@example.net"
        )
        #expect(AggregateTally(unclear, isJunk: false, isRefused: true) == nil)
    }
}
