// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import IMAPServer

/// G12: a long command does not stop later ones that are independent of it.
@Suite("RFC 9051 §5.5 Multiple Commands in Progress, demonstrated", .timeLimit(.minutes(20))) struct ConcurrencyTests {
    /// Fills INBOX with so many messages on few octets; two of them, the first and the last, have a zebra.
    private func fill(_ fixture: Fixture, _ count: Int) async throws {
        let inbox = try #require(try await fixture.mail.mailbox(named: "INBOX")).id
        try await fixture.append(Array("Subject: a\r\n\r\nA zebra.\r\n".utf8))
        try await fixture.append(Array("Subject: b\r\n\r\nA horse.\r\n".utf8))
        let horse = UID(rawValue: 2)
        var last = horse
        while Int(last.rawValue) < count - 1 {
            let number = min(UInt32(count) - 1 - last.rawValue, last.rawValue - 1)
            let uids = (horse.rawValue..<horse.rawValue + number).map { UID(rawValue: $0) }
            last = try #require(try await fixture.mail.copy(uids, from: inbox, to: inbox).target.last)
        }
        _ = try await fixture.mail.copy([UID(rawValue: 1)], from: inbox, to: inbox)
    }

    @Test(
        """
        G12: SEARCH BODY on 100,000 messages, and FETCH 1 (UID) behind it in the same segment, which is answered while the \
        search reads
        """
    )
    func demonstration() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let count = 100_000
        try await self.fill(fixture, count)
        // As it would be a moment after delivery. Without it the answers are the same, but all messages are read.
        try await fixture.store.index()
        let gate = Gate()
        try await LiveClient.with(of: fixture.service(behind: gate)) { clients in
            let client = clients[0]
            let selected = try await client.select()
            #expect(selected.contains("* \(count) EXISTS"))
            client.send("a1 SEARCH BODY zebra\r\na2 FETCH 1 (UID)\r\n")
            // It stands in the middle of its work, and stays there.
            await gate.reached()
            #expect(try await client.lines(to: "a2 ") == ["* 1 FETCH (UID 1)", "a2 OK FETCH completed"])
            gate.open()
            #expect(try await client.lines(to: "a1 ") == ["* SEARCH 1 \(count)", "a1 OK SEARCH completed"])
            // The same when nothing holds it, however fast it is.
            client.send("b1 SEARCH BODY zebra\r\nb2 FETCH 1 (UID)\r\n")
            #expect(
                try await client.lines(to: "b1 ") == [
                    "* 1 FETCH (UID 1)", "b2 OK FETCH completed", "* SEARCH 1 \(count)", "b1 OK SEARCH completed",
                ]
            )
        }
        try await fixture.close()
    }

    @Test("G12: however long a SEARCH takes, what is independent of it is answered, and what is not waits")
    func held() async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await self.fill(fixture, 5)
        let gate = Gate()
        try await LiveClient.with(of: fixture.service(behind: gate)) { clients in
            let client = clients[0]
            try await client.select()
            client.send("a1 SEARCH BODY zebra\r\n")
            client.send("a2 FETCH 1 (UID)\r\na3 UID FETCH 2 (RFC822.SIZE)\r\na4 UID STORE 3 +FLAGS.SILENT (\\Seen)\r\n")
            client.send("a5 STATUS Archive (MESSAGES)\r\na6 COPY 1 Archive\r\na7 CREATE New\r\na8 NOOP\r\n")
            // Not independent: it would shift the numbers of the SEARCH; and what is about all of that behind it.
            client.send("b1 UID MOVE 2 Archive\r\nb2 UID FETCH 2,5 (UID)\r\nb3 EXAMINE INBOX\r\n")
            await gate.reached()
            var tags: Set<String> = []
            while !tags.isSuperset(of: ["a2", "a3", "a4", "a5", "a6", "a7", "a8"]) {
                let line = try await client.line()
                if !line.hasPrefix("* ") { tags.insert(String(line.prefix(2))) }
            }
            #expect(tags.count == 7)
            gate.open()
            #expect(try await client.lines(to: "a1 ") == ["* SEARCH 1 5", "a1 OK SEARCH completed"])
            let moved = try await client.lines(to: "b2 ").filter { !$0.contains("COPYUID") }
            #expect(
                moved.map { $0.replacing(#/\[HIGHESTMODSEQ \d+\] /#, with: "") } == [
                    "* 2 EXPUNGE", "b1 OK UID MOVE completed", "* 4 FETCH (UID 5)",
                    "b2 OK [EXPUNGEISSUED] UID FETCH completed",
                ]
            )
            #expect(try await client.lines(to: "b3 ").last == "b3 OK [READ-ONLY] EXAMINE completed")
        }
        try await fixture.close()
    }

    @Test("Rule 7: with a concurrency of 1 everything is answered in the order received")
    func serial() async throws {
        let fixture = try await Fixture(clock: TestClock()) { $0.concurrency = 1 }
        try await self.fill(fixture, 5)
        try await LiveClient.with(of: fixture.service) { clients in
            try await clients[0].select()
            clients[0].send("a1 SEARCH BODY zebra\r\na2 NOOP\r\na3 UID FETCH 2 (RFC822.SIZE)\r\na4 NOOP\r\n")
            let lines = try await clients[0].lines(to: "a4 ")
            #expect(lines.filter { !$0.hasPrefix("* ") }.map { $0.prefix(2) } == ["a1", "a2", "a3", "a4"])
        }
        try await fixture.close()
    }

    @Test("A command that uses $ waits for the SEARCH that sets it, and nothing else does")
    func savedResult() async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await self.fill(fixture, 5)
        let gate = Gate()
        try await LiveClient.with(of: fixture.service(behind: gate)) { clients in
            let client = clients[0]
            try await client.select()
            client.send(
                "a1 SEARCH RETURN (SAVE) BODY zebra\r\na2 FETCH 1 (UID)\r\na3 FETCH $ (UID)\r\na4 FETCH 2 (UID)\r\n"
            )
            await gate.reached()
            #expect(try await client.lines(to: "a2 ") == ["* 1 FETCH (UID 1)", "a2 OK FETCH completed"])
            gate.open()
            #expect(
                try await client.lines(to: "a4 ") == [
                    "a1 OK SEARCH completed", "* 1 FETCH (UID 1)", "* 5 FETCH (UID 5)", "a3 OK FETCH completed",
                    "* 2 FETCH (UID 2)", "a4 OK FETCH completed",
                ]
            )
        }
        try await fixture.close()
    }
}
