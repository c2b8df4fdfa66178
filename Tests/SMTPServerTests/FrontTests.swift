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
