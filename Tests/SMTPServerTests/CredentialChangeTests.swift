// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import SMTPServer

/// a password that is changed ends the sessions that the old one began.
@Suite("Changed passwords", .timeLimit(.minutes(20))) struct CredentialChangeTests {
    private static let farewell = "421 4.7.0 mx.example.org Password has changed, closing transmission channel"

    @Test("RFC 5321 §3.8: the session gets a 421, whatever it does", arguments: [false, true])
    func changed(isWithinMessage: Bool) async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            if isWithinMessage {
                try await client.begin(from: "ann@example.org", to: "bob@example.org")
                #expect(try await client.ask("DATA").hasPrefix("354 "))
                client.send("Subject: half\r\n")
            }
            let credential = try #require(try await fixture.store.credential(for: "bob@example.org"))
            try await fixture.store.setVerifier(credential.verifier, of: "ann@example.org")
            #expect(try await client.reply() == Self.farewell)
            #expect(try await client.reply() == "")
        }
        #expect(try await fixture.acceptedCount() == 0)
        #expect(!fixture.store.feed.isWatched(.credential(fixture.ann.id)))
        try await fixture.close()
    }

    @Test("So does one whose account is removed; others go on") func removed() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submissions, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await fixture.connect(.submissions, peer: .secure) { other in
                try await other.logIn("bob@example.org")
                try await fixture.store.removeAccount("ann@example.org")
                #expect(try await client.reply() == Self.farewell)
                #expect(try await other.ask("NOOP").hasPrefix("250 "))
            }
        }
        try await fixture.close()
    }
}
