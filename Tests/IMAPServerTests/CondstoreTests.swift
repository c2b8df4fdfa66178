// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

/// Sessions that race for the same message (RFC 7162 §3.1.3).
@Suite("RFC 7162 §3.1 Conditional STORE") struct CondstoreTests {
    @Test("Of sessions that saw the same state one wins, and each round has its own mod-sequence")
    func race() async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await fixture.deliver(1...2)
        let service = fixture.service
        let (rounds, sessions) = (10, 6)
        let inbox = try #require(try await fixture.mail.mailbox(named: "INBOX")).id
        for round in 0..<rounds {
            let before = try await fixture.mail.status(of: inbox).highestModSeq
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for session in 0..<sessions {
                    group.addTask {
                        let received = ReceivedOctets()
                        let (server, client) = PipeConnection<IMAPNote>.make(
                            peer: Peer(address: "127.0.0.1", isLoopback: true),
                            deliver: { received.append($0) }
                        )
                        let keyword = "k\((round * sessions + session) % 60)"
                        client.send(
                            Array(
                                """
                                a1 LOGIN ann@example.org secret\r
                                a2 SELECT INBOX\r
                                a3 STORE 1 (UNCHANGEDSINCE \(before.rawValue)) FLAGS.SILENT (\(keyword))\r
                                a4 STORE 2 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($Round\(round))\r

                                """.utf8
                            )
                        )
                        client.close()
                        var session = IMAPSession(connection: server, service: service)
                        try await session.run()
                        received.close()
                        let lines = String(decoding: try await received.all(), as: UTF8.self)
                            .split(separator: "\r\n")
                        return lines.filter { $0.hasPrefix("a3") || $0.hasPrefix("a4") }.joined(separator: "|")
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { $0.contains("a3 OK STORE completed") } == 1, "\(answers)")
            #expect(answers.count { $0.contains("a3 OK [MODIFIED 1]") } == sessions - 1, "\(answers)")
            // Of a keyword that did not exist one is the first to set it.
            #expect(answers.count { $0.contains("a4 OK STORE completed") } == 1, "\(answers)")
            #expect(answers.count { $0.contains("a4 OK [MODIFIED 2]") } == sessions - 1, "\(answers)")
        }
        try await fixture.close()
    }
}
