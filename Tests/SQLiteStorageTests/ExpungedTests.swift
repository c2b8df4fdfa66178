// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRDB
import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// What a client that was away can be told of expunged messages (RFC 7162 §3.2.6, §5.3).
@Suite("RFC 7162 §5.3 What is remembered of expunged messages") struct ExpungedTests {
    /// A mailbox with so many messages.
    private static func make(
        _ count: Int,
        remembering ranges: Int = 65536
    ) async throws -> (test: TestStore, mail: any MailStore, inbox: MailboxID) {
        let test = try TestStore { $0.expungedRanges = ranges }
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let message = NewMessage(try await mail.staged(octets("x")), internalDate: .init(time: test.clock.now))
        _ = try await mail.append(Array(repeating: message, count: count), to: inbox)
        return (test, mail, inbox)
    }

    /// Expunges; the mod-sequence after it.
    private static func expunge(_ uids: [UID], in inbox: MailboxID, _ mail: any MailStore) async throws -> ModSeq {
        let change = FlagChange(.add, FlagSet(system: .deleted))
        _ = try await mail.changeFlags(of: uids, in: inbox, change, unchangedSince: nil)
        #expect(try await mail.expunge(uids, in: inbox) == uids.sorted())
        return try await mail.status(of: inbox).highestModSeq
    }

    @Test("Each range is told to whoever has not heard of it") func since() async throws {
        let (test, mail, inbox) = try await Self.make(10)
        let before = try await mail.status(of: inbox).highestModSeq
        #expect(try await mail.expunged(in: inbox, since: before) == [])
        let first = try await Self.expunge([4, 5, 6, 9], in: inbox, mail)
        let second = try await Self.expunge([1], in: inbox, mail)
        #expect(first > before)
        #expect(second > first)
        #expect(try await mail.expunged(in: inbox, since: before) == [1...1, 4...6, 9...9])
        #expect(try await mail.expunged(in: inbox, since: ModSeq(rawValue: 0)) == [1...1, 4...6, 9...9])
        #expect(try await mail.expunged(in: inbox, since: first) == [1...1])
        #expect(try await mail.expunged(in: inbox, since: second) == [])
        #expect(try await mail.expunged(in: inbox, since: ModSeq(rawValue: .max)) == [])
        try await test.verify()
    }

    @Test("MOVE expunges too, and only in its source") func moved() async throws {
        let (test, mail, inbox) = try await Self.make(5)
        let archive = try #require(try await mail.mailbox(named: "Archive")).id
        let before = try await mail.status(of: inbox).highestModSeq
        _ = try await mail.move([2, 3], from: inbox, to: archive)
        #expect(try await mail.expunged(in: inbox, since: before) == [2...3])
        #expect(try await mail.expunged(in: archive, since: before) == [])
        #expect(try await mail.status(of: inbox).highestModSeq > before)
        try await test.verify()
    }

