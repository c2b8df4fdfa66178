// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import TestSupport
import Testing

@testable import IMAPServer

/// What an operator can see of a session.
@Suite("Command journal", .timeLimit(.minutes(20))) struct CommandJournalTests {
    private func second(_ second: Int) -> Duration { .seconds(second) }

    @Test("An entry has tag, name, begin, duration and end, and no more") func entry() {
        var journal = CommandJournal()
        journal.begin(tag: "a1", FetchCommand.self, .uids, at: .milliseconds(1500))
        #expect(
            journal.entries == [
                .init(tag: "a1", command: "UID FETCH", began: .milliseconds(1500), took: nil, ending: nil)
            ]
        )
        journal.end(tag: "a1", .no, at: .milliseconds(1520))
        #expect(journal.entries.first?.took == .milliseconds(20))
        #expect(journal.entries.first?.ending == .no)
        journal.noteMistake(at: .seconds(2))
        #expect(journal.entries.last == .init(tag: "", command: nil, began: .seconds(2), took: .zero, ending: .bad))
    }

    @Test("Ends find their command whatever the order, and those without one are nothing") func outOfOrder() {
        var journal = CommandJournal()
        for tag in ["a", "b", "b", "c"] { journal.begin(tag: tag, NoopCommand.self, .sequenceNumbers, at: .zero) }
        journal.end(tag: "c", .ok, at: .seconds(1))
        journal.end(tag: "b", .no, at: .seconds(2))
        journal.end(tag: "x", .bad, at: .seconds(3))
        #expect(journal.entries.map(\.ending) == [nil, .no, nil, .ok])
    }

    @Test("Only the last 64 are kept, oldest first", arguments: [63, 64, 65, 128, 1000]) func bound(count: Int) {
        var journal = CommandJournal()
        for number in 1...count {
            journal.begin(tag: "\(number)", NoopCommand.self, .sequenceNumbers, at: self.second(number))
            journal.end(tag: "\(number)", .ok, at: self.second(number))
        }
        let first = max(1, count - CommandJournal.capacity + 1)
        #expect(journal.entries.map(\.tag) == (first...count).map { "\($0)" })
        #expect(journal.entries.allSatisfy { $0.ending == .ok })
    }

    @Test("A long tag is cut, and finds its command all the same") func longTag() {
        var journal = CommandJournal()
        let tag = String(repeating: "x", count: 8000)
        journal.begin(tag: tag, NoopCommand.self, .sequenceNumbers, at: .zero)
        journal.end(tag: tag, .ok, at: .zero)
        #expect(journal.entries.map(\.tag) == ["xxxxxxxxxxxx..."])
        #expect(journal.entries.first?.ending == .ok)
    }

    @Test("R20: a live session is listed with its journal, a past one is not; no secret is in it") func live()
        async throws
    {
        let clock = TestClock()
        let fixture = try await Fixture(clock: clock)
        let registry = fixture.service.sessions
        let received = ReceivedOctets()
        #expect(registry.reports.isEmpty)
        try await withThrowingTaskGroup { group in
            let (server, client) = PipeConnection<IMAPNote>.make(
                peer: Peer(address: "127.0.0.1", isLoopback: true),
                deliver: { received.append($0) }
            )
            group.addTask {
                var session = IMAPSession(connection: server, service: fixture.service)
                try await session.run()
            }
            // The response to a challenge, on the wrong line; and what is no command at all.
            client.send(Array("AGFubgBzZWNyZXQ= \r\nhunter2\r\na LOGIN ann@example.org wrong\r\n".utf8))
            client.send(Array("b LOGIN {15}\r\n".utf8))
            while try await received.line() != Array("+ Ready for literal data".utf8) {}
            clock.advance(by: .seconds(5))
            client.send(Array("ann@example.org {6+}\r\nsecret\r\nc SELECT INBOX\r\nd APPEND INBOX {0}\r\n".utf8))
            client.send(Array("e UID FETCH 0 FLAGS\r\nf IDLE\r\n".utf8))
            while try await received.line() != Array("+ idling".utf8) {}
            let report = try #require(registry.reports.first)
            #expect(registry.reports.count == 1)
            #expect(report.account == "ann@example.org")
            #expect(report.peer.address == "127.0.0.1")
            #expect(report.since.rawValue == clock.unixStart)
            #expect(report.mailbox == "INBOX")
            let journal = try #require(registry.journal(of: report.id)).entries
            #expect(
                journal.map(\.entry.command) == [nil, nil, "LOGIN", "LOGIN", "SELECT", "APPEND", "UID FETCH", "IDLE"]
            )
            #expect(journal.map(\.entry.tag) == ["", "", "a", "b", "c", "d", "e", "f"])
            #expect(journal.map(\.entry.ending) == [.bad, .bad, .no, .ok, .ok, .no, .bad, nil])
            #expect(journal.last?.began.rawValue == clock.unixStart + 5)
            for secret in ["secret", "hunter2", "AGFubgBzZWNyZXQ=", "wrong"] { #expect(!"\(journal)".contains(secret)) }
            client.send(Array("DONE\r\n".utf8))
            while try await received.line() != Array("f OK IDLE completed".utf8) {}
            #expect(registry.journal(of: report.id)?.entries.last?.entry.ending == .ok)
            client.close()
            try await group.waitForAll()
            #expect(registry.reports.isEmpty)
            #expect(registry.journal(of: report.id) == nil)
        }
        try await fixture.close()
    }
}
