// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailConnection
import MailMessage
import MailStorage
import Synchronization
import TestSupport
import Testing

@testable import SMTPServer
@testable import SQLiteStorage

/// What recipients' own filters do with new mail.
@Suite("Junk, as each recipient has taught it") struct JunkTests {
    private static let junk = "Cheap pills without prescription, order today: guaranteed discount, limited offer"
    private static let wanted = "Minutes of the meeting about the garden, with lunch and a choir in the school"

    /// Has the account teach both kinds, enough to judge by.
    private func teach(_ account: Account, _ fixture: Fixture) async throws {
        let mail = fixture.store.mailStore(of: account.id)
        let junk = try #require(try await mail.mailbox(named: "Junk", needing: .read)).id
        let archive = try #require(try await mail.mailbox(named: "Archive", needing: .read)).id
        for number in 0..<Classifier.leastLessons {
            for (text, isJunk) in [(Self.junk, true), (Self.wanted, false)] {
                let octets = Array("Subject: \(number)\r\nFrom: x\(number)@other.example\r\n\r\n\(text)\r\n".utf8)
                var stage = mail.stage(limit: octets.count)
                try await stage.append(octets[...])
                let message = NewMessage(
                    try await stage.finish(),
                    flags: FlagSet(),
                    internalDate: MessageDate(time: UnixTime(0))
                )
                let uids = try await mail.append([message], to: junk).uids
                if !isJunk { _ = try await mail.move(uids, from: junk, to: archive) }
            }
        }
        try await fixture.store.learn { _ in nil }
        #expect(fixture.store.isReady(for: [account.id]))
    }

    @discardableResult
    private func send(
        _ text: String,
        from sender: String = "eve@example.net",
        to recipients: String...,
        header: String = "",
        role: SMTPRole = .exchange,
        address: String = "192.0.2.7",
        through fixture: Fixture
    ) async throws -> String {
        var reply = ""
        try await fixture.connect(role, peer: Peer(address: address, security: Transcript.security)) { client in
            switch role {
            case .lmtp: try await client.ask("LHLO mail.example.net")
            case .exchange: try await client.ask("EHLO mail.example.net")
            default: try await client.logIn("bob@example.org")
            }
            #expect(try await client.ask("MAIL FROM:<\(sender)>").hasPrefix("250 "))
            for recipient in recipients { #expect(try await client.ask("RCPT TO:<\(recipient)>").hasPrefix("250 ")) }
            try await client.ask("DATA")
            reply = try await client.ask("\(header)From: \(sender)\r\nSubject: Hello\r\n\r\n\(text)\r\n.")
        }
        return reply
    }

    private func text(_ octets: [UInt8]?) -> String { String(decoding: octets ?? [], as: UTF8.self) }

    @Test("Each has a verdict of his own, and sees no other's; forged fields are gone") func recipients() async throws {
        let fixture = try await Fixture(judges: true)
        try await self.teach(fixture.ann, fixture)
        try await self.send(
            Self.junk,
            to: "bob@example.org",
            "ann@example.org",
            header:
                "x-letterhouse-JUNK: no,\r\n score=0.00\r\nX-Letterhouse-Junk : no\r\nX-Letterhouse-Junk2: stays\r\n",
            through: fixture
        )
        let bobs = self.text(try await fixture.inbox(of: fixture.bob).first)
        #expect(!bobs.lowercased().contains("junk:"))
        #expect(bobs.contains("\r\nX-Letterhouse-Junk2: stays\r\n"))
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        let anns = self.text(try await fixture.inbox(of: fixture.ann, mailbox: "Junk").last)
        #expect(
            anns.hasPrefix("Return-Path: <eve@example.net>\r\nX-Letterhouse-Junk: yes, score=0.9"),
            "\(anns)"
        )
        #expect(anns.contains("pills"))
        #expect(anns.components(of: "X-Letterhouse-Junk:") == 2)
        // But for that field, both have got the same.
        #expect(anns.hasSuffix(bobs.replacing("Return-Path: <eve@example.net>\r\n", with: "")))
        let story = try #require(try await fixture.store.stories(with: "eve@example.net", limit: 1).first)
        let id = try #require(story.facts.id)
        let events = try #require(try await fixture.store.stories(of: id, limit: 1).first).events
        #expect(events.map(\.kind) == [.delivered, .judged, .delivered])
        #expect(events[1].address == "ann@example.org")
        #expect(events[1].detail?.hasPrefix("yes, score 0.9") == true)
        #expect(events[2].detail == "Junk")
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
    }

    @Test("Wanted mail is in INBOX and says so; what says nothing is too") func wanted() async throws {
        let fixture = try await Fixture(judges: true)
        try await self.teach(fixture.ann, fixture)
        try await self.send(Self.wanted, to: "ann@example.org", through: fixture)
        try await self.send("Quite something else", to: "ann@example.org", role: .lmtp, through: fixture)
        let messages = try await fixture.inbox(of: fixture.ann).map(self.text)
        #expect(messages.count == 2)
        #expect(messages.first?.contains("\r\nX-Letterhouse-Junk: no, score=0.0") == true, "\(messages)")
        #expect(messages.last?.contains("\r\nX-Letterhouse-Junk: unsure, score=0.") == true, "\(messages)")
        try await fixture.close()
    }

