// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax
import TestSupport
import Testing

@testable import SMTPServer

/// What becomes of clients that are on lists.
@Suite("Clients on lists") struct BlockingTests {
    private static func fixture(
        _ names: TestLists,
        blocking: [String] = ["bad.example.com"],
        allowing: [String] = [],
        exempt: String? = nil,
        clock: TestClock = TestClock()
    ) async throws -> Fixture {
        try await Fixture(
            clock: clock,
            filters: FilterPolicy(
                isExempt: { $0.description == exempt },
                lists: DNSLists(
                    blocking: try blocking.map { try #require(DNSList($0)) },
                    allowing: try allowing.map { try #require(DNSList($0)) },
                    names: names
                )
            )
        )
    }

    /// The replies to RCPT of each recipient.
    private static func replies(
        _ fixture: Fixture,
        from address: String = "192.0.2.7",
        role: SMTPRole = .exchange,
        to recipients: String...
    ) async throws -> [String] {
        var replies: [String] = []
        try await fixture.connect(role, peer: Peer(address: address)) { client in
            try await client.ask(role == .lmtp ? "LHLO mail.example.net" : "EHLO mail.example.net")
            #expect(try await client.ask("MAIL FROM:<eve@example.net>").hasPrefix("250 "))
            for recipient in recipients { replies.append(try await client.ask("RCPT TO:<\(recipient)>")) }
        }
        return replies
    }

    @Test("The refusal has the list's reason, and whoever could help can be written to") func blocked() async throws {
        let names = TestLists(
            TestLists.zone("bad.example.com", ["7.2.0.192": "127.0.0.4"]),
            texts: ["7.2.0.192.bad.example.com": "See https://bad.example.com/?192.0.2.7\r\n250 fine"]
        )
        let fixture = try await Self.fixture(names)
        let replies = try await Self.replies(
            fixture,
            to: "ann@example.org",
            "Postmaster",
            "PostMaster@example.org",
            "abuse@example.org",
            "nobody@example.org"
        )
        let refusal =
            "550 5.7.1 192.0.2.7 is listed at bad.example.com: See https://bad.example.com/?192.0.2.7??250 fine"
        #expect(replies.first == refusal)
        #expect(replies[1...3].allSatisfy { $0.hasPrefix("250 ") })
        // Who may not come learns nothing about who is here.
        #expect(replies.last == refusal)
        try await fixture.close()
    }

    @Test("Nobody asks before there is a recipient, and then once") func once() async throws {
        let names = TestLists(TestLists.zone("bad.example.com"))
        let fixture = try await Self.fixture(names)
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.ask("MAIL FROM:<eve@example.net>")
            #expect(names.questions.isEmpty)
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("250 "))
            #expect(try await client.ask("RCPT TO:<bob@example.org>").hasPrefix("250 "))
        }
        let expected = ["7.2.0.192.bad.example.com", "2.0.0.127.bad.example.com", "1.0.0.127.bad.example.com"]
        #expect(names.questions.sorted() == expected.sorted())
        // The entry that must be there was asked for by another session.
        #expect(try await Self.replies(fixture, to: "ann@example.org").first?.hasPrefix("250 ") == true)
        #expect(names.questions.count == 5)
        try await fixture.close()
    }

    @Test("A list of the good counts more, wherever the bad ones are") func allowed() async throws {
        let names = TestLists(
            TestLists.zone("bad.example.com", ["7.2.0.192": "127.0.0.2", "8.2.0.192": "127.0.0.2"])
                .merging(TestLists.zone("good.example.com", ["7.2.0.192": "127.0.5.2", "8.2.0.192": "127.0.5.0"])) {
                    $1
                }
        )
        let fixture = try await Self.fixture(names, allowing: ["good.example.com 127.0.0-255.1-3"])
        #expect(try await Self.replies(fixture, to: "ann@example.org").first?.hasPrefix("250 ") == true)
        let other = try await Self.replies(fixture, from: "192.0.2.8", to: "ann@example.org")
        #expect(other == ["550 5.7.1 192.0.2.8 is listed at bad.example.com"])
        try await fixture.close()
    }

    @Test("Mapped and IPv6 addresses", arguments: ["::ffff:192.0.2.7", "2001:db8::7"])
    func families(address: String) async throws {
        let nibbles = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
        let names = TestLists(
            TestLists.zone("bad.example.com", ["7.2.0.192": "127.0.0.2", nibbles: "127.0.0.2"])
        )
        let fixture = try await Self.fixture(names)
        #expect(try await Self.replies(fixture, from: address, to: "ann@example.org").first?.hasPrefix("550 ") == true)
        try await fixture.close()
    }

