// SPDX-License-Identifier: Apache-2.0

import Dispatch
import MailConnection
import SASLMechanisms
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 4954 §6: 454 is about us, not about the password.
@Suite("RFC 4954 §6") struct BusyPasswordWorkTests {
    @Test("A password that could not be checked is no wrong one: the client may try for as long as it likes")
    func busy() async throws {
        let work = PasswordWork(width: 1, waiting: 0)
        let fixture = try await Fixture(configure: { $0.loginAttempts = 2 }, work: work)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let end = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup { group in
            group.addTask {
                // On a thread of its own, which may be blocked.
                try await work.run {
                    begin.yield()
                    end.wait()
                }
            }
            _ = await begun.first { _ in true }
            defer { end.signal() }
            try await fixture.connect(.submissions, peer: .secure) { client in
                try await client.ask("EHLO client.example.com")
                for _ in 0..<5 {
                    let reply = try await client.ask("AUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=")
                    #expect(reply == "454 4.7.0 Temporary authentication failure")
                }
            }
        }
        try await fixture.connect(.submissions, peer: .secure) { client in try await client.logIn("ann@example.org") }
        try await fixture.close()
    }
}
