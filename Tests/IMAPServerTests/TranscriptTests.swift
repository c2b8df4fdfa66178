// SPDX-License-Identifier: Apache-2.0

import Foundation
import MailConnection
import SQLiteStorage
import TestSupport
import Testing

@testable import IMAPServer

/// Every file in `Transcripts/` is a test; `Given:` lines say what there is before it begins.
///
///     Given: message 3 in INBOX      three messages (``Fixture/message(_:)``)
///     Given: mailbox Archive/2025
///     Given: rights Archive bob@example.org lr
///     Given: offers UNAUTHENTICATE   a capability that is withheld by default
///     Given: no tls
///     Given: wrong-passwords 10      so many an hour from one address; nobody counts if nothing is said
@Suite("Conversations") struct TranscriptTests {
    @Test("RFC 9051", arguments: try Transcript.all(in: .module))
    func conversation(_ transcript: Transcript) async throws {
        let clock = TestClock()
        let wrongPasswords = transcript.given("wrong-passwords").flatMap { Int($0) }
        let fixture = try await Fixture(clock: clock, wrongPasswords: wrongPasswords) { options in
            options.hasTLS = transcript.given("no") != "tls"
            for given in transcript.givens where given.key == "offers" {
                options.withheldCapabilities.remove(given.value)
            }
        }
        for given in transcript.givens { try await fixture.prepare(given) }
        let service = fixture.service
        try await transcript.play(clock: clock) { (pipe: PipeConnection<IMAPNote>) in
            var session = IMAPSession(connection: pipe, service: service)
            try await session.run()
        }
        let problems = try await fixture.store.verify { _, _ in }
        #expect(problems.isEmpty)
        try await fixture.close()
    }
}
