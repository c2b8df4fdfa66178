// SPDX-License-Identifier: Apache-2.0

import GRDB
import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// RFC 4314: what each operation asks of its user's rights, in its own transaction.
@Suite struct AccessTests {
    /// Ann with the mailbox `Team`, which has a message, and Bob.
    private struct Two {
        let test: TestStore
        let ann: any MailStore
        let bob: any MailStore
        let team: Mailbox
        /// What Bob calls it.
        let name = "user/ann@example.org/Team"

        init() async throws {
            self.test = try TestStore()
            self.ann = try await self.test.account()
            self.bob = try await self.test.account("bob@example.org")
            self.team = try await self.ann.createMailbox(named: "Team", specialUse: nil)
            try await self.ann.append(octets("one"), to: self.team.id, flags: [.deleted, .flagged], keywords: ["k"])
            try await self.bob.append(
                octets("two"),
                to: self.bob.inbox.id,
                flags: [.seen, .deleted, .draft],
                keywords: ["k"]
            )
        }

        func give(_ rights: Rights, to identifier: String = "bob@example.org") async throws {
            try await self.ann.setAccess(RightsChange(.replace, rights), for: identifier, to: self.team.id)
        }
    }

    private typealias Operation = (name: String, needs: Rights, run: @Sendable (Two) async throws -> Void)

    private static let operations: [Operation] = [
        ("status", .read, { _ = try await $0.bob.status(of: $0.team.id) }),
        ("deletedSize", .read, { _ = try await $0.bob.deletedSize(of: $0.team.id) }),
        ("open", .read, { _ = try await $0.bob.open($0.team.id) }),
        ("claimRecent", .read, { _ = try await $0.bob.claimRecent(in: $0.team.id) }),
        ("messages", .read, { _ = try await $0.bob.messages([1], in: $0.team.id, including: MessageParts()) }),
        ("expunged", .read, { _ = try await $0.bob.expunged(in: $0.team.id, since: ModSeq(rawValue: 0)) }),
        ("copy from", .read, { _ = try await $0.bob.copy([1], from: $0.team.id, to: $0.bob.inbox.id) }),
        ("copy to", .insert, { _ = try await $0.bob.copy([1], from: $0.bob.inbox.id, to: $0.team.id) }),
        (
            "move from", [.read, .deleteMessages, .expunge],
            { _ = try await $0.bob.move([1], from: $0.team.id, to: $0.bob.inbox.id) }
        ),
        ("move to", .insert, { _ = try await $0.bob.move([1], from: $0.bob.inbox.id, to: $0.team.id) }),
        ("append", .insert, { _ = try await $0.bob.append(octets("three"), to: $0.team.id) }),
        (
            "replace", [.read, .deleteMessages, .expunge],
            { two in
                let message = NewMessage(
                    try await two.bob.staged(octets("four")),
                    internalDate: MessageDate(time: UnixTime(rawValue: 0))
                )
                _ = try await two.bob.replace(1, in: two.team.id, with: message, in: two.bob.inbox.id)
            }
        ),
        ("expunge", [.read, .expunge], { _ = try await $0.bob.expunge(nil, in: $0.team.id) }),
        ("\\Seen", [.read, .seen], { _ = try await Self.add(FlagSet(system: .seen), $0) }),
        ("\\Deleted", [.read, .deleteMessages], { _ = try await Self.add(FlagSet(system: .deleted), $0) }),
        ("\\Flagged", [.read, .write], { _ = try await Self.add(FlagSet(system: .flagged), $0) }),
        ("keyword", [.read, .write], { _ = try await Self.add(FlagSet(keywords: ["k"]), $0) }),
        ("create", .createMailboxes, { _ = try await $0.bob.createMailbox(named: "\($0.name)/New", specialUse: nil) }),
        ("delete", .deleteMailbox, { try await $0.bob.deleteMailbox(named: $0.name) }),
        ("accessList", .administer, { _ = try await $0.bob.accessList(of: $0.team.id) }),
        ("lastingRights", .administer, { _ = try await $0.bob.lastingRights(for: "anyone", to: $0.team.id) }),
        (
            "setAccess", .administer,
            { try await $0.bob.setAccess(RightsChange(.add, .read), for: "bob@example.org", to: $0.team.id) }
        ),
        ("annotations", [.lookup, .read], { _ = try await $0.bob.annotations(of: $0.team.id) }),
        (
            "annotate for all", [.lookup, .write],
            {
                let change = AnnotationChange(entry: "/shared/a", value: [1])
                try await $0.bob.annotate($0.team.id, with: [change], specialUses: nil)
            }
        ),
        ("quota", .read, { _ = try await $0.bob.quota(of: $0.team.id) }),
    ]

