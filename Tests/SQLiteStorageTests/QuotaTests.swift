// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// RFC 9208: what an account uses is counted where it changes, and kept within its limits.
@Suite struct QuotaTests {
    private let address = "ann@example.org"

    private func acceptance(_ message: StagedMessage, to accounts: [AccountID], _ test: TestStore) -> Acceptance {
        Acceptance(message: message, reversePath: "", local: accounts, receivedAt: test.clock.now)
    }

    @Test func countsWhatIsThere() async throws {
        let test = try TestStore()
        let mail = try await test.account(self.address)
        #expect(try await mail.quota() == Quota(messages: 0, octets: 0, limits: .none))
        let (inbox, trash) = (try await mail.inbox.id, try #require(try await mail.mailbox(named: "Trash")).id)
        let uid = try await mail.append(octets("a", size: 1000), to: inbox)
        try await mail.append(octets("b", size: 500), to: inbox, flags: .deleted)
        #expect(try await mail.quota() == Quota(messages: 2, octets: 1500, limits: .none))
        // A copy counts, though the octets are there once.
        _ = try await mail.copy([uid], from: inbox, to: trash)
        #expect(try await mail.quota() == Quota(messages: 3, octets: 2500, limits: .none))
        _ = try await mail.move([uid], from: inbox, to: trash)
        #expect(try await mail.quota() == Quota(messages: 3, octets: 2500, limits: .none))
        #expect(try await mail.deletedSize(of: inbox) == 500)
        #expect(try await mail.deletedSize(of: trash) == 0)
        _ = try await mail.expunge(nil, in: inbox)
        #expect(try await mail.quota() == Quota(messages: 2, octets: 2000, limits: .none))
        try await test.verify()
        try await mail.deleteMailbox(named: "Trash")
        #expect(try await mail.quota() == Quota(messages: 0, octets: 0, limits: .none))
        try await test.store.maintain()
        try await test.verify()
    }

    @Test func limitsAreKept() async throws {
        let test = try TestStore()
        let mail = try await test.account(self.address)
        let (inbox, trash) = (try await mail.inbox.id, try #require(try await mail.mailbox(named: "Trash")).id)
        let uid = try await mail.append(octets("a", size: 1000), to: inbox)
        try await test.store.setLimits(QuotaLimits(messages: 10, octets: 1999), of: self.address)
        #expect(try await test.store.quota(of: self.address).limits == QuotaLimits(messages: 10, octets: 1999))
        await #expect(throws: StoreError.overQuota) { try await mail.append(octets("b", size: 1000), to: inbox) }
        await #expect(throws: StoreError.overQuota) { try await mail.copy([uid], from: inbox, to: trash) }
        try await mail.append(octets("c", size: 999), to: inbox)
        // What uses no more than before is always allowed: moving, renaming INBOX, flags.
        let moved = try await mail.move([uid], from: inbox, to: trash)
        #expect(moved.target.count == 1)
        try await mail.renameMailbox(from: "INBOX", to: "Old")
        try await test.store.setLimits(QuotaLimits(messages: 2), of: self.address)
        await #expect(throws: StoreError.overQuota) { try await mail.append(octets("d"), to: inbox) }
        // Below what is there: it can only shrink.
        try await test.store.setLimits(QuotaLimits(messages: 0, octets: 0), of: self.address)
        _ = try await mail.move(moved.target, from: trash, to: inbox)
        await #expect(throws: StoreError.overQuota) { try await mail.append(octets("e"), to: inbox) }
        try await test.store.setLimits(.none, of: self.address)
        try await mail.append(octets("f"), to: inbox)
        #expect(try await mail.quota().messages == 3)
        await #expect(throws: StoreError.self) {
            try await test.store.setLimits(QuotaLimits(messages: -1), of: self.address)
        }
        await #expect(throws: StoreError.notFound("eve@example.org")) {
            try await test.store.setLimits(.none, of: "eve@example.org")
        }
        try await test.verify()
    }

    /// One transaction: of messages that do not fit together none is added.
    @Test func allOrNone() async throws {
        let test = try TestStore()
        let mail = try await test.account(self.address)
        let inbox = try await mail.inbox.id
        try await test.store.setLimits(QuotaLimits(octets: 250), of: self.address)
        let messages = [
            NewMessage(
                try await mail.staged(octets("a", size: 100)),
                internalDate: MessageDate(time: test.clock.now)
            ),
            NewMessage(
                try await mail.staged(octets("b", size: 200)),
                internalDate: MessageDate(time: test.clock.now)
            ),
        ]
        await #expect(throws: StoreError.overQuota) { try await mail.append(messages, to: inbox) }
        #expect(try await mail.quota().messages == 0)
        #expect(try await mail.status(of: inbox).messages == 0)
        _ = try await mail.append([messages[1]], to: inbox)
        #expect(try await mail.quota().octets == 200)
        try await test.verify()
    }