    @Test("Nobody asks about machines that are exempt, about our users, and about LMTP") func notAsked() async throws {
        let names = TestLists(TestLists.zone("bad.example.com", ["7.2.0.192": "127.0.0.2"]))
        let fixture = try await Self.fixture(names, exempt: "192.0.2.7")
        #expect(try await Self.replies(fixture, to: "ann@example.org").first?.hasPrefix("250 ") == true)
        let other = try await Self.fixture(names)
        #expect(try await Self.replies(other, role: .lmtp, to: "ann@example.org").first?.hasPrefix("250 ") == true)
        try await other.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
        }
        #expect(names.questions.isEmpty)
        try await fixture.close()
        try await other.close()
    }

    @Test("§5: a list that lists everything is not believed, until it is in order again") func everything() async throws
    {
        let clock = TestClock()
        let names = TestLists(
            TestLists.zone("bad.example.com", ["7.2.0.192": "127.0.0.2", "1.0.0.127": "127.0.0.2"])
        )
        let fixture = try await Self.fixture(names, clock: clock)
        #expect(try await Self.replies(fixture, to: "ann@example.org").first?.hasPrefix("250 ") == true)
        names.set("1.0.0.127.bad.example.com", [])
        #expect(try await Self.replies(fixture, to: "ann@example.org").first?.hasPrefix("250 ") == true)
        clock.advance(by: .seconds(3600))
        #expect(try await Self.replies(fixture, to: "ann@example.org").first?.hasPrefix("550 ") == true)
        try await fixture.close()
    }

    @Test("§5: a list that begins to list everything is not believed from then on") func givenUp() async throws {
        let names = TestLists(TestLists.zone("bad.example.com"))
        let fixture = try await Self.fixture(names)
        #expect(try await Self.replies(fixture, to: "ann@example.org").first?.hasPrefix("250 ") == true)
        for name in ["8.2.0.192", "1.0.0.127"] { names.set("\(name).bad.example.com", ["127.0.0.2"]) }
        let replies = try await Self.replies(fixture, from: "192.0.2.8", to: "ann@example.org")
        #expect(replies.first?.hasPrefix("250 ") == true)
        try await fixture.close()
    }

    @Test("A list that does not answer says nothing, and keeps nobody for longer than there is time") func silent()
        async throws
    {
        let clock = TestClock()
        let names = TestLists(TestLists.zone("bad.example.com"), silent: ["bad.example.com"])
        let fixture = try await Self.fixture(names, clock: clock)
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.ask("MAIL FROM:<eve@example.net>")
            client.send("RCPT TO:<ann@example.org>\r\n")
            while names.questions.count < 3 { await Task.yield() }
            while try await clock.nextDeadline() != .seconds(5) { await Task.yield() }
            clock.advance(by: .seconds(5))
            #expect(try await client.reply().hasPrefix("250 "))
            // In this session nobody asks again.
            #expect(try await client.ask("RCPT TO:<bob@example.org>").hasPrefix("250 "))
        }
        // Nor does the next client wait.
        #expect(
            try await Self.replies(fixture, from: "192.0.2.8", to: "ann@example.org").first?.hasPrefix("250 ") == true
        )
        #expect(names.questions.count == 3)
        try await fixture.close()
    }

    @Test("The client that XCLIENT names is asked about anew") func anotherClient() async throws {
        let names = TestLists(TestLists.zone("bad.example.com", ["8.2.0.192": "127.0.0.2"]))
        let fixture = try await Fixture(
            filters: FilterPolicy(
                lists: DNSLists(blocking: [try #require(DNSList("bad.example.com"))], allowing: [], names: names)
            )
        ) { $0.speaksForOthers = { $0 == "192.0.2.7" } }
        try await fixture.connect { client in
            try await client.ask("EHLO proxy.example.org")
            try await client.begin(to: "ann@example.org")
            try await client.ask("RSET")
            #expect(try await client.ask("XCLIENT ADDR=192.0.2.8").hasPrefix("220 "))
            try await client.ask("EHLO mail.example.net")
            try await client.ask("MAIL FROM:<eve@example.net>")
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("550 5.7.1 192.0.2.8 is listed"))
        }
        try await fixture.close()
    }
}
