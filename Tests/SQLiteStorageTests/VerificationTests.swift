// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Synchronization
import Testing

@testable import SQLiteStorage

@Suite struct VerificationTests {
    /// A store with something of everything.
    static func make() async throws -> TestStore {
        let test = try TestStore()
        let mail = try await test.account()
        _ = try await test.account("bob@example.org")
        try await test.store.addAlias("team@example.org", targets: ["bob@example.org"])
        let inbox = try await mail.inbox.id
        for number in 0..<6 {
            try await mail.append(octets("\(number)"), to: inbox, flags: number == 5 ? .deleted : [], keywords: ["k"])
        }
        try await mail.append(octets("large", size: 600_000), to: inbox)
        _ = try await mail.expunge(nil, in: inbox)
        _ = try await test.store.accept(
            Acceptance(
                message: try await mail.staged(octets("queued")),
                reversePath: "",
                remote: [RemoteRecipient(localPart: "x", domain: "remote.example")],
                receivedAt: test.clock.now
            )
        )
        try await test.store.index()
        return test
    }

    @Test func allIsWell() async throws {
        let test = try await Self.make()
        let calls = Mutex<[[Int]]>([])
        let problems = try await test.store.verify { done, total in calls.withLock { $0.append([done, total]) } }
        #expect(problems == [])
        let steps = calls.withLock { $0 }
        #expect(steps.map { $0[0] } == Array(1...steps.count))
        #expect(steps.allSatisfy { $0[1] == steps.count })
    }

