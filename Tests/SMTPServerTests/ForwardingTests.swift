// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPSyntax
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// Mail for aliases that lead elsewhere: queued with the acceptance, under an address of ours, and reports come back.
@Suite("Forwarding") struct ForwardingTests {
    private static let sender = "SRS0=oe4olkjz=7g=example.net=eve@example.org"

    /// Sends a message to the exchange.
    private func deliver(_ fixture: Fixture, from: String = "eve@example.net", to recipients: String...) async throws {
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            #expect(try await client.ask("MAIL FROM:<\(from)>").hasPrefix("250 "))
            for recipient in recipients { #expect(try await client.ask("RCPT TO:<\(recipient)>").hasPrefix("250 ")) }
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\ntext\r\n.").hasPrefix("250 "))
        }
    }

    private func addresses(_ entry: QueueEntry) -> [String] {
        entry.recipients.map { "\($0.recipient.localPart)@\($0.recipient.domain)" }
    }

    @Test("An alias of accounts and others: all get it, the others under one address of ours")
    func several() async throws {
        let fixture = try await Fixture()
        try await fixture.store.addAlias(
            "mixed@example.org",
            targets: ["ann@example.org", "afar@example.org", "dan@example.com"]
        )
        try await self.deliver(fixture, to: "mixed@example.org", "afar@example.org")
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        let queue = try await fixture.queue()
        let entry = try #require(queue.first)
        #expect(queue.count == 1)
        #expect(entry.reversePath == Self.sender)
        #expect(self.addresses(entry) == ["dan@example.com", "carl@example.net"], "each once")
        let octets = String(decoding: try await fixture.octets(of: entry), as: UTF8.self)
        #expect(octets.hasPrefix("Received: from client.example.com"), "without our Return-Path")
        try await fixture.close()
    }

