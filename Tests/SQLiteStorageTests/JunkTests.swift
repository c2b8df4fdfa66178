// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// What moving mail teaches, and that it counts once.
@Suite("Lessons about junk") struct JunkTests {
    /// A message with words of its own, from a domain that is shown by its first field.
    private static func message(_ word: String, from domain: String = "shop.example") -> [UInt8] {
        Array(
            "X-Shown: \(domain)\r\nFrom: news@\(domain)\r\nSubject: \(word)\r\n\r\n\(word) and more \(word)ing\r\n".utf8
        )
    }

    private static let author: SQLiteStore.AuthorCheck = { header in
        HeaderParser(header).first { $0.isNamed("X-Shown") }.map { String(decoding: $0.unfoldedValue, as: UTF8.self) }
    }

    /// A store with an account, and what is known of its mailboxes.
    private struct World {
        let test: TestStore
        let mail: any MailStore
        var store: SQLiteStore { self.test.store }

        init(options: (inout StoreOptions) -> Void = { _ in }) async throws {
            self.test = try TestStore(options: options)
            self.mail = try await self.test.account()
        }

        func mailbox(_ name: String) async throws -> MailboxID {
            try #require(try await self.mail.mailbox(named: name)).id
        }

        @discardableResult
        func put(
            _ word: String,
            in name: String = "INBOX",
            flags: SystemFlags = [],
            keywords: [String] = []
        )
            async throws -> UID
        {
            try await self.mail.append(
                JunkTests.message(word),
                to: self.mailbox(name),
                flags: flags,
                keywords: keywords
            )
        }

        @discardableResult
        func move(_ uids: [UID], from source: String, to target: String) async throws -> [UID] {
            try await self.mail.move(uids, from: self.mailbox(source), to: self.mailbox(target)).target
        }

        func change(_ uid: UID, in name: String, _ operation: FlagChange.Operation, _ flags: FlagSet) async throws {
            _ = try await self.mail.changeFlags(
                of: [uid],
                in: self.mailbox(name),
                FlagChange(operation, flags),
                unchangedSince: nil,
                knownUntil: nil
            )
        }

        func learn() async throws { try await self.store.learn(author: JunkTests.author) }

        /// Lessons that count: junk, wanted.
        var counts: [Int] {
            get async throws {
                let lessons = try #require(try await self.store.junkLessons(of: "ann@example.org").first)
                #expect(lessons.waiting == 0)
                return [lessons.counts.junk, lessons.counts.wanted]
            }
        }

        /// Everything that was learnt, in an order of its own.
        var learnt: [[Int64]] {
            get async throws {
                try await self.store.read { sql in
                    try sql.all("SELECT token, junk, wanted FROM junk_token ORDER BY token") {
                        [$0.int64(0), $0.int64(1), $0.int64(2)]
                    }
                        + sql.all("SELECT junk, wanted, tokens FROM junk_account") {
                            [$0.int64(0), $0.int64(1), $0.int64(2)]
                        } + sql.all("SELECT junk, wanted FROM junk_domain") { [$0.int64(0), $0.int64(1)] }
                }
            }
        }
    }

    // MARK: What is a lesson

    @Test(
        "From where to where",
        arguments: [
            (.inbox, .junk, .junk, true), (.ordinary, .junk, .junk, true), (.other, .junk, .junk, true),
            (nil, .junk, .junk, true),
            (.trash, .junk, .junk, true), (.junk, .inbox, .wanted, true), (.junk, .ordinary, .wanted, true),
            (.junk, .other, .wanted, true), (.inbox, .ordinary, .wanted, false),
        ] as [(TeachingRole?, TeachingRole, Lesson, Bool)]
    )
    func lessons(source: TeachingRole?, target: TeachingRole, lesson: Lesson, isExplicit: Bool) throws {
        let found = try #require(TeachingRole.lesson(from: source, to: target))
        #expect(found == (lesson, isExplicit))
    }

    @Test(
        "Nothing else is one",
        arguments: [
            (.junk, .junk), (.junk, .trash), (.inbox, .trash), (.inbox, .inbox), (.inbox, .other),
            (.ordinary, .ordinary),
            (.ordinary, .inbox), (.trash, .inbox), (nil, .inbox), (nil, .ordinary), (.other, .ordinary),
        ] as [(TeachingRole?, TeachingRole)]
    )
    func noLessons(source: TeachingRole?, target: TeachingRole) {
        #expect(TeachingRole.lesson(from: source, to: target) == nil)
    }

