// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct ChangeFlagsTests {
    static func make() async throws -> (TestStore, any MailStore, MailboxID) {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        for number in 0..<3 { try await mail.append(octets("\(number)"), to: inbox, flags: .answered) }
        return (test, mail, inbox)
    }

    @Test func addsRemovesReplaces() async throws {
        let (test, mail, inbox) = try await Self.make()
        let resident = try await mail.open(inbox)
        let added = try await mail.changeFlags(
            of: [3, 1, 9],
            in: inbox,
            FlagChange(.add, FlagSet(system: .seen, keywords: ["Work"])),
            unchangedSince: nil
        )
        #expect(added.updated == [1, 3])
        #expect(added.modified.isEmpty)
        var index = try #require(resident.current)
        #expect(index[1]?.flags == [.answered, .seen])
        #expect(index[1]?.modSeq == added.modSeq)
        #expect(index.highestModSeq == added.modSeq)
        #expect(index[2]?.flags == .answered)
        _ = try await mail.changeFlags(
            of: [1],
            in: inbox,
            FlagChange(.remove, FlagSet(system: .answered, keywords: ["WORK", "unknown"])),
            unchangedSince: nil
        )
        index = try #require(resident.current)
        #expect(index[1]?.flags == .seen)
        #expect(index[1]?.keywords == 0)
        #expect(index.keywords == ["Work"], "removing makes no keyword known")
        _ = try await mail.changeFlags(
            of: [3],
            in: inbox,
            FlagChange(.replace, FlagSet(system: .flagged)),
            unchangedSince: nil
        )
        index = try #require(resident.current)
        #expect(index[3]?.flags == .flagged)
        #expect(index[3]?.keywords == 0)
        #expect(try await mail.status(of: inbox).unseen == 2)
        try await test.verify()
    }

    /// RFC 7162 §3.1: each STORE has a mod-sequence of its own, and of those who race for the same state one wins.
    @Test func ofTwoConditionalChangesOneIsDone() async throws {
        let (test, mail, inbox) = try await Self.make()
        for round in 0..<20 {
            let before = try await mail.status(of: inbox).highestModSeq
            let receipts = try await withThrowingTaskGroup(of: FlagReceipt.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await mail.changeFlags(
                            of: [1],
                            in: inbox,
                            FlagChange(.replace, FlagSet(keywords: ["k\((round * 8 + number) % 60)"])),
                            unchangedSince: before
                        )
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(receipts.count { $0.updated == [1] && $0.modified.isEmpty } == 1)
            #expect(receipts.count { $0.updated.isEmpty && $0.modified == [1] } == 7)
        }
        let unconditional = try await withThrowingTaskGroup(of: ModSeq.self) { group in
            for number in 0..<50 {
                group.addTask {
                    try await mail.changeFlags(
                        of: [2],
                        in: inbox,
                        FlagChange(.replace, FlagSet(keywords: ["k\(number)"])),
                        unchangedSince: nil
                    ).modSeq
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(unconditional).count == 50)
        try await test.verify()
    }

    /// RFC 7162 §3.1.3: "Use of UNCHANGEDSINCE with a modification sequence of 0 always fails if the metadata item
    /// exists. A system flag MUST always be considered existent, whether it was set or not."
    @Test func nothingIsUnchangedSinceZeroButWhatDoesNotExist() async throws {
        let (_, mail, inbox) = try await Self.make()
        let zero = ModSeq(rawValue: 0)
        func modified(_ operation: FlagChange.Operation, _ flags: FlagSet) async throws -> [UID] {
            try await mail.changeFlags(of: [1], in: inbox, FlagChange(operation, flags), unchangedSince: zero).modified
        }
        #expect(try await modified(.add, FlagSet(system: .seen)) == [1])
        #expect(try await modified(.add, FlagSet(keywords: ["$Lock"])) == [])
        #expect(try await modified(.add, FlagSet(keywords: ["$LOCK"])) == [1])
        #expect(try await modified(.add, FlagSet(keywords: ["$Lock", "$Other"])) == [1])
        #expect(try await modified(.add, FlagSet(system: .seen, keywords: ["$Other"])) == [1])
        #expect(try await modified(.replace, FlagSet(keywords: ["$Other"])) == [1])
        #expect(try await modified(.remove, FlagSet(keywords: ["$Lock"])) == [1])
        #expect(try await modified(.add, FlagSet()) == [1])
    }

    @Test func whatChangesNothingTakesNoModSeq() async throws {
        let (_, mail, inbox) = try await Self.make()
        let before = try await mail.status(of: inbox).highestModSeq
        let receipt = try await mail.changeFlags(
            of: [1, 2],
            in: inbox,
            FlagChange(.add, FlagSet(system: .answered)),
            unchangedSince: nil
        )
        #expect(receipt.updated == [1, 2])
        #expect(receipt.modSeq == before)
        #expect(try await mail.status(of: inbox).highestModSeq == before)
        let gone = try await mail.changeFlags(
            of: [77],
            in: inbox,
            FlagChange(.add, FlagSet(keywords: ["new"])),
            unchangedSince: nil
        )
        #expect(gone.updated.isEmpty)
        #expect(try await mail.open(inbox).current?.keywords == [])
    }

    /// RFC 7162 §3.1.3.
    @Test func leavesAloneWhatChangedSince() async throws {
        let (_, mail, inbox) = try await Self.make()
        let before = try await mail.status(of: inbox).highestModSeq
        let first = try await mail.changeFlags(
            of: [2],
            in: inbox,
            FlagChange(.add, FlagSet(system: .seen)),
            unchangedSince: before
        )
        #expect(first.updated == [2])
        let second = try await mail.changeFlags(
            of: [1, 2, 3],
            in: inbox,
            FlagChange(.add, FlagSet(system: .flagged)),
            unchangedSince: before
        )
        #expect(second.updated == [1, 3])
        #expect(second.modified == [2])
        #expect(second.modSeq > first.modSeq)
    }

    /// What a client has not been told of when it changes flags itself.
    @Test func namesWhatChangedBefore() async throws {
        let (_, mail, inbox) = try await Self.make()
        let known = try await mail.status(of: inbox).highestModSeq
        let seen = FlagChange(.add, FlagSet(system: .seen))
        let flagged = FlagChange(.add, FlagSet(system: .flagged))
        _ = try await mail.changeFlags(of: [2, 3], in: inbox, flagged, unchangedSince: nil)
        let receipt = try await mail.changeFlags(
            of: [3, 1, 2],
            in: inbox,
            seen,
            unchangedSince: nil,
            knownUntil: known
        )
        #expect(receipt.updated == [1, 2, 3])
        #expect(receipt.unknown == [2, 3])
        // Nothing to change is no reason to know it.
        let again = try await mail.changeFlags(of: [1, 2], in: inbox, seen, unchangedSince: nil, knownUntil: known)
        #expect(again.unknown == [1, 2])
        let nobody = try await mail.changeFlags(
            of: [1, 2],
            in: inbox,
            flagged,
            unchangedSince: nil,
            knownUntil: receipt.modSeq
        )
        #expect(nobody.unknown.isEmpty)
        #expect(try await mail.changeFlags(of: [1], in: inbox, seen, unchangedSince: nil).unknown.isEmpty)
    }

    @Test func tenThousandRewriteFortyPages() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let archive = try #require(try await mail.mailbox(named: "Archive")).id
        let message = NewMessage(
            try await mail.staged(octets("many")),
            internalDate: .init(time: test.clock.now)
        )
        let uids = try await mail.append([NewMessage](repeating: message, count: 10_000), to: inbox).uids
        let changes = try await test.store.between { try $0.number("SELECT total_changes()") }
        let receipt = try await mail.changeFlags(
            of: uids,
            in: inbox,
            FlagChange(.add, FlagSet(system: .deleted)),
            unchangedSince: nil
        )
        #expect(receipt.updated.count == 10_000)
        let rows = try await test.store.between { try $0.number("SELECT total_changes()") } - changes
        #expect(rows == 40 + 2, "pages, the mailbox, the account")
        let copied = try await mail.copy(uids, from: inbox, to: archive)
        #expect(copied.target.count == 10_000)
        #expect(try await mail.expunge(nil, in: inbox) == uids)
        #expect(try await test.number("SELECT count(*) FROM gone") == 1, "one range")
        #expect(try await mail.status(of: inbox).messages == 0)
        #expect(try await mail.status(of: archive).messages == 10_000)
        #expect(try await test.number("SELECT refs FROM blob") == 10_000)
        try await test.verify()
    }
}