    /// They are in memory from RCPT on, for each recipient.
    @Test("A message is sent on to so many addresses; the client sends another to the rest") func bounded() async throws
    {
        let fixture = try await Fixture()
        try await fixture.store.addAlias("big@example.org", targets: (0..<1000).map { "r\($0)@example.net" })
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin()
            for number in 1...10 {
                #expect(try await client.ask("RCPT TO:<big+\(number)@example.org>").hasPrefix("250 "))
            }
            #expect(try await client.ask("RCPT TO:<big+11@example.org>").hasPrefix("452 4.5.3 "))
            #expect(try await client.ask("RCPT TO:<afar@example.org>").hasPrefix("452 4.5.3 "))
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("250 "))
        }
        try await fixture.close()
    }

    @Test(
        "Whose address stays as it is, and where reports go that find no room for it",
        arguments: [
            ("", ""), ("bob@example.org", "bob@example.org"), ("Bob+x@example.org", "Bob+x@example.org"),
            ("eve@example.net", Self.sender),
            ("a-name-that-is-as-long-as-those-of-mailing-lists@lists.example.net", "postmaster@example.org"),
        ]
    )
    func reversePaths(_ from: String, _ expected: String) async throws {
        let fixture = try await Fixture()
        try await self.deliver(fixture, from: from, to: "afar@example.org")
        #expect(try await fixture.queue().map(\.reversePath) == [expected])
        try await fixture.close()
    }

    @Test("A report to the rewritten address goes to the sender, with the null reverse-path")
    func report() async throws {
        let fixture = try await Fixture()
        try await self.deliver(fixture, from: "", to: Self.sender)
        let entry = try #require(try await fixture.queue().first)
        #expect(entry.reversePath.isEmpty)
        #expect(self.addresses(entry) == ["eve@example.net"])
        try await fixture.close()
    }

    @Test("Reports of our own find the same way") func reportRoute() async throws {
        let fixture = try await Fixture()
        let local = String(Self.sender.prefix { $0 != "@" })
        func route(_ localPart: String, _ domain: String = "example.org") async throws -> RecipientRoute {
            try await fixture.service.reportRoute(localPart: localPart, domain: domain)
        }
        let eve = ForwardAddress(localPart: "eve", domain: "example.net")
        #expect(try await route(local) == .local([], forwards: [eve]))
        #expect(try await route(local, "example.com") == .remote)
        #expect(try await route("SRS0=a=b=c=d") == .unknownMailbox)
        #expect(try await route("ann") == .local([fixture.ann.id]))
        try await fixture.store.addDomain("example.net")
        #expect(try await route(local) == .unknownMailbox, "the sender would be here, and is not")
        fixture.clock.advance(by: .seconds(22 * 86_400))
        #expect(try await route(local) == .unknownMailbox)
        try await fixture.close()
    }

    @Test("Forwards are part of the acceptance: if one part fails, there is none") func together() async throws {
        let fixture = try await Fixture()
        try await fixture.store.addAlias("mixed@example.org", targets: ["ann@example.org", "dan@example.com"])
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "mixed@example.org")
            try await client.ask("DATA")
            // Ann goes meanwhile.
            try await fixture.store.removeAccount("ann@example.org")
            #expect(try await client.ask("Subject: x\r\n\r\ntext\r\n.").hasPrefix("451 4.2.0 "))
        }
        #expect(try await fixture.queue().isEmpty)
        try await fixture.close()
    }

    @Test("RFC 3461 §5.2.7: what an alias does with NOTIFY") func notify() async throws {
        let fixture = try await Fixture()
        try await fixture.store.addAlias("two@example.org", targets: ["dan@example.com", "eve@example.com"])
        func send(_ recipient: String) async throws {
            try await fixture.connect(.submissions, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                try await client.begin(from: "ann@example.org")
                let words = "RCPT TO:<\(recipient)> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@example.com"
                #expect(try await client.ask(words).hasPrefix("250 "))
                try await client.ask("DATA")
                #expect(try await client.ask("Subject: x\r\n\r\ntext\r\n.").hasPrefix("250 "))
            }
        }
        try await send("afar@example.org")
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty, "the next host will tell (§5.2.7.2)")
        #expect(try await fixture.queue().first?.recipients.first?.recipient.notify == [.success, .failure])
        try await send("two@example.org")
        let report = String(decoding: try #require(try await fixture.inbox(of: fixture.ann).first), as: UTF8.self)
        #expect(report.contains("\r\nAction: expanded\r\n"))
        #expect(!report.contains("dan@example.com"))
        let entry = try #require(try await fixture.queue().last)
        #expect(entry.recipients.map(\.recipient.notify) == [.failure, .failure])
        #expect(
            entry.recipients.map(\.recipient.originalRecipient) == ["rfc822;x@example.com", "rfc822;x@example.com"]
        )
        try await fixture.close()
    }

    @Test(
        "Whoever did not send a message gets no report about where it went (R-02)",
        arguments: [("eve@example.net", "192.0.2.7", true), ("victim@example.net", "198.51.100.7", false)]
    )
    func backscatter(_ sender: String, _ address: String, _ isReported: Bool) async throws {
        let fixture = try await Fixture(senders: TestSenders().policy())
        try await fixture.connect(peer: Peer(address: address)) { client in
            try await client.ask("EHLO client.example.com")
            try await client.ask("MAIL FROM:<\(sender)>")
            #expect(try await client.ask("RCPT TO:<afar@example.org>").hasPrefix("250 "))
            try await client.ask("DATA")
            #expect(try await client.ask("From: \(sender)\r\n\r\ntext\r\n.").hasPrefix("250 "))
        }
        let recipient = try #require(try await fixture.queue().first?.recipients.first?.recipient)
        #expect(recipient.notify == (isReported ? nil : []))
        try await fixture.close()
    }

    @Test("Where nobody asks who sent it, nobody knows (R-02)", arguments: ["no policy", "exempt", "LMTP"])
    func unknownSender(_ mode: String) async throws {
        let address = try IPAddress(parsing: "192.0.2.7")
        let fixture = try await Fixture(senders: mode == "exempt" ? TestSenders().policy(exempt: [address]) : nil)
        try await fixture.connect(mode == "LMTP" ? .lmtp : .exchange, peer: Peer(address: "192.0.2.7")) { client in
            try await client.ask(mode == "LMTP" ? "LHLO client.example.com" : "EHLO client.example.com")
            try await client.ask("MAIL FROM:<victim@example.net>")
            #expect(try await client.ask("RCPT TO:<afar@example.org>").hasPrefix("250 "))
            try await client.ask("DATA")
            #expect(try await client.ask("From: victim@example.net\r\n\r\ntext\r\n.").hasPrefix("250 "))
        }
        let recipient = try #require(try await fixture.queue().first?.recipients.first?.recipient)
        #expect(recipient.notify == [])
        try await fixture.close()
    }

    /// What is in the queue, as whoever it was sent to would send it back.
    private func sentBack(
        _ fixture: Fixture,
        to recipients: String...,
        role: SMTPRole = .exchange
    ) async throws -> String {
        let entry = try #require(try await fixture.queue().last)
        let octets = String(decoding: try await fixture.octets(of: entry), as: UTF8.self)
        var replies = ""
        try await fixture.connect(role) { client in
            try await client.ask(role == .lmtp ? "LHLO mx.example.com" : "EHLO mx.example.com")
            try await client.ask("MAIL FROM:<\(entry.reversePath)>")
            for recipient in recipients { #expect(try await client.ask("RCPT TO:<\(recipient)>").hasPrefix("250 ")) }
            try await client.ask("DATA")
            replies = try await client.ask("Received: from x by y; Tue, 3 Feb 2026 04:05:06 +0000\r\n\(octets)\r\n.")
            if role == .lmtp {
                for _ in recipients.dropFirst() { replies += "\n" + (try await client.reply()) }
            }
        }
        return replies
    }

    @Test("What was sent on and comes back is not taken again (R-04)") func loop() async throws {
        let fixture = try await Fixture()
        try await fixture.store.addAlias("mixed@example.org", targets: ["ann@example.org", "dan@example.com"])
        try await self.deliver(fixture, to: "mixed@example.org")
        #expect(try await self.sentBack(fixture, to: "Mixed@example.org").hasPrefix("554 5.4.6 "))
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        #expect(try await fixture.queue().count == 1)
        // Not for whom it was sent on, though.
        #expect(try await self.sentBack(fixture, to: "bob@example.org", "mixed@example.org").hasPrefix("250 "))
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        #expect(try await fixture.queue().count == 1)
        let replies = try await self.sentBack(fixture, to: "mixed@example.org", "bob@example.org", role: .lmtp)
        #expect(replies.split(separator: "\n").map { $0.prefix(9) } == ["554 5.4.6", "250 2.0.0"])
        try await fixture.close()
    }

    @Test("Round two servers, by two aliases, there is one more round at most") func longLoop() async throws {
        let fixture = try await Fixture()
        try await fixture.store.addAlias("first@example.org", targets: ["ann@example.org", "dan@example.com"])
        try await fixture.store.addAlias("second@example.org", targets: ["dan@example.net"])
        try await self.deliver(fixture, to: "first@example.org")
        #expect(try await self.sentBack(fixture, to: "second@example.org").hasPrefix("250 "))
        #expect(try await fixture.queue().count == 2)
        #expect(try await self.sentBack(fixture, to: "first@example.org").hasPrefix("554 5.4.6 "))
        #expect(try await self.sentBack(fixture, to: "second@example.org").hasPrefix("554 5.4.6 "))
        try await fixture.close()
    }

    @Test("A mark that somebody else made is nothing") func foreignMark() async throws {
        let fixture = try await Fixture()
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "afar@example.org")
            try await client.ask("DATA")
            let marks = (0..<2000).map { "abcd\($0)" }.joined(separator: "\r\n ")
            #expect(try await client.ask("X-Letterhouse-Loop: \(marks)\r\n\r\ntext\r\n.").hasPrefix("250 "))
        }
        try await fixture.close()
    }

    @Test("Our users hear of theirs") func ownSender() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "afar@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\ntext\r\n.").hasPrefix("250 "))
        }
        #expect(try await fixture.queue().first?.recipients.first?.recipient.notify == nil)
        try await fixture.close()
    }

    @Test("Who was named gets it once, in his own right") func named() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "afar@example.org", "carl@example.net")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\ntext\r\n.").hasPrefix("250 "))
        }
        #expect(try await fixture.queue().map(self.addresses) == [["carl@example.net"]])
        try await fixture.close()
    }
}
