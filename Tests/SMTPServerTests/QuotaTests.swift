// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 3463 §3.3, RFC 1870 §6.1: a recipient without room is refused by name, so that the others need not wait.
@Suite("Quota") struct QuotaTests {
    @Test("Whoever is full is refused at RCPT, and the others get the message")
    func full() async throws {
        let fixture = try await Fixture()
        try await fixture.store.setLimits(QuotaLimits(messages: 0), of: "ann@example.org")
        try await fixture.connect(.exchange, peer: Peer(address: "192.0.2.7")) { client in
            try await client.ask("EHLO example.net")
            #expect(try await client.ask("MAIL FROM:<eve@example.net>").hasPrefix("250 "))
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("452 4.2.2 "))
            #expect(try await client.ask("RCPT TO:<team@example.org>").hasPrefix("452 4.2.2 "))
            #expect(try await client.ask("RCPT TO:<bob@example.org>").hasPrefix("250 "))
            #expect(try await client.ask("DATA").hasPrefix("354 "))
            #expect(try await client.ask("Subject: Hello\r\n\r\nHello.\r\n.").hasPrefix("250 "))
        }
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        try await fixture.close()
    }

    @Test("The declared size counts; what could never fit is refused for good")
    func declaredSize() async throws {
        let fixture = try await Fixture()
        try await fixture.store.setLimits(QuotaLimits(octets: 10_000), of: "ann@example.org")
        try await fixture.connect(.exchange, peer: Peer(address: "192.0.2.7")) { client in
            try await client.ask("EHLO example.net")
            try await client.ask("MAIL FROM:<eve@example.net> SIZE=10001")
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("552 5.2.2 "))
            try await client.ask("RSET")
            try await client.ask("MAIL FROM:<eve@example.net> SIZE=9000")
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("250 "))
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: Hello\r\n\r\nHello.\r\n.").hasPrefix("250 "))
            try await client.ask("MAIL FROM:<eve@example.net> SIZE=10000")
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("452 4.2.2 "))
        }
        #expect(try await fixture.inbox(of: fixture.ann).count == 1)
        try await fixture.close()
    }

    @Test("Whoever becomes full between RCPT and the end of the message is full then")
    func meanwhile() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.exchange, peer: Peer(address: "192.0.2.7")) { client in
            try await client.ask("EHLO example.net")
            try await client.ask("MAIL FROM:<eve@example.net>")
            #expect(try await client.ask("RCPT TO:<ann@example.org>").hasPrefix("250 "))
            try await fixture.store.setLimits(QuotaLimits(messages: 0), of: "ann@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: Hello\r\n\r\nHello.\r\n.").hasPrefix("452 4.2.2 "))
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }
}
