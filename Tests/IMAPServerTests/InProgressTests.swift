// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer

/// RFC 9585: what a client hears while it waits.
@Suite("INPROGRESS", .timeLimit(.minutes(20))) final class InProgressTests: Sendable {
    /// A clock that moves on whenever it is asked.
    private final class HurryingClock: Sendable {
        private let time = Mutex<Duration>(.zero)
        let step: Duration
        init(step: Duration) { self.step = step }

        var source: TimeSource {
            TimeSource(
                now: {
                    self.time.withLock { time in
                        time += self.step
                        return time
                    }
                },
                sleep: { _ in try await Task.sleep(for: .seconds(3600)) },
                setAlarm: { _, _ in Alarm {} },
                unixTime: { 1_767_225_600 }
            )
        }
    }

    /// What a session says to a search of three messages whose octets have to be read.
    private func answers(step: Duration, tag: String = "c") async throws -> [String] {
        let fixture = try await Fixture(clock: TestClock())
        try await fixture.deliver(1...3)
        let service = IMAPService(
            options: fixture.service.options,
            directory: fixture.store,
            credentials: fixture.service.credentials,
            time: HurryingClock(step: step).source
        )
        let received = Mutex<[UInt8]>([])
        let (server, client) = PipeConnection<IMAPNote>.make(peer: Peer(address: "127.0.0.1", isLoopback: true)) {
            octets in received.withLock { $0 += octets }
        }
        client.send(Array("a LOGIN ann@example.org secret\r\nb SELECT INBOX\r\n\(tag) SEARCH BODY message\r\n".utf8))
        client.close()
        var session = IMAPSession(connection: server, service: service)
        try await session.run()
        try await fixture.close()
        let lines = String(decoding: received.withLock { $0 }, as: UTF8.self).split(separator: "\r\n").map(String.init)
        return Array(lines.drop { !$0.hasPrefix("b OK") }.dropFirst())
    }

    @Test("§4: how many of how many, before the responses")
    func counts() async throws {
        #expect(
            try await self.answers(step: .seconds(10)) == [
                #"* OK [INPROGRESS ("c" 1 3)] SEARCH has looked at 1 of 3 messages"#,
                #"* OK [INPROGRESS ("c" 2 3)] SEARCH has looked at 2 of 3 messages"#,
                "* SEARCH 1 2 3", "c OK SEARCH completed",
            ]
        )
    }

    @Test("§4: a command that is soon done says nothing")
    func isQuiet() async throws {
        #expect(try await self.answers(step: .milliseconds(1)) == ["* SEARCH 1 2 3", "c OK SEARCH completed"])
    }

    @Test("§4: not sooner than after ten seconds, and never that all is done")
    func interval() {
        let now = Mutex<Duration>(.zero)
        let told = Mutex<[Int]>([])
        var report = ProgressReport(now: { now.withLock { $0 } }) { done, goal in told.withLock { $0.append(done) } }
        for second in 0...40 {
            now.withLock { $0 = .seconds(second) }
            report.tell(second, of: 40)
        }
        #expect(told.withLock { $0 } == [10, 20, 30])
    }
}