    @Test("What mailboxes are for") func roles() {
        #expect(TeachingRole(name: "INBOX", specialUse: nil, isOwn: true) == .inbox)
        #expect(TeachingRole(name: "Spam", specialUse: "Junk", isOwn: true) == .junk)
        #expect(TeachingRole(name: "Spam", specialUse: "Junk", isOwn: false) == .other)
        #expect(TeachingRole(name: "Bin", specialUse: "Junk Trash", isOwn: true) == .trash)
        #expect(TeachingRole(name: "Sent", specialUse: "Sent", isOwn: true) == .other)
        #expect(TeachingRole(name: "Old", specialUse: "Archive", isOwn: true) == .ordinary)
        #expect(TeachingRole(name: "Junk", specialUse: nil, isOwn: true) == .ordinary, "a name says nothing")
    }

    @Test("Moving, copying and appending into Junk; each message once") func once() async throws {
        let world = try await World()
        let uids = [try await world.put("pills"), try await world.put("watches"), try await world.put("loans")]
        try await world.learn()
        #expect(try await world.counts == [0, 0])
        try await world.move([uids[0]], from: "INBOX", to: "Junk")
        _ = try await world.mail.copy([uids[1]], from: world.mailbox("INBOX"), to: world.mailbox("Junk"))
        try await world.put("casino", in: "Junk")
        try await world.learn()
        #expect(try await world.counts == [3, 0])
        let learnt = try await world.learnt
        // Again, by the same and by other ways.
        _ = try await world.mail.copy([uids[1]], from: world.mailbox("INBOX"), to: world.mailbox("Junk"))
        try await world.put("casino", in: "Junk")
        try await world.change(uids[1], in: "INBOX", .add, FlagSet(keywords: ["$Junk"]))
        try await world.learn()
        try await world.learn()
        #expect(try await world.learnt == learnt)
        try await world.test.verify()
    }

    @Test("Moving out takes the lesson back exactly, and is one itself") func unlearning() async throws {
        let world = try await World()
        let other = try await world.put("other", in: "Junk")
        let uid = try await world.put("letter", in: "Junk")
        let out = try await world.move([uid, other], from: "Junk", to: "Archive")
        try await world.learn()
        #expect(try await world.counts == [0, 2])
        let before = try await world.learnt
        // In, and out again.
        var uids = try await world.move([out[0]], from: "Archive", to: "Junk")
        try await world.learn()
        #expect(try await world.counts == [1, 1])
        #expect(try await world.learnt != before)
        uids = try await world.move(uids, from: "Junk", to: "INBOX")
        try await world.learn()
        #expect(try await world.learnt == before)
        // In and out before anything is learnt: nothing has happened.
        uids = try await world.move(uids, from: "INBOX", to: "Junk")
        try await world.move(uids, from: "Junk", to: "Archive")
        #expect(try await world.counts == [0, 2])
        // Into Trash says nothing.
        let junk = try await world.put("junk", in: "Junk")
        try await world.move([junk], from: "Junk", to: "Trash")
        try await world.learn()
        #expect(try await world.counts == [1, 2])
        try await world.test.verify()
    }

    @Test("$Junk and $NotJunk, and both together, which say nothing") func keywords() async throws {
        let world = try await World()
        let uid = try await world.put("letter")
        try await world.change(uid, in: "INBOX", .add, FlagSet(keywords: ["$junk"]))
        try await world.learn()
        #expect(try await world.counts == [1, 0])
        try await world.change(uid, in: "INBOX", .add, FlagSet(keywords: ["$NotJunk"]))
        try await world.learn()
        #expect(try await world.counts == [1, 0])
        try await world.change(uid, in: "INBOX", .remove, FlagSet(keywords: ["$Junk"]))
        try await world.learn()
        #expect(try await world.counts == [0, 1])
        try await world.change(uid, in: "INBOX", .replace, FlagSet(system: [.seen], keywords: ["$Junk"]))
        try await world.learn()
        #expect(try await world.counts == [1, 0])
    }

    @Test("Who has never shown junk need not show what is wanted; from then on, filing and answering do")
    func ordinaryUse()
        async throws
    {
        let world = try await World()
        let before = try await world.put("before")
        try await world.move([before], from: "INBOX", to: "Archive")
        #expect(try await world.test.number("SELECT count(*) FROM junk_lesson") == 0)
        try await world.put("junk", in: "Junk")
        let (filed, answered) = (try await world.put("filed"), try await world.put("answered"))
        try await world.move([filed], from: "INBOX", to: "Archive")
        try await world.change(answered, in: "INBOX", .add, FlagSet(system: [.answered]))
        let inJunk = try await world.put("junk2", in: "Junk")
        try await world.change(inJunk, in: "Junk", .add, FlagSet(system: [.answered]))
        try await world.learn()
        #expect(try await world.counts == [2, 2])
    }