    private static func add(_ flags: FlagSet, _ two: Two) async throws -> FlagReceipt {
        try await two.bob.changeFlags(of: [1], in: two.team.id, FlagChange(.add, flags), unchangedSince: nil)
    }

    /// With the rights that it needs an operation is done; without any one of them it is not, whatever else is given.
    @Test(arguments: Self.operations.indices)
    func each(_ index: Int) async throws {
        let (name, needs, run) = Self.operations[index]
        // Some other right will do just as well.
        let alternatives: Rights =
            switch name {
            case "annotations": [.seen, .write, .insert, .post]
            case "quota": .insert
            default: .none
            }
        // What would be above a new mailbox, and is not to be known, may as well not be there.
        let unknown = name == "create" ? StoreError.noPermission : .noSuchMailbox
        for (_, right) in Rights.letters where needs.contains(right) {
            let two = try await Two()
            try await two.give(Rights.all.subtracting(right).subtracting(right == .lookup ? .none : alternatives))
            let error: StoreError = right == .lookup ? .noSuchMailbox : .noPermission
            let refusal = name == "create" ? StoreError.noPermission : error
            await #expect(throws: refusal, "\(name)") { try await run(two) }
            try await two.give(Rights.all.subtracting(right).subtracting(alternatives).subtracting(.lookup))
            await #expect(throws: unknown, "\(name)") { try await run(two) }
            try await two.test.verify()
        }
        let two = try await Two()
        await #expect(throws: unknown, "\(name)") { try await run(two) }
        try await two.give(needs)
        try await run(two)
        try await two.test.verify()
    }

