// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite("The store as programs use it from afar") struct ServedStoreTests {
    private static func message(_ text: String, in store: any MailStore) async throws -> NewMessage {
        var stage = store.stage(limit: 10_000)
        try await stage.append(Array(text.utf8)[...])
        return NewMessage(try await stage.finish(), internalDate: MessageDate(time: UnixTime(rawValue: 7)))
    }

    /// A store, and its INBOX with so many messages.
    private static func filled(_ count: Int) async throws -> (TestStore, any ServedMailStore, MailboxID) {
        let store = try TestStore()
        let mail = store.store.servedStore(of: try await store.account().account)
        let inbox = try #require(try await mail.mailbox(named: "INBOX", needing: .read)).id
        var messages: [NewMessage] = []
        for number in 0..<count { messages.append(try await Self.message("Subject: \(number)\r\n\r\n", in: mail)) }
        _ = try await mail.append(messages, to: inbox)
        return (store, mail, inbox)
    }

    @Test("Batches have every message once, with what it is now") func batches() async throws {
        let (_, mail, inbox) = try await Self.filled(600)
        _ = try await mail.changeFlags(
            of: [UID(rawValue: 300)],
            in: inbox,
            FlagChange(.add, FlagSet(system: .seen, keywords: ["$A"])),
            unchangedSince: nil
        )
        var uids: [UInt32] = []
        var after = UID(rawValue: 0)
        while true {
            let batch = try await mail.listing(of: inbox, after: after, limit: 250, since: nil)
            uids += batch.messages.map(\.uid.rawValue)
            if let message = batch.messages.first(where: { $0.uid.rawValue == 300 }) {
                #expect(message.flags == FlagSet(system: .seen, keywords: ["$A"]))
                #expect(message.modSeq == batch.highestModSeq)
            }
            guard batch.hasMore, let last = batch.messages.last else { break }
            after = last.uid
        }
        #expect(uids == Array(1...600))
        let since = try await mail.changes(since: ModSeq(rawValue: 0)).modSeq.rawValue - 1
        let changed = try await mail.listing(
            of: inbox,
            after: UID(rawValue: 0),
            limit: 10,
            since: ModSeq(rawValue: since)
        )
        #expect(changed.messages.map(\.uid.rawValue) == [300])
        #expect(!changed.hasMore)
    }

    @Test("A message is found by its identifier, in the account's own mailboxes, by an index") func find() async throws
    {
        let (store, mail, inbox) = try await Self.filled(3)
        let listed = try await mail.listing(of: inbox, after: UID(rawValue: 0), limit: 10, since: nil).messages
        for message in listed {
            #expect(EmailID(message.id.text) == message.id)
            #expect(try await mail.message(message.id, including: MessageParts())?.uid == message.uid)
            #expect(try await mail.uids(of: [message.id], in: inbox) == [message.uid])
        }
        let other = store.store.servedStore(of: try await store.account("bob@example.org").account)
        #expect(try await other.message(listed[0].id, including: MessageParts()) == nil)
        await #expect(throws: StoreError.noSuchMailbox) { try await other.uids(of: [listed[0].id], in: inbox) }
        for query in [SQL.findMessage, SQL.findInMailbox] {
            let plan = try await store.store.read { sql in try sql.all("EXPLAIN QUERY PLAN \(query)") { $0.text(3) } }
            #expect(plan.contains { $0.contains("blob USING") && $0.contains("sha256>? AND sha256<?") }, "\(plan)")
            #expect(plan.contains { $0.contains("message_blob (blob=? AND mailbox=?") }, "\(plan)")
        }
        for text in [
            "", "M", "Mx_1_0", "M" + String(repeating: "0", count: 32), listed[0].id.text + "x",
            listed[0].id.text.uppercased(),
        ] {
            #expect(EmailID(text) == nil, "\(text)")
        }
    }

    @Test("Work under a key is done once; the key and its effect are one transaction") func once() async throws {
        let (store, mail, inbox) = try await Self.filled(0)
        let message = try await Self.message("Subject: x\r\n\r\n", in: mail)
        let key = RequestKey(key: "k", fingerprint: [1])
        let answer = StoreAnswer(status: 201, octets: [7])
        struct Failure: Error {}
        // What fails before its answer is known has not happened, and has no key.
        await #expect(throws: Failure.self) {
            try await mail.perform(.append(message, to: inbox), once: key) { _ in throw Failure() }
        }
        #expect(try await store.number("SELECT count(*) FROM message") == 0)
        #expect(try await store.number("SELECT count(*) FROM request") == 0)
        let first = try await mail.perform(.append(message, to: inbox), once: key) { _ in answer }
        let second = try await mail.perform(.append(message, to: inbox), once: key) { _ in answer }
        #expect(first == .done(answer, isReplay: false))
        #expect(second == .done(answer, isReplay: true))
        let other = RequestKey(key: "k", fingerprint: [2])
        #expect(try await mail.perform(.expunge([], in: inbox), once: other) { _ in answer } == .otherRequest)
        #expect(try await store.number("SELECT count(*) FROM message") == 1)
        try await store.verify()
    }

    @Test("Work that is not the store's begins and ends under its key") func running() async throws {
        let (store, mail, _) = try await Self.filled(0)
        let key = RequestKey(key: "k", fingerprint: [1])
        #expect(try await mail.begin(key) == nil)
        #expect(try await mail.begin(key) == .running)
        try await mail.end(key, with: nil)
        #expect(try await mail.begin(key) == nil)
        try await mail.end(key, with: StoreAnswer(status: 201, octets: [1]))
        #expect(try await mail.begin(key) == .done(StoreAnswer(status: 201, octets: [1]), isReplay: true))
        store.clock.advance(by: RequestKey.lifetime)
        #expect(try await mail.begin(key) == nil)
        #expect(try await store.number("SELECT count(*) FROM request") == 1)
    }

    @Test("Of keys, the last ones are known") func keyLimit() async throws {
        let (store, mail, inbox) = try await Self.filled(0)
        try await store.store.write { transaction in
            for number in 1...Int(RequestKey.perAccount) {
                try transaction.sql.run(
                    "INSERT INTO request VALUES (?, ?, ?, x'01', 200, x'', ?, 0)",
                    .int(mail.account.rawValue),
                    .text("old\(number)"),
                    .int(number),
                    .int(transaction.now.rawValue)
                )
            }
        }
        let key = RequestKey(key: "new", fingerprint: [1])
        _ = try await mail.perform(.expunge([], in: inbox), once: key) { _ in StoreAnswer(status: 200, octets: []) }
        #expect(try await store.number("SELECT count(*) FROM request") == Int(RequestKey.perAccount))
        #expect(try await store.number("SELECT count(*) FROM request WHERE key = 'old1'") == 0)
    }

    @Test("Answers are kept as long as they have room; the oldest go first") func answerLimit() async throws {
        let (store, mail, inbox) = try await Self.filled(0)
        let answer = StoreAnswer(status: 200, octets: [UInt8](repeating: 7, count: 1 << 20))
        let limit = Int(RequestKey.answersPerAccount)
        for number in 1...(limit >> 20) + 4 {
            let key = RequestKey(key: "k\(number)", fingerprint: [1])
            _ = try await mail.perform(.expunge([], in: inbox), once: key) { _ in answer }
        }
        #expect(try await store.number("SELECT sum(length(answer)) FROM request") == limit)
        #expect(try await store.number("SELECT min(number) FROM request") == 5)
    }

    @Test("What overlaps the removal of its account adds nothing, and nothing holds the removal up")
    func removed() async throws {
        let (store, mail, _) = try await Self.filled(1)
        let (key, value) = (RequestKey(key: "k", fingerprint: [1]), [UInt8](repeating: 7, count: 32))
        try await store.store.write { transaction in
            try transaction.removeAccount(AccountAddress("ann@example.org"))
            #expect(throws: StoreError.notFound("account")) { try transaction.remember(key, nil, mail.account) }
            #expect(throws: StoreError.notFound("account")) {
                try transaction.setValue(StoredValue(octets: [1], digest: value), of: "k", mail.account) { _ in true }
            }
            // As an earlier version has left it.
            try transaction.sql.run(
                "INSERT INTO request VALUES (?, 'k', 1, x'01', NULL, NULL, 0, 0)",
                .int(mail.account.rawValue)
            )
        }
        try await store.store.maintain()
        #expect(try await store.number("SELECT count(*) FROM account") == 0)
        await #expect(throws: StoreError.notFound("account")) { try await mail.begin(key) }
        try await store.verify()
    }

    @Test("The account's mod-sequence tells of subscriptions, names and uses too") func states() async throws {
        let (_, mail, _) = try await Self.filled(0)
        var last = try await mail.changes(since: ModSeq(rawValue: .max)).modSeq
        func expectMore(_ what: Comment, sourceLocation: SourceLocation = #_sourceLocation) async throws {
            let now = try await mail.changes(since: ModSeq(rawValue: .max)).modSeq
            #expect(now > last, what, sourceLocation: sourceLocation)
            last = now
        }
        try await mail.setSubscribed(false, name: "Sent")
        try await expectMore("subscription")
        try await mail.renameMailbox(from: "Sent", to: "Out")
        try await expectMore("name")
        let out = try #require(try await mail.mailbox(named: "Out", needing: .read)).id
        _ = try await mail.change(out, .update(name: nil, specialUses: [.flagged], isSubscribed: nil)) { _ in true }
        try await expectMore("use")
        try await mail.deleteMailbox(named: "Out")
        try await expectMore("deletion")
        guard case nil = try await mail.mailbox(out) else {
            Issue.record("expected no mailbox")
            return
        }
    }

    @Test("A mailbox changes only if it is as expected, completely or not at all") func change() async throws {
        let (_, mail, inbox) = try await Self.filled(0)
        let sent = try #require(try await mail.mailbox(named: "Sent", needing: .read)).id
        guard case .unexpected = try await mail.change(sent, .delete, if: { _ in false }) else {
            Issue.record("expected it to be left alone")
            return
        }
        await #expect(throws: StoreError.mailboxExists) {
            try await mail.change(sent, .update(name: "Trash", specialUses: [], isSubscribed: false)) { _ in true }
        }
        #expect(try await mail.mailbox(sent)?.mailbox.specialUses == [.sent])
        await #expect(throws: StoreError.self) {
            try await mail.change(inbox, .update(name: "Old", specialUses: nil, isSubscribed: nil)) { _ in true }
        }
    }
}
