// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// Behind another server: LMTP (RFC 2033) and XCLIENT.
@Suite("Servers in front") struct FrontTests {
    @Test("RFC 2033 §4.2: who has no room when the message has come is refused alone", arguments: [false, true])
    func oneIsFull(inChunks: Bool) async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.lmtp, peer: Peer(address: "127.0.0.1", isLoopback: true)) { client in
            try await client.ask("LHLO client.example.com")
            try await client.begin(to: "bob@example.org", "ann@example.org", "afar@example.org")
            try await fixture.store.setLimits(QuotaLimits(messages: 0), of: "ann@example.org")
            if inChunks {
                client.send("BDAT 18 LAST\r\nSubject: x\r\n\r\nab\r\n")
            } else {
                try await client.ask("DATA")
                client.send("Subject: x\r\n\r\nab\r\n.\r\n")
            }
            #expect(try await client.reply().hasPrefix("250 2.0.0 "))
            #expect(try await client.reply().hasPrefix("452 4.2.2 "))
            #expect(try await client.reply().hasPrefix("250 2.0.0 "))
            #expect(try await client.ask("NOOP").hasPrefix("250 "))
            // Nobody has room: one reply each, and nothing is accepted.
            try await fixture.store.setLimits(QuotaLimits(messages: 1), of: "ann@example.org")
            try await fixture.store.setLimits(QuotaLimits(messages: 2), of: "bob@example.org")
            try await client.begin(to: "bob@example.org", "ann@example.org")
            try await fixture.store.setLimits(QuotaLimits(messages: 0), of: "ann@example.org")
            try await fixture.store.setLimits(QuotaLimits(messages: 0), of: "bob@example.org")
            try await client.ask("DATA")
            client.send("Subject: x\r\n\r\n.\r\n")
            #expect(try await client.reply().hasPrefix("452 4.2.2 "))
            #expect(try await client.reply().hasPrefix("452 4.2.2 "))
            #expect(try await client.ask("NOOP").hasPrefix("250 "))
        }
        let inbox = try await fixture.inbox(of: fixture.bob).map { String(decoding: $0, as: UTF8.self) }
        #expect(inbox.count == 1)
        #expect(inbox.first?.contains(" with LMTP id ") == true, "RFC 3848")
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        #expect(try await fixture.queue().count == 1)
        try await fixture.close()
    }

    @Test("Who is named twice gets it once, also where each recipient is tried alone") func namedTwice() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.lmtp, peer: Peer(address: "127.0.0.1", isLoopback: true)) { client in
            try await client.ask("LHLO client.example.com")
            try await client.begin(
                to: "bob@example.org",
                "afar@example.org",
                "ann@example.org",
                "Bob+x@example.org",
                "afar@example.org"
            )
            try await fixture.store.setLimits(QuotaLimits(messages: 0), of: "ann@example.org")
            try await client.ask("DATA")
            client.send("Subject: x\r\n\r\n.\r\n")
            for code in ["250", "250", "452", "250", "250"] {
                #expect(try await client.reply().hasPrefix("\(code) "))
            }
        }
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        #expect(try await fixture.queue().count == 1)
        try await fixture.close()
    }

    @Test("Who may speak for others is not limited, nor made to wait, nor blamed for what they said before")
    func frontItself() async throws {
        let fixture = try await Fixture {
            $0.speaksForOthers = { $0 == "192.0.2.7" }
            ($0.sessionsPerAddress, $0.sessionsPerMinute, $0.errorLimit) = (1, 1, 3)
            // Nobody moves the clock here.
            $0.greetingDelay = .seconds(10)
        }
        try await fixture.connect { first in
            try await first.ask("EHLO proxy.example.com")
            try await fixture.connect { second in
                try await second.ask("EHLO proxy.example.com")
                for _ in 0..<2 { #expect(try await second.ask("FLY").hasPrefix("500 ")) }
                #expect(try await second.ask("XCLIENT ADDR=203.0.113.9").hasPrefix("220 "))
                for _ in 0..<2 { #expect(try await second.ask("FLY").hasPrefix("500 ")) }
                #expect(try await second.ask("FLY").hasPrefix("500 "))
                #expect(try await second.reply().hasPrefix("421 "), "now it is the client's own doing")
            }
            #expect(try await first.ask("XCLIENT ADDR=203.0.113.10").hasPrefix("220 "))
        }
        try await fixture.close()
    }

    @Test("Nor has a front to wait with what it says") func earlyFront() async throws {
        let fixture = try await Fixture { $0.speaksForOthers = { $0 == "192.0.2.7" } }
        for (address, answers) in [("192.0.2.7", ["220 ", "250 "]), ("192.0.2.8", ["554 ", ""])] {
            let received = ReceivedOctets()
            let (server, pipe) = PipeConnection<SMTPNote>.make(
                peer: Peer(address: address),
                deliver: { received.append($0) }
            )
            pipe.send(Array("NOOP\r\n".utf8))
            pipe.close()
            var session = SMTPSession(connection: server, service: fixture.service, role: .exchange)
            try await session.run()
            received.close()
            let client = Fixture.Client(pipe: pipe, received: received)
            for answer in answers { #expect(try await client.reply().prefix(4) == answer) }
        }
        try await fixture.close()
    }

    @Test("Who speaks for others is known by their address: in the trace, and when they come too often")
    func client() async throws {
        let fixture = try await Fixture {
            $0.speaksForOthers = { $0 == "192.0.2.7" }
            $0.sessionsPerAddress = 1
        }
        try await fixture.connect { client in
            try await client.ask("EHLO proxy.example.com")
            #expect(try await client.ask("XCLIENT ADDR=203.0.113.9 PORT=9").hasPrefix("220 "))
            try await client.ask("EHLO client.example.com")
            try await client.begin(to: "bob@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\n.").hasPrefix("250 "))
            // Its own address has its place back, and that of its client none to give.
            try await fixture.connect { other in
                try await other.ask("EHLO proxy.example.com")
                #expect(try await other.ask("XCLIENT ADDR=203.0.113.9").hasPrefix("421 4.7.0 "))
                #expect(try await other.reply().isEmpty)
            }
            try await fixture.connect { other in
                try await other.ask("EHLO proxy.example.com")
                #expect(try await other.ask("XCLIENT ADDR=203.0.113.10").hasPrefix("220 "))
            }
        }
        let message = String(decoding: try #require(try await fixture.inbox(of: fixture.bob).first), as: UTF8.self)
        #expect(message.contains("\r\nReceived: from client.example.com ([203.0.113.9])\r\n"))
        try await fixture.close()
    }

    @Test("Of another client nothing is left: no login, no name, no trust in this machine") func anew() async throws {
        let fixture = try await Fixture { $0.speaksForOthers = { $0 == "127.0.0.1" } }
        try await fixture.connect(.submission, peer: Peer(address: "127.0.0.1", isLoopback: true)) { client in
            try await client.logIn("ann@example.org")
            #expect(try await client.ask("XCLIENT ADDR=203.0.113.9").hasPrefix("220 "))
            try await client.ask("EHLO client.example.com")
            #expect(try await client.ask("MAIL FROM:<ann@example.org>").hasPrefix("530 5.7.0 Must issue a STARTTLS"))
            #expect(try await client.ask("STARTTLS").hasPrefix("220 "))
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\n.").hasPrefix("250 "))
        }
        let message = String(decoding: try #require(try await fixture.inbox(of: fixture.bob).first), as: UTF8.self)
        #expect(message.contains("([203.0.113.9])"), "TLS makes nobody forget who the client is")
        try await fixture.close()
    }
}