    @Test("With the first junk comes what was seen and kept, but nothing else") func survey() async throws {
        let world = try await World()
        for number in 0..<5 { try await world.put("kept\(number)", flags: [.seen]) }
        try await world.put("filed", in: "Archive", flags: [.seen])
        try await world.put("unseen")
        try await world.put("deleted", flags: [.seen, .deleted])
        try await world.put("marked", flags: [.seen], keywords: ["$Junk"])
        for name in ["Trash", "Sent", "Drafts"] { try await world.put("in \(name)", in: name, flags: [.seen]) }
        let junk = try await world.put("junk", flags: [.seen])
        try await world.move([junk], from: "INBOX", to: "Junk")
        try await world.learn()
        #expect(try await world.counts == [1, 6])
        // Not again on the same day, and a day later only what was there a day ago.
        try await world.put("later", flags: [.seen])
        try await world.put("junk2", in: "Junk")
        try await world.learn()
        #expect(try await world.counts == [2, 6])
        world.test.clock.advance(by: 86_400)
        try await world.put("junk3", in: "Junk")
        try await world.learn()
        #expect(try await world.counts == [3, 7])
        // Who moves one of them to Junk meant it.
        let first = try #require(try await world.mail.open(world.mailbox("INBOX")).current).uids().first
        try await world.move([UID(rawValue: try #require(first))], from: "INBOX", to: "Junk")
        try await world.learn()
        #expect(try await world.counts == [4, 6])
    }

    @Test("Only one's own acts in one's own mailboxes count") func shared() async throws {
        let world = try await World()
        let bob = try await world.test.account("bob@example.org")
        for name in ["INBOX", "Junk"] {
            try await world.mail.setAccess(
                RightsChange(.replace, .all),
                for: "bob@example.org",
                to: world.mailbox(name)
            )
        }
        let uid = try await world.put("letter")
        _ = try await bob.move([uid], from: world.mailbox("INBOX"), to: world.mailbox("Junk"))
        #expect(try await world.test.number("SELECT count(*) FROM junk_lesson") == 0)
    }

    @Test("Nothing is noted where nobody learns") func off() async throws {
        let world = try await World { $0.learnsJunk = false }
        try await world.put("junk", in: "Junk")
        #expect(try await world.test.number("SELECT count(*) FROM junk_lesson") == 0)
    }

    // MARK: Whatever happens

    @Test("A process that ends before it has learnt, and one that is told twice") func restart() async throws {
        let world = try await World()
        try await world.put("pills", in: "Junk")
        try await world.put("watches", in: "Junk")
        let account = world.mail.account
        // Learnt once, though the same reading is written three times: the second time the lesson is no longer open.
        let key = try #require(TokenKey(Array(0..<16)))
        _ = try await world.store.write { try $0.makeModel(of: account) }
        let read = try await world.store.read { try $0.lessons(of: account, key, limit: 1, Self.author) }
        for _ in 0..<3 { try await world.store.write { try $0.learn(try #require(read.first), of: account) } }
        #expect(try await world.test.number("SELECT junk FROM junk_account") == 1)
        // The other one waits in the file.
        try await world.store.close()
        let again = try TestStore(clock: world.test.clock, in: world.test.folder)
        try await again.store.learn(author: Self.author)
        #expect(try await again.number("SELECT junk FROM junk_account") == 2)
        #expect(try await again.number("SELECT count(*) FROM junk_lesson WHERE learnt <> meant") == 0)
        try await again.verify()
        try await again.store.close()
    }

    @Test("A lesson that changes while it is being learnt") func race() async throws {
        let world = try await World()
        let uid = try await world.put("letter", in: "Junk")
        let account = world.mail.account
        let model = try #require(try await world.store.write { try $0.makeModel(of: account) })
        let read = try await world.store.read { try $0.lessons(of: account, model.key, limit: 1, Self.author) }
        try await world.move([uid], from: "Junk", to: "Archive")
        try await world.store.write { try $0.learn(try #require(read.first), of: account) }
        try await world.learn()
        #expect(try await world.counts == [0, 1])
    }

    @Test("Messages that are taken apart in another way are learnt anew") func version() async throws {
        let world = try await World()
        try await world.put("pills", in: "Junk")
        try await world.put("watches", in: "Junk")
        try await world.learn()
        try await world.store.write { try $0.sql.run("UPDATE junk_account SET version = version - 1") }
        try await world.store.close()
        let again = try TestStore(clock: world.test.clock, in: world.test.folder)
        try await again.store.learn(author: Self.author)
        #expect(try await again.number("SELECT junk FROM junk_account") == 2)
        try await again.verify()
        try await again.store.close()
    }

    @Test("Words are bounded: those seen once, longest ago, go first") func eviction() async throws {
        let world = try await World { $0.junkTokens = 60 }
        for number in 0..<40 {
            try await world.put("pills\(number)", in: "Junk")
            try await world.learn()
            world.test.clock.advance(by: 1)
        }
        let tokens = try await world.test.number("SELECT count(*) FROM junk_token")
        #expect(tokens > 40 && tokens <= 60)
        #expect(try await world.counts == [40, 0])
        // What was in every message is still known.
        #expect(try await world.test.number("SELECT max(junk) FROM junk_token") == 40)
        try await world.test.verify()
    }

    @Test("What is removed leaves nothing behind") func removal() async throws {
        let world = try await World { $0.retention = 0 }
        let uid = try await world.put("pills", in: "Junk", flags: [.deleted])
        try await world.put("watches", in: "Junk")
        try await world.learn()
        _ = try await world.mail.expunge([uid], in: world.mailbox("Junk"))
        try await world.store.maintain()
        // What it taught stays.
        #expect(try await world.test.number("SELECT count(*) FROM junk_lesson") == 1)
        #expect(try await world.counts == [2, 0])
        try await world.test.verify()
        try await world.store.forgetJunkLessons(of: "ann@example.org")
        #expect(try await world.counts == [0, 0])
        #expect(try await world.test.number("SELECT count(*) FROM junk_token") == 0)
        #expect(try await world.store.junkLessons(of: nil).isEmpty)
        try await world.put("loans", in: "Junk")
        try await world.learn()
        #expect(try await world.counts == [1, 0])
        try await world.store.removeAccount("ann@example.org")
        try await world.store.maintain()
        for table in ["account", "token", "domain", "lesson", "correspondent"] {
            #expect(try await world.test.number("SELECT count(*) FROM junk_\(table)") == 0, "\(table)")
        }
        try await world.test.verify()
    }

    // MARK: Judging

    @Test("Nothing is judged before twenty of both kinds; then words and authors count") func judging() async throws {
        let world = try await World()
        let account = world.mail.account
        func verdict(
            _ word: String,
            from domain: String = "unknown.example",
            shown: Bool = false
        ) async throws
            -> JunkVerdict?
        {
            let message = try await world.store.staged(Self.message(word, from: domain))
            return try await world.store.judge(message, from: shown ? domain : nil, for: [account])[account]
        }
        for number in 0..<20 {
            _ = try await world.mail.append(
                Self.message("pills number\(number)", from: "bad.example"),
                to: world.mailbox("Junk")
            )
            let uid = try await world.mail.append(
                Self.message("meeting number\(number)", from: "good.example"),
                to: world.mailbox("Junk")
            )
            if number == 19 { try await world.learn() }
            #expect(try await verdict("pills") == nil)
            try await world.move([uid], from: "Junk", to: "Archive")
        }
        try await world.learn()
        #expect(try await world.counts == [20, 20])
        #expect(world.store.isReady(for: [account]))
        #expect(try await verdict("pills")?.likeness == .junk)
        #expect(try await verdict("meeting")?.likeness == .wanted)
        #expect(try await verdict("nothing known")?.likeness == .unsure)
        #expect(try await verdict("nothing known", from: "bad.example", shown: true)?.author?.reputation == .bad)
        #expect(try await verdict("pills", from: "good.example", shown: true)?.isJunk == false)
        #expect(try await verdict("pills", from: "good.example")?.author == nil)
        // Whom the account has written to.
        try await world.store.write { try $0.note(["News@bad.example"], writtenToBy: account) }
        #expect(try await verdict("pills", from: "bad.example", shown: true)?.likeness == .wanted)
        #expect(try await verdict("pills", from: "bad.example")?.likeness == .junk)
        // After a restart too.
        try await world.store.close()
        let again = try TestStore(clock: world.test.clock, in: world.test.folder)
        #expect(again.store.isReady(for: [account]))
        try await again.store.close()
    }

    @Test("Of those written to, the last ones are remembered, and nobody of a circular") func correspondents()
        async throws
    {
        let world = try await World()
        let account = world.mail.account
        try await world.store.write { transaction in
            for start in stride(from: 0, to: 5_040, by: 40) {
                try transaction.note((start..<start + 40).map { "a\($0)@example.net" }, writtenToBy: account)
            }
            try transaction.note((0..<51).map { "b\($0)@example.net" }, writtenToBy: account)
        }
        #expect(try await world.test.number("SELECT count(*) FROM junk_correspondent") == 5_000)
        #expect(try await world.test.number("SELECT count(*) FROM junk_correspondent WHERE address LIKE 'b%'") == 0)
    }
}
