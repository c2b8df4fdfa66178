// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// What the queue is given of HOLDFOR and REQUIRETLS (RFC 4865, RFC 8689 §4.1).
@Suite("Held and guarded messages") struct HeldMessageTests {
    private func send(_ fixture: Fixture, _ parameters: String, to recipients: String...) async throws {
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            #expect(try await client.ask("MAIL FROM:<ann@example.org> \(parameters)").hasPrefix("250 "))
            for recipient in recipients {
                #expect(try await client.ask("RCPT TO:<\(recipient)> NOTIFY=SUCCESS").hasPrefix("250 "))
            }
            try await client.ask("DATA")
            #expect(try await client.ask("Subject: x\r\n\r\ntext\r\n.").hasPrefix("250 "))
        }
    }

    @Test("Nobody gets a held message yet, those here neither, and nobody is told that he has") func held() async throws
    {
        let fixture = try await Fixture()
        try await fixture.store.addAlias("mixed@example.org", targets: ["bob@example.org", "dan@example.com"])
        try await self.send(fixture, "HOLDFOR=60", to: "bob@example.org", "eve@example.net", "mixed@example.org")
        #expect(try await fixture.inbox(of: fixture.bob).isEmpty)
        #expect(try await fixture.inbox(of: fixture.ann).isEmpty)
        let queue = try await fixture.queue()
        let waiting = queue.flatMap { $0.recipients }
        #expect(
            Set(waiting.map { "\($0.recipient.localPart)@\($0.recipient.domain)" })
                == ["bob@example.org", "eve@example.net", "mixed@example.org", "dan@example.com"]
        )
        let release = UnixTime(fixture.clock.timeSource.unixTime() + 60)
        #expect(queue.allSatisfy { $0.releasedAt == release })
        #expect(waiting.allSatisfy { $0.nextAttempt == release })
        try await fixture.close()
    }

    @Test("What requires TLS does so wherever it is sent on, and so do reports about it") func guarded() async throws {
        let fixture = try await Fixture()
        try await self.send(fixture, "REQUIRETLS", to: "bob@example.org", "eve@example.net", "afar@example.org")
        #expect(try await fixture.inbox(of: fixture.bob).count == 1)
        #expect(try await fixture.queue().map(\.requiresTLS) == [true, true])
        try await self.send(fixture, "SIZE=10", to: "eve@example.net")
        #expect(try await fixture.queue().last?.requiresTLS == false)
        try await fixture.close()
    }
}
