// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// What becomes of the index while mail comes and goes, and what of the mail when the index is damaged.
@Suite struct SearchIndexTests {
    private func candidates(_ text: String, _ mail: any MailStore) async throws -> TextCandidates? {
        let inbox = try await mail.inbox.id
        return try await mail.candidates(for: TextTerm(.text, SearchText.folded(text)), in: inbox)
    }

    /// How many blobs the index itself has for a text.
    private func indexed(_ text: String, _ test: TestStore) async throws -> Int {
        let expression = try #require(SearchTokens.expression(for: TextTerm(.body, SearchText.folded(text))))
        return Int(
            try await test.store.read {
                try $0.number("SELECT count(*) FROM search_text WHERE search_text MATCH ?", .text(expression))
            }
        )
    }

    @Test func whatIsErasedIsTakenOutFirst() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        for text in ["apple", "banana", "cherry"] {
            try await mail.append(octets(text), to: inbox, flags: text == "banana" ? .deleted : [])
        }
        try await test.store.index()
        _ = try await mail.expunge(nil, in: inbox)
        try await test.store.maintain()
        #expect(try await self.indexed("banana", test) == 1, "it may still be read")
        test.clock.advance(by: 1801)
        try await test.store.maintain()
        #expect(try await self.indexed("banana", test) == 0)
        #expect(try await test.number("SELECT count(*) FROM blob") == 2)
        #expect(try await test.number("SELECT count(*) FROM search_exception") == 0)
        #expect(try await self.candidates("apple", mail) == TextCandidates([1]))
        try await test.verify()
    }

    @Test func whatIsReferredToAgainIsIndexedAgain() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("apple"), to: inbox, flags: .deleted)
        try await test.store.index()
        let blob = try #require(try await mail.messages([1], in: inbox, including: MessageParts()).first).blob
        _ = try await mail.expunge(nil, in: inbox)
        test.clock.advance(by: 1801)
        let row = NewRow(NewMessage(try await mail.staged(octets("apple")), internalDate: .init(time: .init(0))))
        _ = try await test.store.write { transaction in
            try transaction.unindex(SearchEntry(blob, transaction.sql))
            return try transaction.append([row], to: inbox)
        }
        #expect(try await self.indexed("apple", test) == 0)
        #expect(try await self.candidates("apple", mail) == TextCandidates([2]))
        #expect(try await self.candidates("zebra", mail) == TextCandidates([2]))
        try await test.store.index()
        #expect(try await self.candidates("apple", mail) == TextCandidates([2]))
        #expect(try await self.candidates("zebra", mail) == TextCandidates([]))
        try await test.verify()
    }

    @Test func whatArrivesSlowlyIsNotForgotten() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let slow = octets("slow", size: 600_000)
        var stage = mail.stage(limit: slow.count)
        try await stage.append(slow[..<400_000])
        try await mail.append(octets("quick"), to: inbox)
        try await test.store.index()
        try await stage.append(slow[400_000...])
        let message = NewMessage(try await stage.finish(), internalDate: .init(time: .init(0)))
        _ = try await mail.append([message], to: inbox)
        #expect(try await self.candidates("zebra", mail) == TextCandidates([2]))
        try await test.store.index()
        #expect(try await self.candidates("zebra", mail) == TextCandidates([]))
        #expect(try await self.candidates("slow", mail) == TextCandidates([2]))
        try await test.verify()
    }

    @Test func whatIsOnlyRelayedIsNotIndexed() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let acceptance = Acceptance(
            message: try await mail.staged(octets("relayed")),
            reversePath: "",
            remote: [RemoteRecipient(localPart: "x", domain: "remote.example")],
            receivedAt: test.clock.now
        )
        _ = try await test.store.accept(acceptance)
        try await test.store.index()
        #expect(try await self.indexed("relayed", test) == 0)
        try await mail.append(octets("relayed"), to: try await mail.inbox.id)
        #expect(try await self.candidates("zebra", mail) == TextCandidates([1]))
        try await test.store.index()
        #expect(try await self.candidates("zebra", mail) == TextCandidates([]))
        #expect(try await self.indexed("relayed", test) == 1)
        try await test.verify()
    }

    @Test func whatIsTooLongIsAlwaysACandidate() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("long", size: SearchTokens.textLimit + 100), to: inbox)
        try await mail.append(octets("short"), to: inbox)
        try await test.store.index()
        #expect(try await self.candidates("zebra", mail) == TextCandidates([1]))
        #expect(try await self.candidates("short", mail) == TextCandidates([1, 2]))
        #expect(try await test.number("SELECT count(*) FROM search_exception WHERE is_scanned = 1") == 1)
        try await test.verify()
    }

    @Test func anIndexOfAnotherMakingIsMadeAnew() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        try await mail.append(octets("apple"), to: try await mail.inbox.id)
        #expect(try await self.candidates("apple", mail) == nil, "nothing is indexed")
        try await test.store.index()
        #expect(try await self.candidates("zebra", mail) == TextCandidates([]))
        try await test.store.between { try $0.run("UPDATE search_progress SET version = version + 1") }
        #expect(try await self.candidates("zebra", mail) == nil)
        try await test.store.index()
        #expect(try await self.candidates("zebra", mail) == TextCandidates([]))
        #expect(try await self.indexed("apple", test) == 1)
    }

    /// Until it has been made anew, every message is looked at; the mail does not notice.
    @Test(arguments: [
        "UPDATE search_text_data SET block = zeroblob(10) WHERE id > 10",
        "UPDATE search_text_data SET block = x'FF' WHERE id = 10", "DELETE FROM search_text_data WHERE id = 10",
        "DELETE FROM search_progress", "DELETE FROM search_text_data WHERE id > 10",
    ])
    func aDamagedIndexIsMadeAnew(damage: String) async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        for number in 0..<50 { try await mail.append(octets("message \(number)"), to: inbox) }
        try await test.store.index()
        try await test.store.close()
        let again = try TestStore(clock: test.clock, in: test.folder)
        let mailAgain = again.store.mailStore(of: mail.account)
        try await again.store.between { try $0.script(damage) }
        _ = try await self.candidates("message", mailAgain)
        try await mailAgain.append(octets("message again"), to: inbox)
        _ = try await again.store.verify { _, _ in }
        try await again.store.index()
        #expect(try await self.candidates("message", mailAgain)?.count == 51)
        #expect(try await self.candidates("message 17", mailAgain) == TextCandidates([18]))
        try await again.verify()
    }

    @Test func anIndexThatCannotBeMadeIsGivenUpAndNothingWaitsForIt() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.append(octets("apple"), to: inbox, flags: .deleted)
        try await test.store.index()
        try await test.store.close()
        let again = try TestStore(clock: test.clock, in: test.folder)
        let mailAgain = again.store.mailStore(of: mail.account)
        try await again.store.between { try $0.script("DROP TABLE search_text_config") }
        #expect(try await self.candidates("apple", mailAgain) == nil)
        await #expect(throws: (any Error).self) { try await again.store.index() }
        try await again.store.index()
        try await mailAgain.append(octets("banana"), to: inbox)
        #expect(try await self.candidates("banana", mailAgain) == nil)
        _ = try await mailAgain.expunge(nil, in: inbox)
        test.clock.advance(by: 1801)
        try await again.store.maintain()
        #expect(try await again.number("SELECT count(*) FROM blob") == 1)
    }

    @Test func aFullDiskStopsTheIndexNotTheMail() async throws {
        let test = try TestStore { $0.sizeLimit = 6 << 18 }
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        var text = ""
        for number in 0..<4000 { text += String(number &* 2_654_435_761 % 99_999_989, radix: 36) }
        for number in 0..<7 { try await mail.append(octets("\(number)\(text)", size: 60_000), to: inbox) }
        await #expect(throws: StoreError.full) {
            for number in 0..<20 {
                try await mail.append(octets("more \(number)"), to: inbox)
                try await test.store.index()
                text = String(text.reversed()) + "\(number)"
                try await mail.append(octets(text), to: inbox)
            }
        }
        try await test.verify()
        _ = try await test.store.between { try $0.number("PRAGMA max_page_count = 100000") }
        try await mail.append(octets("apple pie"), to: inbox)
        try await test.store.index()
        #expect(try await self.candidates("apple pie", mail)?.count == 1)
        try await test.verify()
    }

    @Test func whatIsStoredIsIndexedByItself() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await test.store.keepIndexed(pause: {}, failed: { _ in }) }
            for number in 0..<20 {
                try await mail.append(octets("apple \(number)"), to: inbox)
                while try await self.indexed("apple \(number)", test) < 1 { await Task.yield() }
            }
            try await test.store.close()
            try await group.waitForAll()
        }
    }
}