    @Test func copiesAndMovesBetweenAccounts() async throws {
        let two = try await Two()
        try await two.give([.lookup, .read, .seen, .insert, .deleteMessages, .expunge])
        let inbox = try await two.bob.inbox
        let (anns, bobs) = (
            try await two.ann.status(of: two.team.id).highestModSeq,
            try await two.bob.status(of: inbox.id).highestModSeq
        )
        let copied = try await two.bob.copy([1], from: inbox.id, to: two.team.id)
        #expect(copied == CopyReceipt(uidValidity: two.team.uidValidity, source: [1], target: [2]))
        // Flags as far as the rights go, and mod-sequences of whose mailbox it is.
        let index = try #require(try await two.ann.open(two.team.id).current)
        #expect(index[2]?.flags == [.seen, .deleted])
        #expect(index[2]?.keywords == 0)
        #expect(index.highestModSeq == ModSeq(rawValue: anns.rawValue + 1))
        #expect(try await two.bob.status(of: inbox.id).highestModSeq == bobs)
        #expect(try await two.ann.quota().messages == 2)
        #expect(try await two.bob.quota().messages == 1)
        let moved = try await two.bob.move([1], from: two.team.id, to: inbox.id)
        #expect(moved == CopyReceipt(uidValidity: inbox.uidValidity, source: [1], target: [2]))
        #expect(try await two.bob.open(inbox.id).current?[2]?.flags == [.deleted, .flagged])
        #expect(try await two.ann.open(two.team.id).current?.uids() == [2])
        #expect(try await two.ann.expunged(in: two.team.id, since: anns) == [1...1])
        #expect(try await two.ann.status(of: two.team.id).highestModSeq == ModSeq(rawValue: anns.rawValue + 2))
        #expect(try await two.bob.status(of: inbox.id).highestModSeq == ModSeq(rawValue: bobs.rawValue + 1))
        #expect(try await two.ann.quota().messages == 1)
        #expect(try await two.bob.quota().messages == 2)
        // The octets are there once, whoever has them.
        let rows = try await two.bob.messages([2], in: inbox.id, including: MessageParts(contentUpTo: 1000))
        #expect(rows.first?.content == octets("one"))
        try await two.test.verify()
        // What the owner has no room for goes nowhere.
        try await two.test.store.setLimits(QuotaLimits(messages: 1), of: "ann@example.org")
        await #expect(throws: StoreError.overQuota) {
            try await two.bob.move([2], from: inbox.id, to: two.team.id)
        }
        #expect(try await two.bob.open(inbox.id).current?.uids() == [1, 2])
        #expect(try await two.ann.open(two.team.id).current?.uids() == [2])
        try await two.test.verify()
    }

    @Test func whoHoldsTheMailboxSeesRightsChange() async throws {
        let two = try await Two()
        try await two.give([.lookup, .read, .seen])
        let resident = try await two.bob.open(two.team.id)
        let pokes = Pokes()
        let watch = two.bob.feed.watch(.mailbox(two.team.id)) { pokes.add() }
        #expect(resident.rights == [.lookup, .read, .seen])
        try await two.give([.lookup, .seen])
        #expect(pokes.take() == 1)
        watch.rearm()
        #expect(resident.rights == [.lookup, .seen])
        #expect(resident.current == nil)
        #expect(try await two.ann.open(two.team.id).current != nil)
        try await two.give(.read, to: "anyone")
        #expect(resident.current?.count == 1)
        try await two.give(.read, to: "-anyone")
        #expect(resident.current == nil)
        // The owner too can do without, but stays the owner.
        #expect(try await two.ann.mailbox(named: "Team", needing: .administer)?.rights == Rights.all.subtracting(.read))
        try await two.ann.setAccess(RightsChange(.replace, .none), for: "ann@example.org", to: two.team.id)
        #expect(try await two.ann.mailbox(named: "Team", needing: .administer)?.rights == .ofOwner)
        await #expect(throws: StoreError.noPermission) { try await two.ann.open(two.team.id) }
        // Mail is delivered nevertheless: the store's own doing is not its user's.
        let inbox = try await two.ann.inbox.id
        try await two.ann.setAccess(RightsChange(.replace, .none), for: "ann@example.org", to: inbox)
        let message = try await two.ann.staged(octets("mail"))
        _ = try await two.test.store.accept(
            Acceptance(message: message, reversePath: "", local: [two.ann.account], receivedAt: UnixTime(rawValue: 1))
        )
        #expect(try await two.test.number("SELECT messages FROM mailbox WHERE id = \(inbox.rawValue)") == 1)
        two.bob.feed.cancel(watch)
        try await two.test.verify()
    }

    @Test func aFailedTransactionChangesNoRights() async throws {
        let two = try await Two()
        try await two.give([.lookup, .read])
        let resident = try await two.bob.open(two.team.id)
        await #expect(throws: StoreError.unavailable) {
            try await two.test.store.write { transaction in
                try transaction.setAccess(
                    RightsChange(.replace, .none),
                    for: "bob@example.org",
                    to: two.team.id,
                    by: two.ann.account
                )
                throw StoreError.unavailable
            }
        }
        #expect(resident.rights == [.lookup, .read])
        #expect(try await two.bob.mailbox(named: two.name, needing: .read) != nil)
    }

    @Test func listsOfAllWhoAreConcernedArePoked() async throws {
        let two = try await Two()
        let carol = try await two.test.account("carol@example.org")
        let (bobs, carols) = (Pokes(), Pokes())
        let watches = [
            two.bob.feed.watch(.mailboxList(two.bob.account)) { bobs.add() },
            two.bob.feed.watch(.mailboxList(carol.account)) { carols.add() },
        ]
        func taken() -> [Int] {
            defer { for watch in watches { watch.rearm() } }
            return [bobs.take(), carols.take()]
        }
        try await two.give(.lookup)
        #expect(taken() == [1, 0])
        try await two.ann.renameMailbox(from: "Team", to: "Teams")
        #expect(taken() == [1, 0])
        _ = try await two.ann.createMailbox(named: "Teams/New", specialUse: nil)
        #expect(taken() == [1, 0])
        try await two.give(.lookup, to: "anyone")
        #expect(taken() == [1, 1])
        try await two.give(.none, to: "anyone")
        #expect(taken() == [1, 1])
        try await two.ann.deleteMailbox(named: "Teams")
        #expect(taken() == [1, 0])
        for watch in watches { two.bob.feed.cancel(watch) }
    }

    @Test func whoGoesIsInNoListAndHisMailboxesNeither() async throws {
        let two = try await Two()
        try await two.give(.all)
        try await two.give(.read, to: "-bob@example.org")
        try await two.give(.lookup, to: "anyone")
        try await two.bob.annotate(
            two.team.id,
            with: [AnnotationChange(entry: "/private/a", value: [1])],
            specialUses: nil
        )
        try await two.test.store.removeAccount("bob@example.org")
        #expect(
            try await two.ann.accessList(of: two.team.id) == [
                AccessEntry(identifier: "ann@example.org", rights: .all),
                AccessEntry(identifier: "anyone", rights: .lookup),
            ]
        )
        #expect(try await two.test.number("SELECT count(*) FROM annotation") == 0)
        try await two.test.verify()
        // Who comes later with that address is somebody else.
        let other = try await two.test.account("bob@example.org")
        #expect(try await other.mailbox(named: two.name, needing: .lookup)?.rights == .lookup)
        try await two.test.store.removeAccount("ann@example.org")
        #expect(try await two.test.number("SELECT count(*) FROM acl") == 0)
        #expect(try await other.mailboxes().allSatisfy { !OtherUsers.contain($0.name) })
        try await two.test.store.maintain()
        try await two.test.verify()
    }

    @Test func everyMailboxHasOneName() async throws {
        let two = try await Two()
        try await two.give([.lookup, .read], to: "anyone")
        for name in [
            "user/ann@example.org/team", "user/Ann@example.org/Team", "user/ann@EXAMPLE.org/Team", "user/ann/Team",
            "user/ann@example.org", "user", "user//ann@example.org/Team", "USER/ann@example.org/Team",
        ] {
            #expect(try await two.bob.mailbox(named: name, needing: .lookup) == nil, "\(name)")
        }
        #expect(try await two.ann.mailbox(named: two.name, needing: .lookup) == nil)
        #expect(try await two.ann.mailboxes().count { OtherUsers.contain($0.name) } == 0)
        #expect(try await two.bob.mailboxes().last?.name == two.name)
        // Local parts may have a slash.
        let slash = try await two.test.account("a/b@example.org")
        let inbox = try await slash.inbox.id
        try await slash.setAccess(RightsChange(.replace, [.lookup, .read]), for: "anyone", to: inbox)
        #expect(try await two.bob.mailbox(named: "user/a/b@example.org/INBOX", needing: .read)?.id == inbox)
        #expect(try await two.bob.mailbox(named: "user/a/b@example.org/inbox", needing: .read) == nil)
        // Nobody can give a mailbox of his own such a name.
        await #expect(throws: StoreError.noPermission) {
            try await two.bob.createMailbox(named: "user/mine", specialUse: nil)
        }
        await #expect(throws: StoreError.noPermission) {
            try await two.bob.renameMailbox(from: "Trash", to: "user/mine")
        }
        _ = try await two.bob.createMailbox(named: "mine/x", specialUse: nil)
        await #expect(throws: StoreError.noPermission) { try await two.bob.renameMailbox(from: "mine", to: "user/a") }
        try await two.test.verify()
    }

    @Test func mailboxesThatHadSuchNamesMove() throws {
        let database = try DatabaseQueue()
        try database.inDatabase { database in
            let sql = SQL(database)
            for step in Schema.migrations.prefix(4) { try sql.script(step) }
            try sql.script(
                """
                PRAGMA user_version = 4;
                INSERT INTO domain VALUES ('example.org');
                INSERT INTO account VALUES (1, 'ann', 'example.org', 'v', 1, 9);
                INSERT INTO mailbox (account, name, uidvalidity, uidnext, first_recent_uid, highestmodseq, messages,
                    unseen, deleted, recent, size)
                    VALUES (1, 'user', 1, 1, 1, 1, 0, 0, 0, 0, 0), (1, 'user/a/b', 2, 1, 1, 1, 0, 0, 0, 0, 0),
                    (1, 'users/a', 3, 1, 1, 1, 0, 0, 0, 0, 0), (1, 'User/a', 4, 1, 1, 1, 0, 0, 0, 0, 0);
                INSERT INTO subscription VALUES (1, 'user/a/b'), (1, 'user');
                """
            )
            try Schema.migrate(sql)
            #expect(
                try sql.all("SELECT name FROM mailbox ORDER BY id") { $0.text(0) }
                    == ["user", "user-/a/b", "users/a", "User/a"]
            )
            #expect(try sql.subscriptions(of: AccountID(rawValue: 1)) == ["user", "user-/a/b"])
        }
    }
}

