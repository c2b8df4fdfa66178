// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// What is remembered of a message that was accepted.
@Suite("Stories of messages") struct StoryTests {
    /// All messages of the fixture have the id `abababababababab`.
    private static let id = String(repeating: "ab", count: 8)

    @Test("Who brought it, what was found out about them, why it is junk, and where it is") func incoming() async throws
    {
        let fixture = try await Fixture(senders: TestSenders().policy())
        try await fixture.connect(peer: .secure) { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(to: "team@example.org", "afar@example.org")
            try await client.ask("DATA")
            let message = "From: boss@suspicious.example\r\nMessage-ID: <1@suspicious.example>\r\n\r\nHi\r\n."
            #expect(try await client.ask(message) == "250 2.0.0 Accepted as \(Self.id)")
        }
        let story = try #require(try await fixture.store.stories(of: Self.id, limit: 9).first)
        #expect(story.isJunk)
        #expect(story.messageID == "1@suspicious.example")
        #expect(
            story.facts
                == TraceFacts(
                    id: Self.id,
                    client: TraceFacts.Client(
                        address: "192.0.2.7",
                        name: "mail.example.net",
                        service: "smtp",
                        protocolName: "ESMTPS",
                        tls: "TLSv1.3 TLS_AES_256_GCM_SHA384"
                    ),
                    recipients: ["team@example.org", "afar@example.org"],
                    results: "spf=pass (example.net), dkim=none, "
                        + "dmarc=fail (suspicious.example: no aligned SPF or DKIM passes)",
                    reasons: ["junk: suspicious.example wants mail that is not shown to be its own treated so (DMARC)"]
                )
        )
        #expect(story.events.map(\.kind) == [.delivered, .delivered, .forwarded])
        #expect(story.events.map(\.detail).prefix(2) == ["Junk", "Junk"])
        #expect(try #require(story.events[2].detail).hasPrefix("SRS0="))
        let sentOn = try await fixture.store.stories(with: "carl@example.net", limit: 9)
        #expect(sentOn.map(\.facts.id) == [Self.id])
        try await fixture.close()
    }

    @Test("A user's message: the account, the queue number, and the report of delivery") func submitted() async throws {
        let fixture = try await Fixture()
        var reply = ""
        let peer = Peer(address: "192.0.2.7", transport: .bridge, security: Transcript.security)
        try await fixture.connect(.submission, peer: peer) { client in
            try await client.logIn("ann@example.org")
            try await client.ask("MAIL FROM:<ann@example.org>")
            try await client.ask("RCPT TO:<bob@example.org> NOTIFY=SUCCESS")
            try await client.ask("RCPT TO:<carl@example.net>")
            try await client.ask("DATA")
            reply = try await client.ask("From: ann@example.org\r\n\r\nHi\r\n.")
        }
        let entry = try #require(try await fixture.queue().first)
        #expect(reply.hasSuffix("queue id \(entry.id.rawValue)"))
        let story = try #require(try await fixture.store.stories(of: "\(entry.id.rawValue)", limit: 9).first)
        #expect(story.facts.client?.service == "submission through HTTP")
        #expect(story.facts.client?.protocolName == "ESMTPSA")
        #expect(story.facts.client?.account == "ann@example.org")
        #expect(story.messageID?.hasSuffix("@mx.example.org") == true, "that was added")
        #expect(story.events.map(\.kind) == [.delivered, .queued, .reported])
        // Both have the same id here.
        #expect(story.events.last?.detail == Self.id)
        let report = try #require(try await fixture.store.stories(of: Self.id, limit: 9).first)
        #expect(report.facts == TraceFacts(id: Self.id, recipients: ["ann@example.org"]))
        #expect(report.events.map(\.kind) == [.delivered])
        try await fixture.close()
    }

    @Test("A refused message is not remembered: that would be everybody's way to fill the store") func refused()
        async throws
    {
        let fixture = try await Fixture(senders: TestSenders().policy())
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(from: "eve@example.net", to: "ann@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("From: boss@refusing.example\r\n\r\nHi\r\n.").hasPrefix("550 "))
        }
        #expect(try await fixture.store.stories(with: "ann@example.org", limit: 9).isEmpty)
        try await fixture.close()
    }
}