    /// Whoever is full is refused; whoever has a little room gets the message whole.
    ///
    /// A report comes in any case.
    @Test func deliveries() async throws {
        let test = try TestStore()
        let (ann, bob) = (try await test.account(self.address), try await test.account("bob@example.org"))
        try await test.store.setLimits(QuotaLimits(octets: 100), of: self.address)
        let message = try await ann.staged(octets("a", size: 150))
        _ = try await test.store.accept(self.acceptance(message, to: [ann.account, bob.account], test))
        #expect(try await ann.quota().octets == 150)
        let second = try await ann.staged(octets("b"))
        await #expect(throws: StoreError.overQuota) {
            try await test.store.accept(self.acceptance(second, to: [ann.account, bob.account], test))
        }
        #expect(try await bob.quota().messages == 1)
        _ = try await test.store.accept(
            self.acceptance(second, to: [bob.account], test),
            report: self.acceptance(try await ann.staged(octets("report")), to: [ann.account], test)
        )
        #expect(try await ann.quota().messages == 2)
        #expect(try await bob.quota().messages == 2)
        try await test.verify()
    }

    @Test func aStoreOfTheFirstSchemaIsCounted() async throws {
        let test = try TestStore()
        let mail = try await test.account(self.address)
        try await mail.append(octets("a", size: 300), to: try await mail.inbox.id)
        let gone = try await test.account("gone@example.org")
        try await gone.append(octets("b"), to: try await gone.inbox.id)
        try await test.store.removeAccount("gone@example.org")
        try await test.store.between { sql in
            try sql.script("DROP TABLE quota")
            try sql.script(Schema.quota)
        }
        #expect(try await mail.quota() == Quota(messages: 1, octets: 300, limits: .none))
        try await test.verify()
    }

    /// Random operations that often do not fit: what is refused changes nothing, and what is counted is what is there.
    @Test(arguments: [UInt64(1), 2]) func countersEqualARecount(seed: UInt64) async throws {
        let test = try TestStore { $0.retention = 5 }
        let mail = try await test.account(self.address)
        var random = SeededGenerator(seed: seed)
        let texts = try await (0..<10).asyncMap { try await mail.staged(octets("text \($0)", size: $0 * 100)) }
        var refused = 0
        for step in 0..<600 {
            let ids = try await mail.mailboxes().map(\.id)
            let (from, to) = (ids.randomElement(using: &random), ids.randomElement(using: &random))
            guard let from, let to else { continue }
            let before = try await mail.quota()
            let uids = try await mail.open(from).current?.uids().filter { _ in Bool.random(using: &random) } ?? []
            let chosen = uids.prefix(20).map { UID(rawValue: $0) }
            do {
                switch Int.random(in: 0..<12, using: &random) {
                case 0..<4:
                    let count = Int.random(in: 1...4, using: &random)
                    let new = (0..<count).map { _ in
                        NewMessage(
                            texts[Int.random(in: 0..<texts.count, using: &random)],
                            flags: FlagSet(system: Bool.random(using: &random) ? .deleted : []),
                            internalDate: MessageDate(time: test.clock.now)
                        )
                    }
                    _ = try await mail.append(new, to: to)
                case 4..<6: _ = try await mail.copy(chosen, from: from, to: to)
                case 6..<8: _ = try await mail.move(chosen, from: from, to: to)
                case 8: _ = try await mail.expunge(nil, in: from)
                case 9:
                    let message = texts[Int.random(in: 0..<texts.count, using: &random)]
                    _ = try await test.store.accept(self.acceptance(message, to: [mail.account], test))
                case 10:
                    if Bool.random(using: &random) {
                        try await mail.deleteMailbox(named: "m")
                    } else {
                        _ = try await mail.createMailbox(named: "m", specialUse: nil)
                    }
                default:
                    try await test.store.setLimits(
                        QuotaLimits(
                            messages: Int64.random(in: 20...60, using: &random),
                            octets: Int64.random(in: 5000...20_000, using: &random)
                        ),
                        of: self.address
                    )
                }
            } catch StoreError.overQuota {
                refused += 1
                #expect(try await mail.quota() == before)
            } catch StoreError.noSuchMailbox, StoreError.mailboxExists {}
            let counted = try await self.recount(mail)
            let quota = try await mail.quota()
            #expect(quota.messages == counted.messages && quota.octets == counted.octets)
            if step % 200 == 199 { try await test.verify() }
        }
        #expect(refused > 20)
    }

    private func recount(_ mail: any MailStore) async throws -> (messages: Int64, octets: Int64) {
        var (messages, octets): (Int64, Int64) = (0, 0)
        for mailbox in try await mail.mailboxes() {
            let status = try await mail.status(of: mailbox.id)
            messages += Int64(status.messages)
            octets += Int64(status.size)
        }
        return (messages, octets)
    }
}

extension Range<Int> {
    fileprivate func asyncMap<Value>(_ body: (Int) async throws -> Value) async throws -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