    @Test("Another account's mailbox, or none, is not there") func notTheirs() async throws {
        let (test, mail, inbox) = try await Self.make(1)
        let other = try await test.account("bob@example.org")
        await #expect(throws: StoreError.noSuchMailbox) {
            _ = try await other.expunged(in: inbox, since: ModSeq(rawValue: 1))
        }
        _ = try await mail.createMailbox(named: "Gone", specialUse: nil)
        let gone = try #require(try await mail.mailbox(named: "Gone")).id
        try await mail.deleteMailbox(named: "Gone")
        await #expect(throws: StoreError.noSuchMailbox) {
            _ = try await mail.expunged(in: gone, since: ModSeq(rawValue: 1))
        }
    }

    /// Whatever the store still answers is right; when it does not know, it says so.
    @Test("Old ranges are forgotten, and never more kept than allowed", arguments: [0, 1, 7, 16])
    func bounded(limit: Int) async throws {
        let (test, mail, inbox) = try await Self.make(400, remembering: limit)
        var random = SeededGenerator(seed: UInt64(limit))
        var history: [(modSeq: ModSeq, uids: [UID])] = []
        var left = (1...400).map { UID(rawValue: UInt32($0)) }
        var modSeqs = [try await mail.status(of: inbox).highestModSeq]
        var forgotten = 0
        for _ in 0..<60 {
            var chosen: [UID] = []
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                chosen.append(left.remove(at: Int.random(in: left.indices, using: &random)))
            }
            let modSeq = try await Self.expunge(chosen.sorted(), in: inbox, mail)
            history.append((modSeq, chosen))
            modSeqs.append(modSeq)
            #expect(try await test.number("SELECT count(*) FROM gone") <= limit)
            for since in modSeqs.suffix(20) {
                guard let answer = try await mail.expunged(in: inbox, since: since) else {
                    forgotten += 1
                    continue
                }
                let expected = history.filter { $0.modSeq > since }.flatMap { $0.uids }.sorted()
                #expect(
                    answer.flatMap { Array($0.lowerBound.rawValue...$0.upperBound.rawValue) }
                        == expected.map(\.rawValue)
                )
            }
            // Who knows everything need not be told anything.
            #expect(try await mail.expunged(in: inbox, since: modSeq) == [])
        }
        #expect(forgotten > 0)
        try await test.verify()
    }

    @Test("What goes at once is remembered or forgotten as a whole") func oneModSeq() async throws {
        let (test, mail, inbox) = try await Self.make(20, remembering: 4)
        let before = try await mail.status(of: inbox).highestModSeq
        let everySecond = (1...10).map { UID(rawValue: UInt32($0 * 2)) }
        let after = try await Self.expunge(everySecond, in: inbox, mail)
        #expect(try await mail.expunged(in: inbox, since: before) == nil)
        #expect(try await mail.expunged(in: inbox, since: after) == [])
        #expect(try await test.number("SELECT count(*) FROM gone") == 0)
        try await test.verify()
    }

    /// Clients of a mailbox at 0 begin anew each time.
    @Test("A mailbox that never had a message has a mod-sequence") func neverZero() async throws {
        let (_, mail, _) = try await Self.make(0)
        let box = try await mail.createMailbox(named: "Box", specialUse: nil).id
        #expect(try await mail.status(of: box).highestModSeq.rawValue > 0)
        #expect(try await mail.open(box).current?.highestModSeq.rawValue ?? 0 > 0)
        #expect(try await mail.expunged(in: box, since: ModSeq(rawValue: 1)) == [])
    }

    @Test("A deleted mailbox takes with it what is remembered") func erased() async throws {
        let (test, mail, _) = try await Self.make(0)
        let box = try await mail.createMailbox(named: "Box", specialUse: nil).id
        try await mail.append(octets("x"), to: box, flags: .deleted)
        _ = try await mail.expunge(nil, in: box)
        try await mail.deleteMailbox(named: "Box")
        try await test.store.maintain()
        #expect(try await test.number("SELECT count(*) FROM gone_extent") == 0)
        try await test.verify()
    }

    /// A file of the first schema has tombstones that nobody counted.
    @Test("A file of before is counted when it is opened") func migrated() throws {
        let database = try DatabaseQueue()
        try database.inDatabase { connection in
            let sql = SQL(connection)
            try sql.script(Schema.migrations[0])
            try sql.script(
                """
                PRAGMA user_version = 1; PRAGMA foreign_keys = OFF;
                INSERT INTO gone (mailbox, modseq, first, last) VALUES (7, 3, 1, 2), (7, 4, 9, 9), (8, 5, 1, 1);
                """
            )
            try Schema.migrate(sql)
            #expect(try sql.expunged(in: MailboxID(rawValue: 7), since: ModSeq(rawValue: 3)) == [9...9])
            #expect(try sql.number("SELECT ranges FROM gone_extent WHERE mailbox = 7") == 2)
        }
    }

    @Test("Mod-sequences reach to 2^63 - 1 and no further") func lastModSeq() async throws {
        let (test, mail, inbox) = try await Self.make(2)
        try await test.store.between { try $0.run("UPDATE account SET modseq = 9223372036854775805") }
        let flagged = FlagChange(.add, FlagSet(system: .flagged))
        let receipt = try await mail.changeFlags(
            of: [1],
            in: inbox,
            flagged,
            unchangedSince: ModSeq(rawValue: 9_223_372_036_854_775_804)
        )
        #expect(receipt.modSeq.rawValue == .max - 1)
        #expect(receipt.updated == [1])
        #expect(try await Self.stored(1, inbox, test)?.modSeq.rawValue == .max - 1)
        let last = try await mail.changeFlags(of: [2], in: inbox, flagged, unchangedSince: nil)
        #expect(last.modSeq.rawValue == .max)
        #expect(try await Self.stored(2, inbox, test)?.modSeq.rawValue == .max)
        #expect(try await mail.status(of: inbox).highestModSeq.rawValue == .max)
        let unflagged = FlagChange(.remove, FlagSet(system: .flagged))
        await #expect(throws: StoreError.self) {
            _ = try await mail.changeFlags(of: [2], in: inbox, unflagged, unchangedSince: nil)
        }
        #expect(try await Self.stored(2, inbox, test)?.flags == .flagged)
        try await test.verify()
    }

    private static func stored(_ uid: UID, _ inbox: MailboxID, _ test: TestStore) async throws -> MailboxPage.Slot? {
        try await test.store.stored(inbox)[uid]
    }
}