    @Test("A large message, of which the store has the octets already") func large() async throws {
        let fixture = try await Fixture(judges: true)
        try await self.teach(fixture.ann, fixture)
        try await self.teach(fixture.bob, fixture)
        let body = Array(repeating: Self.junk, count: 14_000).joined(separator: "\r\n")
        #expect(body.utf8.count > 512 * 1024)
        try await self.send(body, to: "ann@example.org", "bob@example.org", through: fixture)
        for account in [fixture.ann, fixture.bob] {
            let message = self.text(try await fixture.inbox(of: account, mailbox: "Junk").last)
            #expect(message.hasPrefix("Return-Path: <eve@example.net>\r\nX-Letterhouse-Junk: yes, score="))
            #expect(message.hasSuffix("\r\n\r\n\(body)\r\n"))
        }
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
    }

    @Test("What our users send is not judged; whom they write to is known from then on, if he can be shown")
    func author()
        async throws
    {
        let fixture = try await Fixture(senders: TestSenders().policy(), judges: true)
        try await self.teach(fixture.bob, fixture)
        try await self.send(
            Self.junk,
            from: "bob@example.org",
            to: "bob@example.org",
            "Eve@example.net",
            role: .submission,
            through: fixture
        )
        #expect(try await !self.text(fixture.inbox(of: fixture.bob).first).contains("X-Letterhouse-Junk"))
        try await self.send(Self.junk, to: "bob@example.org", through: fixture)
        let message = self.text(try await fixture.inbox(of: fixture.bob).last)
        #expect(message.contains("score=0.9"))
        #expect(message.contains("\r\nX-Letterhouse-Junk: no,"), "\(message)")
        #expect(message.contains("\tdomain=example.net, sender=correspondent\r\n"))
        // Another one of that domain, and one who only says that he is Eve.
        try await self.send(Self.junk, from: "mallory@example.net", to: "bob@example.org", through: fixture)
        try await self.send(Self.junk, to: "bob@example.org", address: "198.51.100.1", through: fixture)
        #expect(try await fixture.inbox(of: fixture.bob).count == 2)
        try await fixture.close()
    }

    /// Messages that wait in the store for nobody.
    private func staged(in fixture: Fixture) async throws -> Int64 {
        try await fixture.store.read {
            try $0.number("SELECT count(*) FROM blob WHERE sha256 IS NULL AND erase_after > 0")
        }
    }

    /// So long that the store has its octets before it is accepted.
    private static let long = Array(repeating: Self.junk, count: 8_000).joined(separator: "\r\n")

    @Test("Where one gets the message, it is stored once, with his field, and whoever is told of it has that one")
    func alone() async throws {
        let arrivals = Mutex<[StagedMessage]>([])
        let observer = ArrivalObserver { arrival in
            arrivals.withLock { $0 += arrival.message.map { [$0] } ?? [] }
        }
        let fixture = try await Fixture(senders: TestSenders().policy(), observer: observer, judges: true)
        try await self.teach(fixture.ann, fixture)
        try await self.send(Self.long, to: "ann@example.org", through: fixture)
        #expect(try await self.staged(in: fixture) == 0)
        // What was only staged is gone by now.
        fixture.clock.advance(by: .seconds(30 * 86_400))
        try await fixture.store.maintain()
        let message = try #require(arrivals.withLock { $0.first })
        let octets = try await (fixture.store as any MailQueue).octets(of: message, from: 0)
        #expect(self.text(Array(octets)).hasPrefix("Return-Path: <eve@example.net>\r\nX-Letterhouse-Junk: yes"))
        try await fixture.close()
    }

    @Test("What was made for recipients is given up where the message is not accepted") func refused() async throws {
        let fixture = try await Fixture(judges: true, queue: { FailingQueue($0, acceptError: StoreError.full) })
        try await self.teach(fixture.ann, fixture)
        try await self.teach(fixture.bob, fixture)
        let reply = try await self.send(Self.long, to: "ann@example.org", "bob@example.org", through: fixture)
        #expect(reply.hasPrefix("452 "), "\(reply)")
        #expect(try await self.staged(in: fixture) == 0)
        try await fixture.close()
    }

    @Test("What exempt machines bring is not judged") func exempt() async throws {
        let fixture = try await Fixture(filters: FilterPolicy(isExempt: { _ in true }), judges: true)
        try await self.teach(fixture.ann, fixture)
        try await self.send(Self.junk, to: "ann@example.org", through: fixture)
        #expect(try await !self.text(fixture.inbox(of: fixture.ann).first).contains("X-Letterhouse-Junk"))
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        try await fixture.close()
    }

    /// Says that it could judge, and cannot.
    private struct BrokenMemory: JunkMemory {
        func isReady(for accounts: [AccountID]) -> Bool { true }
        func judge(_: StagedMessage, from _: String?, for _: [AccountID]) async throws -> [AccountID: JunkVerdict] {
            throw StoreError.corrupt("it is broken")
        }
        func junkLessons(of address: String?) async throws -> [JunkLessons] { [] }
        func forgetJunkLessons(of address: String) async throws {}
    }

    @Test("A filter that fails loses nothing") func failure() async throws {
        let fixture = try await Fixture(filters: FilterPolicy(junk: BrokenMemory()))
        #expect(try await self.send(Self.junk, to: "ann@example.org", through: fixture).hasPrefix("250 "))
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        try await fixture.close()
    }
}

extension String {
    /// How many pieces there are between occurrences of a text.
    fileprivate func components(of text: String) -> Int { self.ranges(of: text).count + 1 }
}