    /// Damage, and words of what is said of it.
    private static let damages = [
        ("UPDATE mailbox SET messages = messages + 1 WHERE name = 'INBOX'", "counters"),
        ("UPDATE mailbox SET unseen = 1 WHERE name = 'INBOX' AND account = 1", "counters"),
        ("UPDATE mailbox SET deleted = 1 WHERE name = 'INBOX' AND account = 1", "counters"),
        ("UPDATE mailbox SET recent = 0 WHERE name = 'INBOX'", "counters"),
        ("UPDATE mailbox SET size = size + 1 WHERE name = 'INBOX'", "counters"),
        ("UPDATE mailbox SET uidnext = 3, first_recent_uid = 1 WHERE name = 'INBOX'", "below its mailbox's next"),
        ("UPDATE mailbox SET highestmodseq = 1000", "not above its account's"),
        ("UPDATE mailbox SET highestmodseq = 1 WHERE name = 'INBOX'", "is that of its last change"),
        ("UPDATE mailbox SET uidvalidity = 4294967295 WHERE name = 'INBOX'", "not above the last"),
        ("UPDATE mailbox SET name = 'inbox/x' WHERE name = 'Trash'", "in the form that is stored"),
        ("UPDATE mailbox SET special_use = 'Nonsense' WHERE name = 'Trash'", "one of RFC 6154"),
        ("UPDATE mailbox SET name = 'Other' WHERE name = 'INBOX' AND account = 1", "has an INBOX"),
        ("UPDATE account SET modseq = 1", "not above its account's"),
        ("UPDATE account SET local_part = NULL WHERE id = 1", "both parts"),
        ("UPDATE account SET local_part = NULL, domain = NULL WHERE id = 2", "no mailboxes, subscriptions"),
        ("DELETE FROM alias_target", "has a target"),
        ("UPDATE quota SET messages = messages + 1", "quota counts"),
        ("UPDATE quota SET size = size + 1", "quota counts"),
        ("DELETE FROM quota", "quota counts"),
        (
            "INSERT INTO annotation (account, mailbox, entry, value, modseq) VALUES (1, 999, '/private/a', x'00', 1)",
            "annotation is about"
        ),
        ("INSERT INTO acl (mailbox, account, is_negative, rights) VALUES (1, 999, 0, 'l')", "accounts that are there"),
        ("INSERT INTO acl (mailbox, account, is_negative, rights) VALUES (1, 2, 0, '')", "accounts that are there"),
        ("UPDATE mailbox SET name = 'user/x' WHERE name = 'Trash' AND account = 1", "as others' mailboxes"),
        (
            "INSERT INTO annotation (account, mailbox, entry, value, modseq) VALUES (2, 1, '/shared/a', x'00', 1)",
            "annotation is about"
        ),
        ("UPDATE alias SET local_part = 'ann'", "address of an account"),
        ("UPDATE keyword SET bit = 5", "lowest bits"),
        ("DELETE FROM keyword", "keywords that it knows"),
        ("DELETE FROM message WHERE uid = 2", "exactly its messages"),
        ("DELETE FROM page", "exactly its messages"),
        ("UPDATE page SET packed = x'00'", "can be read"),
        ("UPDATE message SET created_modseq = 1000 WHERE uid = 2", "above its mailbox's highest"),
        ("UPDATE message SET size = 1 WHERE uid = 2", "octets are there"),
        ("UPDATE message SET blob = 99 WHERE uid = 2", "octets are there"),
        ("UPDATE gone SET last = 100", "UIDs below"),
        ("UPDATE gone_extent SET ranges = 5", "gone is counted"),
        ("DELETE FROM gone_extent", "gone is counted"),
        ("UPDATE gone_extent SET since = 1000", "reaches back"),
        ("UPDATE gone SET first = 5", "gone is not there"),
        ("INSERT INTO gone SELECT mailbox, modseq - 1, first, last FROM gone", "goes once"),
        ("UPDATE blob SET refs = refs + 1 WHERE id = 1", "as many references"),
        ("UPDATE blob SET sha256 = zeroblob(32) WHERE id = 1", "digest"),
        ("UPDATE blob SET sha256 = NULL WHERE id = 1", "octets are there"),
        ("UPDATE blob SET size = 1 WHERE id = 1", "have its size"),
        ("UPDATE chunk SET octets = x'00' WHERE id >> 16 = 1", "digest"),
        ("UPDATE blob SET front = 10 WHERE id = 1", "without gaps"),
        ("UPDATE chunk SET id = id + 1 WHERE id & 65535 = 2", "without gaps"),
        ("UPDATE chunk SET id = id + 6553600 WHERE id >> 16 = 1", "belongs to a blob"),
        ("UPDATE blob_summary SET summary = x'FF' WHERE blob = 1", "can be read"),
        ("UPDATE blob_summary SET blob = 99 WHERE blob = 1", "summary belongs"),
        ("DELETE FROM blob_summary WHERE blob = 1", "have a summary"),
        ("DELETE FROM search_progress", "how far it is"),
        ("UPDATE search_progress SET indexed_to = 1000", "how far it is"),
        ("INSERT INTO search_exception VALUES (99, 0)", "that it has passed"),
        ("UPDATE search_progress SET indexed_to = 2", "that it has passed"),
        ("DELETE FROM search_exception", "search index has its words"),
        ("INSERT INTO search_text (search_text) VALUES ('delete-all')", "search index has its words"),
        ("UPDATE search_text_data SET block = zeroblob(10) WHERE id > 10", "search index"),
        ("DELETE FROM queue_recipient", "has recipients"),
        ("UPDATE queue SET next_attempt = 5", "first recipient"),
        ("UPDATE queue SET blob = 99", "queue entry's octets"),
        (
            "INSERT INTO junk_domain VALUES (2, 'x', 1, 0); UPDATE account SET local_part = NULL, domain = NULL WHERE id = 2",
            "has taught nothing"
        ),
        ("INSERT INTO junk_account VALUES (1, zeroblob(16), 1, 0, 0, 5, NULL, NULL)", "counts its tokens"),
        (
            "INSERT INTO junk_token VALUES (1, 7, 1, 0, 0); INSERT INTO junk_account VALUES (1, zeroblob(16), 1, 0, 0, 1, 0, 0)",
            "counts its tokens"
        ),
        ("INSERT INTO junk_lesson VALUES (1, 999, 1, 0, NULL)", "about octets that are there"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM domain; PRAGMA foreign_keys = ON", "reference is to a row"),
    ]

    /// Each kind of damage is found, and named.
    @Test(arguments: damages)
    func damageIsFound(sql: String, words: String) async throws {
        let test = try await Self.make()
        try await test.store.between { try $0.script(sql) }
        let problems = try await test.store.verify { _, _ in }
        #expect(problems.contains { $0.contains(words) }, "\(problems)")
    }

    @Test("Every rule is broken by one of them", arguments: Rule.all.map(\.truth))
    func everyRuleIsTested(truth: String) {
        #expect(Self.damages.contains { truth.contains($0.1) })
    }
}
