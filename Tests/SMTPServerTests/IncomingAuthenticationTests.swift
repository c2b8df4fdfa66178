// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPSyntax
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 8601 §4.1, §5 and RFC 7489 §6.6: what becomes of messages that other servers bring.
@Suite("Who sent a message") struct IncomingAuthenticationTests {
    private func send(
        _ message: String,
        from sender: String = "eve@example.net",
        through fixture: Fixture,
        address: String = "192.0.2.7"
    ) async throws -> String {
        var reply = ""
        try await fixture.connect(peer: Peer(address: address)) { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(from: sender, to: "ann@example.org")
            try await client.ask("DATA")
            reply = try await client.ask(message.replacing("\n", with: "\r\n") + "\r\n.")
        }
        return reply
    }

    private func text(_ octets: [UInt8]?) -> String { String(decoding: octets ?? [], as: UTF8.self) }

    @Test("The field is at the top, between Return-Path and Received") func field() async throws {
        let fixture = try await Fixture(senders: TestSenders().policy())
        #expect(try await self.send("From: eve@example.net\n\nHi", through: fixture).hasPrefix("250 "))
        let message = self.text(try await fixture.inbox(of: fixture.ann).first)
        #expect(
            message.hasPrefix(
                """
                Return-Path: <eve@example.net>\r
                Authentication-Results: mx.example.org;\r
                \tspf=pass\r
                \t smtp.mailfrom=example.net;\r
                \tdkim=none;\r
                \tdmarc=none\r
                \t header.from=example.net\r
                Received: from mail.example.net ([192.0.2.7])\r\n
                """
            ),
            "\(message)"
        )
        #expect(message.hasSuffix("\r\nFrom: eve@example.net\r\n\r\nHi\r\n"))
        try await fixture.close()
    }

    /// Larger than what is kept in memory, so that the field is put before what is in the file.
    @Test("A large message gets it too, and its parts are where they were") func large() async throws {
        let fixture = try await Fixture(senders: TestSenders().policy())
        let line = String(repeating: "long ", count: 150)
        let body = Array(repeating: line, count: 700).joined(separator: "\n")
        #expect(body.utf8.count > 512 * 1024)
        let source = "From: eve@example.net\nSubject: large\n\n\(body)"
        #expect(try await self.send(source, through: fixture).hasPrefix("250 "))
        let message = self.text(try await fixture.inbox(of: fixture.ann).first)
        #expect(message.hasPrefix("Return-Path: <eve@example.net>\r\nAuthentication-Results: mx.example.org;\r\n"))
        #expect(message.hasSuffix("\r\n" + source.replacing("\n", with: "\r\n") + "\r\n"))
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
    }

    @Test("Quarantine: the message is in Junk, and the field says why") func quarantine() async throws {
        let fixture = try await Fixture(senders: TestSenders().policy())
        #expect(try await self.send("From: boss@suspicious.example\n\nHi", through: fixture).hasPrefix("250 "))
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        let message = self.text(try await fixture.inbox(of: fixture.ann, mailbox: "Junk").first)
        #expect(
            message.contains(
                """
                \tdmarc=fail reason="no aligned SPF or DKIM passes"\r
                \t header.from=suspicious.example\r
                \t policy.dmarc=quarantine\r\n
                """
            ),
            "\(message)"
        )
        try await fixture.close()
    }

    @Test("Nor does it help that what would have to pass cannot be had") func quarantineUnknown() async throws {
        var senders = TestSenders()
        senders.silent.insert("suspicious.example")
        let fixture = try await Fixture(senders: senders.policy())
        let reply = try await self.send(
            "From: boss@suspicious.example\n\nHi",
            from: "eve@suspicious.example",
            through: fixture
        )
        #expect(reply.hasPrefix("250 "))
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        try await fixture.close()
    }

    @Test("Who has no Junk mailbox gets it in INBOX") func withoutJunk() async throws {
        let fixture = try await Fixture(senders: TestSenders().policy())
        let mail = fixture.store.mailStore(of: fixture.ann.id)
        try await mail.deleteMailbox(named: "Junk")
        #expect(try await self.send("From: boss@suspicious.example\n\nHi", through: fixture).hasPrefix("250 "))
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        try await fixture.close()
    }

    @Test("Not enforced: it is told and nothing else", arguments: ["refusing", "suspicious"])
    func told(domain: String) async throws {
        let fixture = try await Fixture(senders: TestSenders().policy(enforces: false))
        #expect(try await self.send("From: boss@\(domain).example\n\nHi", through: fixture).hasPrefix("250 "))
        let message = self.text(try await fixture.inbox(of: fixture.ann).first)
        #expect(message.contains("\tdmarc=fail "))
        try await fixture.close()
    }

    @Test("Nobody asks about machines that are exempt, nor where nobody is to ask", arguments: [true, false])
    func exempt(isPolicy: Bool) async throws {
        let address = try IPAddress(parsing: "192.0.2.7")
        let fixture = try await Fixture(senders: isPolicy ? TestSenders().policy(exempt: [address]) : nil)
        #expect(try await self.send("From: boss@refusing.example\n\nHi", through: fixture).hasPrefix("250 "))
        #expect(!self.text(try await fixture.inbox(of: fixture.ann).first).contains("Authentication-Results"))
        try await fixture.close()
    }

    @Test("Our own users are not asked about") func submission() async throws {
        let fixture = try await Fixture(senders: TestSenders().policy())
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("From: boss@refusing.example\r\n\r\nHi\r\n.").hasPrefix("250 "))
        }
        #expect(!self.text(try await fixture.inbox(of: fixture.bob).first).contains("Authentication-Results"))
        try await fixture.close()
    }

    @Test(
        "What only we may say is taken out, wherever it comes from",
        arguments: [
            ("Authentication-Results: mx.example.org; dmarc=pass\n", ""),
            ("X-A: 1\nauthentication-results :\n MX.example.org;\n spf=pass\nX-B: 2\n", "X-A: 1\nX-B: 2\n"),
            ("Authentication-Results: mx.example.com; dmarc=pass\n", nil),
            ("X-Authentication-Results: mx.example.org; dmarc=pass\n", nil),
        ]
    )
    func forged(fields: String, left: String?) async throws {
        let fixture = try await Fixture()
        let left = (left ?? fields).replacing("\n", with: "\r\n")
        let end = "From: eve@example.net\n\nAuthentication-Results: mx.example.org; none in the body"
        #expect(try await self.send(fields + end, through: fixture).hasPrefix("250 "))
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "ann@example.org")
            try await client.ask("DATA")
            let message = "Date: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <a@example.org>\n" + fields + end
            #expect(try await client.ask(message.replacing("\n", with: "\r\n") + "\r\n.").hasPrefix("250 "))
        }
        let messages = try await fixture.inbox(of: fixture.ann)
        #expect(messages.count == 2)
        for message in messages {
            #expect(self.text(message).hasSuffix("\r\n\(left)\(end.replacing("\n", with: "\r\n"))\r\n"))
            #expect(self.text(message).split(separator: "\r\n\r\n")[0].contains("\r\n\(left)From: "))
        }
        try await fixture.close()
    }

    /// A header without an end, whose last field goes: the fields that are added still belong to it.
    @Test func forgedAtTheEnd() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "ann@example.org")
            let message = "From: ann@example.org\r\nAuthentication-Results: mx.example.org; dmarc=pass"
            client.send("BDAT \(message.utf8.count) LAST\r\n\(message)")
            #expect(try await client.reply().hasPrefix("250 "))
        }
        let message = self.text(try await fixture.inbox(of: fixture.ann).first)
        #expect(message.contains("\r\nFrom: ann@example.org\r\nDate: "))
        #expect(!message.contains("\r\n\r\n") && message.hasSuffix(">\r\n"))
        try await fixture.close()
    }

    @Test("Where nobody answers, the client waits no longer than there is time, and mail is accepted") func silence()
        async throws
    {
        let clock = TestClock()
        var senders = TestSenders()
        senders.willAnswer = { _ in try? await clock.timeSource.sleep(.seconds(100_000)) }
        let fixture = try await Fixture(clock: clock, senders: senders.policy())
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(from: "eve@example.net", to: "ann@example.org")
            client.send("DATA\r\n")
            while try await clock.nextDeadline() != .seconds(20) { await Task.yield() }
            clock.advance(by: .seconds(20))
            #expect(try await client.reply().hasPrefix("354 "))
            client.send("From: boss@refusing.example\r\n\r\nHi\r\n.\r\n")
            while try await clock.nextDeadline() != .seconds(30) { await Task.yield() }
            clock.advance(by: .seconds(10))
            #expect(try await client.reply().hasPrefix("250 "))
        }
        let message = self.text(try await fixture.inbox(of: fixture.ann).first)
        #expect(message.contains("\tspf=temperror "))
        #expect(message.contains("\tdmarc=temperror "))
        try await fixture.close()
    }

    @Test("From cannot hide behind more header than is looked at") func longHeader() async throws {
        let fixture = try await Fixture(senders: TestSenders().policy())
        let padding = String(repeating: "X-Pad: " + String(repeating: "x", count: 900) + "\n", count: 350)
        let reply = try await self.send("\(padding)From: boss@refusing.example\n\nHi", through: fixture)
        #expect(reply.hasPrefix("552 5.3.4 "))
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        try await fixture.close()
    }

    @Test("A sender whose name servers are slow cannot take the time in which the policy is asked for") func slow()
        async throws
    {
        let clock = TestClock()
        var senders = TestSenders()
        senders.willAnswer = { name in
            if name.contains("_domainkey") { try? await clock.timeSource.sleep(.seconds(100_000)) }
        }
        let fixture = try await Fixture(clock: clock, senders: senders.policy())
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(from: "eve@example.net", to: "ann@example.org")
            try await client.ask("DATA")
            client.send(
                "DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=s; h=from;\r\n bh=j+uJ1+KwQjMpdNiCngwvlv2FTzZnzkokoCYASnN36NE=; b=AAAA\r\n"
                    + "From: boss@refusing.example\r\n\r\nHi\r\n.\r\n"
            )
            while try await clock.nextDeadline() != .seconds(10) { await Task.yield() }
            clock.advance(by: .seconds(10))
            #expect(try await client.reply().hasPrefix("550 5.7.1 "))
        }
        try await fixture.close()
    }
}
