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
            (.inbox, .ordinary, .wanted, false),
        ] as [(TeachingRole?, TeachingRole, Lesson, Bool)]
    )
    func lessons(source: TeachingRole?, target: TeachingRole, lesson: Lesson, isExplicit: Bool) throws {
        let found = try #require(TeachingRole.lesson(from: source, to: target))
        #expect(found == (lesson, isExplicit))
    }

    @Test(
        "Nothing else is one",
        arguments: [
            (.junk, .junk), (.junk, .trash), (.junk, .other), (.inbox, .trash), (.inbox, .inbox), (.inbox, .other),
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
        // A name says nothing about mail, neither that it is junk nor that it is wanted.
        for name in ["Junk", "spam", "Junk E-mail", "Old/JUNK EMAIL", "Bulk Mail"] {
            #expect(TeachingRole(name: name, specialUse: nil, isOwn: true) == .other, "\(name)")
        }
        #expect(TeachingRole(name: "Spam recipes", specialUse: nil, isOwn: true) == .ordinary)
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

    @Test("The first one, too, takes only what was kept for a day") func youngMail() async throws {
        let world = try await World()
        for age: Int64 in [0, 86_399, 86_400] {
            let message = NewMessage(
                try await world.store.staged(Self.message("letter\(age)")),
                flags: FlagSet(system: .seen),
                internalDate: MessageDate(time: UnixTime(rawValue: world.test.clock.now.rawValue - age))
            )
            _ = try await world.mail.append([message], to: world.mailbox("INBOX"))
        }
        try await world.put("junk", in: "Junk")
        try await world.learn()
        #expect(try await world.counts == [1, 1])
    }

    @Test("What nobody has called wanted is learnt up to fifty, or twice as many as there are junk ones") func balance()
        async throws
    {
        let world = try await World()
        for number in 0..<60 { try await world.put("kept\(number)", flags: [.seen]) }
        try await world.put("junk", in: "Junk")
        try await world.learn()
        #expect(try await world.counts == [1, 50])
        // Filing and answering no more; who says so is heard.
        let (filed, answered) = (try await world.put("filed"), try await world.put("answered"))
        try await world.move([filed], from: "INBOX", to: "Archive")
        try await world.change(answered, in: "INBOX", .add, FlagSet(system: [.answered]))
        let said = try await world.put("said")
        try await world.change(said, in: "INBOX", .add, FlagSet(keywords: ["$NotJunk"]))
        try await world.learn()
        #expect(try await world.counts == [1, 51])
        // With more junk there is room again, for so many, though all are filed together and nothing was learnt meanwhile.
        for number in 0..<26 { try await world.put("more\(number)", in: "Junk") }
        var uids: [UID] = []
        for number in 0..<10 { uids.append(try await world.put("new\(number)")) }
        try await world.move(uids, from: "INBOX", to: "Archive")
        try await world.learn()
        #expect(try await world.counts == [27, 54])
        try await world.test.verify()
    }

    @Test("A mailbox that is for junk no more, and one that only has the name, are not where wanted mail is kept")
    func formerJunk() async throws {
        let world = try await World()
        _ = try await world.mail.createMailbox(named: "Spam", specialUses: [])
        try await world.put("named", in: "Spam", flags: [.seen])
        _ = try await world.mail.createMailbox(named: "Old", specialUses: [])
        // They are there without lessons, as those that the filter puts into Junk.
        for number in 0..<3 { try await world.put("judged\(number)", in: "Old", flags: [.seen]) }
        try await world.store.write { transaction in
            try transaction.sql.run("UPDATE mailbox SET special_use = NULL WHERE special_use = 'Junk'")
            try transaction.sql.run("UPDATE mailbox SET special_use = 'Junk' WHERE name = 'Old'")
        }
        _ = try await world.mail.createMailbox(named: "New", specialUses: [.junk])
        #expect(try await world.test.number("SELECT count(*) FROM junk_lesson WHERE meant = 0 AND learnt = 0") == 3)
        try await world.put("junk", in: "New")
        try await world.put("kept", in: "Archive", flags: [.seen])
        try await world.learn()
        #expect(try await world.counts == [1, 1])
        try await world.test.verify()
    }

    @Test("An account that cannot learn does not keep others from it") func oneFails() async throws {
        let world = try await World()
        let bob = try await world.test.account("bob@example.org")
        try await world.put("pills", in: "Junk")
        let ann = world.mail.account.rawValue
        try await world.store.write { transaction in
            try transaction.sql.script(
                """
                CREATE TRIGGER failure BEFORE INSERT ON junk_token WHEN NEW.account = \(ann)
                BEGIN SELECT RAISE(ABORT, 'it is broken'); END
                """
            )
        }
        let junk = try #require(try await bob.mailbox(named: "Junk")).id
        _ = try await bob.append(Self.message("watches"), to: junk)
        await #expect(throws: (any Error).self) { try await world.learn() }
        #expect(try await world.store.junkLessons(of: "bob@example.org").map(\.counts.junk) == [1])
        #expect(try await world.store.junkLessons(of: "ann@example.org").map(\.waiting) == [1])
    }

    @Test("What is learnt together counts as what is learnt one by one") func together() async throws {
        var sums: [[[Int64]]] = []
        for together in [true, false] {
            let world = try await World()
            var uids: [UID] = []
            for number in 0..<6 {
                uids.append(try await world.put("letter\(number % 3) and\(number)", in: "Junk"))
                if !together { try await world.learn() }
            }
            try await world.learn()
            for uid in uids.prefix(4) {
                try await world.move([uid], from: "Junk", to: "Archive")
                if !together { try await world.learn() }
            }
            try await world.learn()
            #expect(try await world.counts == [2, 4])
            sums.append(
                try await world.store.read { sql in
                    try sql.all("SELECT junk, wanted, count(*) FROM junk_token GROUP BY junk, wanted ORDER BY 1, 2") {
                        [$0.int64(0), $0.int64(1), $0.int64(2)]
                    }
                        + sql.all("SELECT domain, junk, wanted FROM junk_domain") { [$0.int64(1), $0.int64(2)] }
                }
            )
            try await world.test.verify()
        }
        #expect(sums[0] == sums[1])
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
        for _ in 0..<3 { try await world.store.write { try $0.learn(read, of: account) } }
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
        try await world.store.write { try $0.learn(read, of: account) }
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

    @Test("What an account submitted before it was removed keeps neither its row nor anything else")
    func removedSubmitter()
        async throws
    {
        let world = try await World { $0.retention = 0 }
        let account = world.mail.account
        try await world.put("letter")
        // In one transaction, for erasing begins at once.
        try await world.store.write { transaction in
            try transaction.removeAccount(AccountAddress("ann@example.org"))
            // Nothing is noted for it, and nobody is refused for that.
            try transaction.note(["eve@example.net"], writtenToBy: account)
            #expect(try transaction.sql.number("SELECT count(*) FROM junk_correspondent") == 0)
            // Nor would what was noted by whatever way be in the way.
            try transaction.sql.run(
                "INSERT INTO junk_correspondent (account, address, written_at) VALUES (?, 'a@example.net', 0)",
                .int(account.rawValue)
            )
        }
        try await world.store.maintain()
        #expect(try await world.test.number("SELECT count(*) FROM account") == 0)
        #expect(try await world.test.number("SELECT count(*) FROM blob") == 0)
        try await world.test.verify()
    }

    // MARK: Judging

    /// Enough words to decide by.
    private static let pills = "pills casino winner bonus discount lottery replica prize jackpot"
    private static let meeting = "meeting minutes garden release review lunch school dentist choir"

    @Test("Nothing is judged before fifty of both kinds; then words and authors count") func judging() async throws {
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
        for number in 0..<50 {
            _ = try await world.mail.append(
                Self.message("\(Self.pills) number\(number)", from: "bad.example"),
                to: world.mailbox("Junk")
            )
            let uid = try await world.mail.append(
                Self.message("\(Self.meeting) number\(number)", from: "good.example"),
                to: world.mailbox("Junk")
            )
            if number == 49 { try await world.learn() }
            #expect(try await verdict(Self.pills) == nil)
            try await world.move([uid], from: "Junk", to: "Archive")
        }
        try await world.learn()
        #expect(try await world.counts == [50, 50])
        #expect(world.store.isReady(for: [account]))
        #expect(try await verdict(Self.pills)?.likeness == .junk)
        #expect(try await verdict("pills")?.likeness == .unsure, "a word does not decide")
        #expect(try await verdict(Self.meeting)?.likeness == .wanted)
        #expect(try await verdict("nothing known")?.likeness == .unsure)
        #expect(try await verdict("nothing known", from: "bad.example", shown: true)?.author?.reputation == .bad)
        #expect(try await verdict(Self.pills, from: "good.example", shown: true)?.isJunk == false)
        #expect(try await verdict(Self.pills, from: "good.example")?.author == nil)
        // Whom the account has written to.
        try await world.store.write { try $0.note(["News@bad.example"], writtenToBy: account) }
        #expect(try await verdict(Self.pills, from: "bad.example", shown: true)?.likeness == .wanted)
        #expect(try await verdict(Self.pills, from: "bad.example")?.likeness == .junk)
        // After a restart too.
        try await world.store.close()
        let again = try TestStore(clock: world.test.clock, in: world.test.folder)
        #expect(again.store.isReady(for: [account]))
        try await again.store.close()
    }

    @Test("Each account judges once, a hundred of them") func judges() throws {
        let learning = JunkLearning()
        let accounts = (1...150).map { AccountID(rawValue: $0) }
        for account in accounts { learning.set(account, isReady: account != accounts[1]) }
        #expect(
            learning.ready(of: [accounts[0], accounts[1], accounts[0], accounts[2]]) == [accounts[0], accounts[2]]
        )
        #expect(learning.ready(of: accounts + accounts) == [accounts[0]] + accounts[2...100])
    }

    @Test("What waits, and what is known, is found by an index") func plans() async throws {
        let world = try await World()
        for (query, expected) in [
            (SQL.nextToLearn, "USING INDEX junk_lesson_waiting (account>?)"),
            (SQL.waitingLessons, "USING INDEX junk_lesson_waiting (account=?)"),
            (SQL.knownTokens, "junk_token USING PRIMARY KEY (account=? AND token=?)"),
        ] {
            let plan = try await world.store.read { sql in try sql.all("EXPLAIN QUERY PLAN \(query)") { $0.text(3) } }
            #expect(plan.contains { $0.contains(expected) }, "\(plan)")
        }
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
