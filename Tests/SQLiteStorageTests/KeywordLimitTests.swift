// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import SQLiteStorage

/// A mailbox holds 64 different keywords at a time.
@Suite struct KeywordLimitTests {
    private let test: TestStore
    private let mail: any MailStore
    private let inbox: MailboxID

    /// Begins with a mailbox that is full: message 1 has k0 to k31, message 2 has k32 to k63.
    init() async throws {
        self.test = try TestStore()
        self.mail = try await self.test.account()
        self.inbox = try await self.mail.inbox.id
        for first in [0, 32] {
            try await self.mail.append(
                octets("\(first)"),
                to: self.inbox,
                keywords: (first..<first + 32).map { "k\($0)" }
            )
        }
    }

    private func store(_ operation: FlagChange.Operation, _ keywords: [String], on uid: UID) async throws {
        _ = try await self.mail.changeFlags(
            of: [uid],
            in: self.inbox,
            FlagChange(operation, FlagSet(keywords: keywords)),
            unchangedSince: nil
        )
    }

    private func keywords(of uid: UID) async throws -> [String] {
        let index = try #require(try await self.mail.open(self.inbox).current)
        return index.keywordNames(try #require(index[uid]).keywords)
    }

    @Test func oneMoreIsRefusedWhileAllAreInUse() async throws {
        await #expect(throws: StoreError.tooManyKeywords) {
            try await self.mail.append(octets("b"), to: self.inbox, keywords: ["more"])
        }
        await #expect(throws: StoreError.tooManyKeywords) { try await self.store(.add, ["more"], on: 1) }
        try await self.mail.append(octets("c"), to: self.inbox, keywords: ["K63"])
        #expect(try await self.keywords(of: 3) == ["k63"])
        #expect(try await self.mail.open(self.inbox).current?.hasRoomForKeywords == false)
        try await self.test.verify()
    }

    @Test("what no message has gives way", arguments: [true, false])
    func unused(isResident: Bool) async throws {
        let resident = isResident ? try await self.mail.open(self.inbox) : nil
        try await self.store(.remove, ["k5", "k40"], on: 1)
        #expect(try await self.mail.open(self.inbox).current?.hasRoomForKeywords == true, "k40 is on the other one")
        try await self.mail.append(octets("c"), to: self.inbox, keywords: ["more", "k7"])
        #expect(try await self.keywords(of: 3) == ["more", "k7"])
        #expect(try await self.keywords(of: 1).count == 31)
        await #expect(throws: StoreError.tooManyKeywords) { try await self.store(.add, ["k5"], on: 2) }
        #expect(try await self.mail.open(self.inbox).current?.keywords.count == 64)
        _ = resident
        try await self.test.verify()
    }

    @Test func whatIsExpungedHasNone() async throws {
        _ = try await self.mail.changeFlags(
            of: [1],
            in: self.inbox,
            FlagChange(.add, FlagSet(system: .deleted)),
            unchangedSince: nil
        )
        _ = try await self.mail.expunge([1], in: self.inbox)
        try await self.mail.append(octets("c"), to: self.inbox, keywords: (0..<32).map { "n\($0)" })
        #expect(try await self.keywords(of: 3) == (0..<32).map { "n\($0)" })
        #expect(try await self.keywords(of: 2) == (32..<64).map { "k\($0)" })
        try await self.test.verify()
    }

    @Test("no keyword takes the bit of another that is asked for with it")
    func together() async throws {
        try await self.store(.remove, ["k1", "k2"], on: 1)
        try await self.store(.add, ["first", "k2", "K2"], on: 2)
        #expect(Set(try await self.keywords(of: 2)).isSuperset(of: ["first", "k2"]))
        await #expect(throws: StoreError.tooManyKeywords) { try await self.store(.add, ["second"], on: 2) }
    }

    @Test("copies bring keywords that have room, one message after the other")
    func copies() async throws {
        let other = try await self.mail.createMailbox(named: "Other", specialUse: nil).id
        for number in 0..<3 {
            try await self.mail.append(octets("o\(number)"), to: other, keywords: ["o\(number)"])
        }
        try await self.store(.remove, ["k1", "k2"], on: 1)
        await #expect(throws: StoreError.tooManyKeywords) {
            try await self.mail.copy([1, 2, 3], from: other, to: self.inbox)
        }
        _ = try await self.mail.copy([1, 3], from: other, to: self.inbox)
        #expect(try await self.keywords(of: 3) == ["o0"])
        #expect(try await self.keywords(of: 4) == ["o2"])
        try await self.test.verify()
    }

    /// What a session read before means what it meant then.
    @Test func anIndexKeepsItsNames() async throws {
        let resident = try await self.mail.open(self.inbox)
        let before = try #require(resident.current)
        try await self.store(.replace, ["k0"], on: 1)
        try await self.store(.add, ["more"], on: 1)
        let slot = try #require(before[1])
        #expect(before.keywordNames(slot.keywords) == (0..<32).map { "k\($0)" })
        #expect(try await self.keywords(of: 1) == ["k0", "more"])
    }
}
