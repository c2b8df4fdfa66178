// SPDX-License-Identifier: Apache-2.0

import Foundation
import MailConnection
import TestSupport
import Testing

@testable import SMTPServer

/// Every file in `Transcripts/` is a test; `Given:` lines say what there is before it begins.
///
///     Given: role submission         exchange if nothing is said
///     Given: message-limit 200       and the other limits of the service's options
///     Given: no tls
///     Given: senders checked         by the zone of TestSenders
///     Given: xclient 192.0.2.7       who may say for whom it speaks
@Suite("Conversations") struct TranscriptTests {
    @Test("RFC 5321", arguments: try Transcript.all(in: .module))
    func conversation(_ transcript: Transcript) async throws {
        let clock = TestClock()
        let wrongPasswords = transcript.given("wrong-passwords").flatMap { Int($0) }
        let senders = transcript.given("senders") != nil ? TestSenders().policy() : nil
        let fixture = try await Fixture(clock: clock, wrongPasswords: wrongPasswords, senders: senders) { options in
            func set(_ option: WritableKeyPath<SMTPService.Options, Int>, _ key: String) throws {
                guard let value = transcript.given(key) else { return }
                options[keyPath: option] = try #require(Int(value))
            }
            try set(\.messageLimit, "message-limit")
            try set(\.recipientsLimit, "recipients-limit")
            try set(\.hopLimit, "hop-limit")
            try set(\.errorLimit, "error-limit")
            try set(\.loginAttempts, "login-attempts")
            options.hasTLS = transcript.given("no") != "tls"
            if let address = transcript.given("xclient") { options.speaksForOthers = { $0 == address } }
        }
        let service = fixture.service
        let role = try #require(SMTPRole(rawValue: transcript.given("role") ?? "exchange"))
        try await transcript.play(clock: clock) { (pipe: PipeConnection<SMTPNote>) in
            var session = SMTPSession(connection: pipe, service: service, role: role)
            try await session.run()
        }
        try await fixture.close()
    }
}
