// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import IMAPServer

/// What a client could do to the server with NOTIFY (RFC 5465 §9).
@Suite("Hostile clients with NOTIFY", .timeLimit(.minutes(20))) struct HostileNotifyTests {
    private static let everything =
        "NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (personal (MailboxName MessageNew MessageExpunge FlagChange SubscriptionChange MailboxMetadataChange ServerMetadataChange))"

    @Test("Too many mailboxes: the command is refused, and one that was obeyed ends as if with NONE (§3.1, §5.8)")
    func overflow() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let there = try await fixture.mail.mailboxes().count
        try await withThrowingTaskGroup { group in
            for number in 0..<AccountSnapshot.limit - there {
                group.addTask { _ = try await fixture.mail.createMailbox(named: "m\(number)", specialUse: nil) }
            }
            try await group.waitForAll()
        }
        try await LiveClient.with(2, of: fixture.service) { clients in
            let (watcher, other) = (clients[0], clients[1])
            try await watcher.select()
            try await other.select()
            watcher.send("a1 \(Self.everything)\r\n")
            #expect(try await watcher.lines(to: "a1 ").last == "a1 OK NOTIFY completed")
            other.send("b1 CREATE One-too-many\r\n")
            #expect(try await other.line().hasPrefix("b1 OK "))
            #expect(try await watcher.line() == "* OK [NOTIFICATIONOVERFLOW] There are too many mailboxes")
            // Nothing is told any more, of the selected mailbox neither.
            other.send("b2 SUBSCRIBE m1\r\nb3 STORE 1:* +FLAGS.SILENT (\\Flagged)\r\nb4 CREATE More\r\nb5 NOOP\r\n")
            _ = try await other.lines(to: "b5 ")
            watcher.send("a2 NOOP\r\na3 \(Self.everything)\r\na4 NOOP\r\n")
            #expect(try await watcher.line() == "a2 OK NOOP completed")
            #expect(try await watcher.line().hasPrefix("a3 NO [NOTIFICATIONOVERFLOW] "))
            #expect(try await watcher.line() == "a4 OK NOOP completed")
            // Fewer can be watched.
            watcher.send("a5 NOTIFY SET (mailboxes (m1 m2) (MessageNew MessageExpunge))\r\n")
            #expect(try await watcher.line() == "a5 OK NOTIFY completed")
            other.send("b6 APPEND m1 {1+}\r\nx\r\n")
            #expect(try await watcher.line().hasPrefix("* STATUS m1 (MESSAGES 1 "))
        }
        try await fixture.close()
    }

    @Test("Filters of any length are obeyed or one wrong command, and others are answered")
    func hugeFilters() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let events = "(MessageNew MessageExpunge)"
        let names = (1...900).map { "n\($0)" }.joined(separator: " ")
        let tooManyNames = (1...8000).map { "n\($0)" }.joined(separator: " ")
        let groups = Array(repeating: "(personal \(events))", count: 100).joined(separator: " ")
        let nested = String(repeating: "(", count: 50_000)
        let manyEvents = Array(repeating: "MailboxName", count: 5000).joined(separator: " ")
        try await LiveClient.with(2, of: fixture.service) { clients in
            let (hostile, clean) = (clients[0], clients[1])
            try await hostile.select()
            try await clean.select()
            for (tag, command, answer) in [
                ("a1", "(mailboxes (\(names) INBOX) \(events))", "OK"), ("a2", "(subtree (\(names)) \(events))", "OK"),
                ("a3", groups, "OK"), ("a4", "\(groups) (personal \(events))", "BAD"),
                ("a5", "(mailboxes \(nested)", "BAD"),
                ("b5", "(mailboxes (\(tooManyNames)) \(events))", "BAD"), ("a6", nested, "BAD"),
                ("a7", "(personal (\(manyEvents)))", "BAD"),
                ("a8", "(selected (MessageNew \(nested)", "BAD"), ("a9", "(mailboxes () \(events))", "BAD"),
            ] {
                hostile.send("\(tag) NOTIFY SET \(command)\r\n")
                clean.send("c\(tag) NOOP\r\n")
                #expect(try await clean.line() == "c\(tag) OK NOOP completed")
                #expect(try await hostile.line().hasPrefix("\(tag) \(answer) "), "\(tag)")
            }
            // The last that was obeyed holds: a hundred groups tell one change once.
            clean.send("c APPEND Sent {1+}\r\nx\r\n")
            #expect(try await hostile.line().hasPrefix("* STATUS Sent (MESSAGES 1 "))
            hostile.send("z NOOP\r\n")
            #expect(try await hostile.line() == "z OK NOOP completed")
        }
        try await fixture.close()
    }

    @Test("Who never reads holds up nobody, and nothing is kept for him but what changed in the end (§9)")
    func nothingIsRead() async throws {
        let fixture = try await Fixture(clock: TestClock())
        let gate = Gate()
        let received = Mutex<[UInt8]>([])
        let (server, deaf) = PipeConnection<IMAPNote>.make(peer: Peer(address: "127.0.0.1", isLoopback: true)) {
            octets in
            if String(decoding: octets, as: UTF8.self).contains("* STATUS") { await gate.pass() }
            received.withLock { $0 += octets }
        }
        let service = fixture.service
        async let session: Void = {
            var session = IMAPSession(connection: server, service: service)
            try await session.run()
        }()
        deaf.send(
            Array(
                "1 LOGIN ann@example.org secret\r\n2 NOTIFY SET STATUS (personal (MessageNew MessageExpunge FlagChange))\r\n"
                    .utf8
            )
        )
        await gate.reached()
        try await LiveClient.with(of: fixture.service) { clients in
            try await clients[0].select()
            for number in 1...500 {
                clients[0].send("c\(number) APPEND INBOX {1+}\r\nx\r\n")
                _ = try await clients[0].lines(to: "c\(number) OK")
            }
            clients[0].send("d STORE 1:500 +FLAGS.SILENT (\\Seen)\r\n")
            _ = try await clients[0].lines(to: "d OK")
        }
        gate.open()
        deaf.send(Array("3 NOOP\r\n".utf8))
        deaf.close()
        try await session
        let lines = String(decoding: received.withLock { $0 }, as: UTF8.self).split(separator: "\r\n")
        let told = lines.filter { $0.hasPrefix("* STATUS INBOX (MESSAGES ") }
        #expect(told.count <= 3)
        #expect(lines.contains("3 OK NOOP completed"))
        try await fixture.close()
    }

    @Test("NOTIFY replaced thousands of times leaves one watch, and a session that ends leaves none")
    func replacedOften() async throws {
        let fixture = try await Fixture(clock: TestClock())
        for name in ["Team", "Other"] {
            let mailbox = try await fixture.mail.createMailbox(named: name, specialUse: nil)
            try await fixture.mail.setAccess(RightsChange(.replace, .all), for: "anyone", to: mailbox.id)
        }
        let team = try #require(try await fixture.mail.mailbox(named: "Team")).id
        let bob = try #require(try await fixture.store.accounts().first { $0.address == "bob@example.org" }).id
        let feed = fixture.mail.feed
        try await LiveClient.with(of: fixture.service) { clients in
            let client = clients[0]
            client.send("l LOGIN bob@example.org secret\r\n")
            _ = try await client.lines(to: "l OK")
            let filters = [
                "SET (mailboxes user/ann@example.org/Team (MessageNew MessageExpunge))", "NONE",
                "SET (subtree user (MailboxName MessageNew MessageExpunge FlagChange))", "SET (personal NONE)",
            ]
            for number in 1...2000 { client.send("a\(number) NOTIFY \(filters[number % 4])\r\n") }
            _ = try await client.lines(to: "a2000 OK")
            client.send("b NOTIFY SET (mailboxes user/ann@example.org/Team (MessageNew MessageExpunge))\r\n")
            _ = try await client.lines(to: "b OK")
            #expect(feed.watchers(of: .mailbox(team)) == 1)
            #expect(feed.watchers(of: .account(bob)) == 1)
            try await fixture.append(Array("x".utf8), to: "Team")
            #expect(try await client.line().hasPrefix("* STATUS user/ann@example.org/Team (MESSAGES 1 "))
            // Deleted while it is watched: nothing is left to be watched.
            try await fixture.mail.deleteMailbox(named: "Team")
            #expect(try await client.line().hasPrefix("* LIST (\\NonExistent "))
            client.send("c NOOP\r\n")
            #expect(try await client.line() == "c OK NOOP completed")
            #expect(feed.watchers(of: .mailbox(team)) == 0)
        }
        #expect(feed.watchers(of: .account(bob)) == 0)
        try await fixture.close()
    }

    @Test("A mailbox that is deleted and made again while it is watched and selected")
    func deletedAgainAndAgain() async throws {
        let fixture = try await Fixture(clock: TestClock())
        _ = try await fixture.mail.createMailbox(named: "Brief", specialUse: nil)
        try await LiveClient.with(2, of: fixture.service) { clients in
            let (watcher, other) = (clients[0], clients[1])
            try await watcher.select()
            try await other.select()
            watcher.send("a SELECT Brief\r\nb \(Self.everything)\r\n")
            _ = try await watcher.lines(to: "b OK")
            for number in 1...50 {
                other.send(
                    "d\(number) DELETE Brief\r\ne\(number) CREATE Brief\r\nf\(number) APPEND Brief {1+}\r\nx\r\n"
                )
                _ = try await other.lines(to: "f\(number) OK")
            }
            other.send("g DELETE Brief\r\nh NOOP\r\n")
            _ = try await other.lines(to: "h OK")
            watcher.send("c FETCH 1 (UID)\r\nd SELECT INBOX\r\n")
            let lines = try await watcher.lines(to: "d OK")
            // The one that is selected is gone; the last thing told of the name is that there is none.
            #expect(lines.contains { $0.hasPrefix("c NO ") || $0.hasPrefix("c BAD ") })
            watcher.send("e NOOP\r\n")
            let all = lines + (try await watcher.lines(to: "e OK"))
            #expect(all.last { $0.hasPrefix("* LIST ") && $0.hasSuffix(" Brief") }?.contains("\\NonExistent") == true)
        }
        try await fixture.close()
    }
}