/// How rights add up (RFC 4314 §2).
@Suite struct AccessListTests {
    private static let (ann, bob) = (AccountID(rawValue: 1), AccountID(rawValue: 2))

    private func rights(_ entries: [(AccessList.Identifier, Bool, Rights)], of account: AccountID) -> Rights {
        let entries = entries.map { AccessList.Entry(identifier: $0.0, isNegative: $0.1, rights: $0.2) }
        return AccessList(owner: Self.ann, entries: entries).rights(of: account)
    }

    @Test func addUp() {
        #expect(self.rights([], of: Self.ann) == .all)
        #expect(self.rights([], of: Self.bob) == .none)
        #expect(
            self.rights([(.anyone, false, .lookup), (.account(Self.bob), false, .read)], of: Self.bob) == [
                .lookup, .read,
            ]
        )
        #expect(self.rights([(.account(AccountID(rawValue: 3)), false, .all)], of: Self.bob) == .none)
        #expect(
            self.rights([(.anyone, false, .all), (.account(Self.bob), true, .write)], of: Self.bob)
                == Rights.all.subtracting(.write)
        )
        #expect(
            self.rights([(.account(Self.bob), false, .all), (.anyone, true, .write)], of: Self.bob)
                == Rights.all.subtracting(.write)
        )
        // Others' rights do not make the owner's fewer; his own entry does, down to what he cannot lose.
        #expect(self.rights([(.anyone, false, .lookup)], of: Self.ann) == .all)
        #expect(self.rights([(.account(Self.ann), false, .read)], of: Self.ann) == [.lookup, .read, .administer])
        #expect(
            self.rights([(.account(Self.ann), false, .read), (.anyone, false, .seen)], of: Self.ann) == [
                .lookup, .read, .administer, .seen,
            ]
        )
        #expect(self.rights([(.anyone, true, .all)], of: Self.ann) == .ofOwner)
        #expect(self.rights([(.account(Self.ann), true, .write)], of: Self.ann) == Rights.all.subtracting(.write))
    }

    @Test func haveLetters() {
        #expect(Rights.all.text == "lrswipkxtea")
        #expect(Rights(text: "aetxkpiwsrl") == .all)
        #expect(Rights(text: "") == Rights.none)
        #expect(Rights(text: "lq") == nil)
        #expect(Set(Rights.letters.map(\.right)).count == Rights.letters.count)
        #expect(Rights.letters.reduce(into: Rights.none) { $0.formUnion($1.right) } == .all)
    }

    @Test func namesOfOthersMailboxes() {
        #expect(OtherUsers.name(of: "INBOX/x", ownedBy: "a@b") == "user/a@b/INBOX/x")
        #expect(OtherUsers.split("user/a@b/INBOX/x")?.address == "a@b")
        #expect(OtherUsers.split("user/a@b/INBOX/x")?.mailbox == "INBOX/x")
        #expect(OtherUsers.split("user/a/c@b/x")?.address == "a/c@b")
        for name in ["user/a@b", "user/a/b", "user/", "user", "users/a@b/x", "INBOX"] {
            #expect(OtherUsers.split(name) == nil, "\(name)")
        }
    }
}
