// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite("RFC 9051 §6.3") struct MailboxesTests {
    @Test func aNewAccountHasWhatClientsExpect() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let mailboxes = try await mail.mailboxes()
        #expect(mailboxes.map(\.name) == ["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"])
        #expect(mailboxes.map(\.specialUses) == [[], [.archive], [.drafts], [.junk], [.sent], [.trash]])
        #expect(mailboxes.allSatisfy { $0.isSubscribed })
        #expect(try await mail.subscriptions() == mailboxes.map(\.name))
        #expect(Set(mailboxes.map(\.uidValidity)).count == mailboxes.count)
        let status = try await mail.status(of: mailboxes[0].id)
        #expect(status.uidNext == 1)
        #expect(status.highestModSeq.rawValue >= 1)
        try await test.verify()
    }

    @Test func createMakesWhatIsMissingAbove() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let made = try await mail.createMailbox(named: "a/b/c", specialUse: nil)
        #expect(made.name == "a/b/c")
        #expect(try await mail.mailbox(named: "a") != nil)
        #expect(try await mail.mailbox(named: "a/b") != nil)
        await #expect(throws: StoreError.mailboxExists) { try await mail.createMailbox(named: "a/b", specialUse: nil) }
        #expect(try await mail.createMailbox(named: "d/", specialUse: nil).name == "d")
        let all = try await mail.createMailbox(named: "All", specialUse: .all)
        #expect(all.specialUses == [.all])
    }

    @Test func areNotWithoutNumber() async throws {
        let test = try TestStore { $0.mailboxes = 9 }
        let mail = try await test.account()
        let names = try await mail.mailboxes().map(\.name)
        try #require(names.count == 6)
        await #expect(throws: StoreError.tooManyMailboxes) {
            try await mail.createMailbox(named: "a/b/c/d", specialUse: nil)
        }
        #expect(try await mail.mailboxes().map(\.name) == names, "all or none")
        _ = try await mail.createMailbox(named: "a/b/c", specialUse: nil)
        await #expect(throws: StoreError.tooManyMailboxes) { try await mail.createMailbox(named: "d", specialUse: nil) }
        await #expect(throws: StoreError.tooManyMailboxes) { try await mail.renameMailbox(from: "a/b", to: "d/e") }
        try await mail.renameMailbox(from: "a/b", to: "a/e")
        // A subscription stays when its mailbox goes.
        for name in ["a", "a/e", "a/e/c"] {
            try await mail.setSubscribed(true, name: name)
            try await mail.deleteMailbox(named: name)
        }
        _ = try await mail.createMailbox(named: "d", specialUse: nil)
        await #expect(throws: StoreError.tooManyMailboxes) { try await mail.setSubscribed(true, name: "d") }
        try await mail.setSubscribed(false, name: "a")
        try await mail.setSubscribed(true, name: "d")
        #expect(try await mail.subscriptions().count == 9)
        try await test.verify()
    }

    @Test(arguments: ["", "/", "/a", "a//b", "a/b//", "a\u{7}", String(repeating: "a", count: 1001)])
    func refusesNamesThatCannotBe(name: String) async throws {
        let test = try TestStore()
        let mail = try await test.account()
        await #expect {
            try await mail.createMailbox(named: name, specialUse: nil)
        } throws: { error in
            if case StoreError.notPermitted = error { true } else { false }
        }
        #expect(try await mail.mailbox(named: name) == nil)
    }

    @Test(arguments: ["INBOX", "inbox", "InBox"]) func inboxIsOne(name: String) async throws {
        let test = try TestStore()
        let mail = try await test.account()
        #expect(try await mail.mailbox(named: name)?.name == "INBOX")
        await #expect(throws: StoreError.mailboxExists) { try await mail.createMailbox(named: name, specialUse: nil) }
        await #expect(throws: StoreError.notPermitted("INBOX cannot be deleted")) {
            try await mail.deleteMailbox(named: name)
        }
        #expect(try await mail.createMailbox(named: "\(name)/Below", specialUse: nil).name == "INBOX/Below")
        #expect(try await mail.mailbox(named: "inbox/Below") != nil)
        #expect(try await mail.mailbox(named: "inbox/below") == nil, "only INBOX is without regard to case")
    }

    /// UIDVALIDITY must grow when a mailbox comes back under its old name, even with the clock set back.
    @Test func comesBackWithALargerUIDValidity() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        var last: UInt32 = 0
        for _ in 0..<5 {
            let mailbox = try await mail.createMailbox(named: "Again", specialUse: nil)
            #expect(mailbox.uidValidity.rawValue > last)
            last = mailbox.uidValidity.rawValue
            try await mail.append(octets("x"), to: mailbox.id)
            try await mail.deleteMailbox(named: "Again")
            test.clock.advance(by: -1000)
        }
        try await test.verify()
    }

    @Test func deleteLeavesWhatIsBelowAndSubscriptions() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let upper = try await mail.createMailbox(named: "a", specialUse: nil)
        _ = try await mail.createMailbox(named: "a/b", specialUse: nil)
        try await mail.setSubscribed(true, name: "a")
        try await mail.append(octets("gone"), to: upper.id)
        let resident = try await mail.open(upper.id)
        try await mail.deleteMailbox(named: "a")
        #expect(resident.current == nil)
        #expect(try await mail.mailbox(named: "a") == nil)
        #expect(try await mail.mailbox(named: "a/b") != nil)
        #expect(try await mail.subscriptions().contains("a"))
        await #expect(throws: StoreError.noSuchMailbox) { try await mail.status(of: upper.id) }
        await #expect(throws: StoreError.noSuchMailbox) { try await mail.open(upper.id) }
        await #expect(throws: StoreError.noSuchMailbox) { try await mail.append(octets("late"), to: upper.id) }
        await #expect(throws: StoreError.noSuchMailbox) {
            try await mail.messages([1], in: upper.id, including: MessageParts())
        }
        await #expect(throws: StoreError.noSuchMailbox) { try await mail.deleteMailbox(named: "a") }
        try await mail.setSubscribed(false, name: "a")
        #expect(try await !mail.subscriptions().contains("a"))
        test.clock.advance(by: 10_000)
        try await test.store.maintain()
        #expect(try await test.number("SELECT count(*) FROM message") == 0)
        #expect(try await test.number("SELECT count(*) FROM chunk") == 0)
        #expect(try await test.number("SELECT count(*) FROM mailbox WHERE name IS NULL") == 0)
        try await test.verify()
    }

    @Test func renameTakesAlongWhatIsBelow() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let (a, b) = (
            try await mail.createMailbox(named: "a", specialUse: nil),
            try await mail.createMailbox(named: "a/b", specialUse: nil)
        )
        _ = try await mail.createMailbox(named: "a0", specialUse: nil)
        _ = try await mail.createMailbox(named: "ab", specialUse: nil)
        try await mail.append(octets("stays"), to: b.id)
        try await mail.renameMailbox(from: "a", to: "x/y")
        #expect(try await mail.mailbox(named: "x/y")?.id == a.id)
        #expect(try await mail.mailbox(named: "x/y/b")?.id == b.id)
        #expect(try await mail.mailbox(named: "x/y/b")?.uidValidity == b.uidValidity)
        #expect(try await mail.mailbox(named: "x") != nil, "the superior is made")
        #expect(try await mail.mailbox(named: "a") == nil)
        #expect(try await mail.mailbox(named: "a0") != nil)
        #expect(try await mail.mailbox(named: "ab") != nil)
        #expect(try await mail.status(of: b.id).messages == 1)
        try await test.verify()
    }

    // RFC 9051 §6.3.6, example: "foo" is \Noselect, and goes with "foo/bar".
    @Test func renameTakesALevelThatIsNoMailbox() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let bar = try await mail.createMailbox(named: "foo/bar", specialUse: nil)
        try await mail.deleteMailbox(named: "foo")
        await #expect(throws: StoreError.notPermitted("a mailbox cannot become its own inferior")) {
            try await mail.renameMailbox(from: "foo", to: "foo/x")
        }
        await #expect(throws: StoreError.mailboxExists) { try await mail.renameMailbox(from: "foo", to: "foo") }
        try await mail.renameMailbox(from: "foo", to: "x/zowie")
        #expect(try await mail.mailbox(named: "x/zowie/bar")?.id == bar.id)
        #expect(try await mail.mailbox(named: "x/zowie") == nil)
        #expect(try await mail.mailbox(named: "x") != nil, "the superior is made")
        await #expect(throws: StoreError.noSuchMailbox) { try await mail.renameMailbox(from: "foo", to: "y") }
        try await test.verify()
    }

    @Test func renameRefuses() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        _ = try await mail.createMailbox(named: "a/b", specialUse: nil)
        _ = try await mail.createMailbox(named: "c/b", specialUse: nil)
        await #expect(throws: StoreError.noSuchMailbox) { try await mail.renameMailbox(from: "none", to: "z") }
        await #expect(throws: StoreError.mailboxExists) { try await mail.renameMailbox(from: "a", to: "c") }
        await #expect(throws: StoreError.mailboxExists) { try await mail.renameMailbox(from: "a", to: "inbox") }
        await #expect(throws: StoreError.notPermitted("a mailbox cannot become its own inferior")) {
            try await mail.renameMailbox(from: "a", to: "a/b/c")
        }
        // Mailboxes below a name that is none itself are in the way: all or nothing.
        try await mail.deleteMailbox(named: "c")
        await #expect(throws: StoreError.mailboxExists) { try await mail.renameMailbox(from: "a", to: "c") }
        #expect(try await mail.mailbox(named: "a") != nil)
        #expect(try await mail.mailbox(named: "c") == nil)
    }

    // RFC 9051 §6.3.6: "... moves all messages in INBOX to a new mailbox ... leaving INBOX empty."
    @Test func renamingInboxEmptiesIt() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox
        _ = try await mail.createMailbox(named: "INBOX/Below", specialUse: nil)
        for number in 0..<3 { try await mail.append(octets("\(number)"), to: inbox.id, keywords: ["k"]) }
        _ = try await mail.changeFlags(
            of: [1],
            in: inbox.id,
            FlagChange(.add, FlagSet(system: .deleted)),
            unchangedSince: nil
        )
        _ = try await mail.expunge(nil, in: inbox.id)
        let resident = try await mail.open(inbox.id)
        try await mail.renameMailbox(from: "inbox", to: "Old/Mail")
        let old = try #require(try await mail.mailbox(named: "Old/Mail"))
        #expect(try await mail.inbox == inbox, "the same mailbox, with its UIDVALIDITY")
        #expect(resident.current?.count == 0)
        #expect(resident.current?.uidNext == 4)
        let moved = try #require(try await mail.open(old.id).current)
        #expect(moved.uids() == [1, 2], "new UIDs")
        #expect(moved.keywordNames(moved[1]?.keywords ?? 0) == ["k"])
        #expect(try await mail.mailbox(named: "INBOX/Below") != nil)
        try await test.verify()
    }

    @Test("The overview has what each mailbox has, and whatever changes it pokes the account's topic")
    func overview() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let pokes = Pokes()
        let watch = mail.feed.watch(.account(mail.account)) { pokes.add() }
        func isPoked() -> Bool {
            watch.rearm()
            return pokes.take() > 0
        }
        try await mail.append(octets("x"), to: inbox)
        #expect(isPoked())
        try await mail.setSubscribed(true, name: "Elsewhere")
        #expect(isPoked())
        try await mail.annotate(inbox, with: [AnnotationChange(entry: "/private/a", value: [1])], specialUses: nil)
        #expect(isPoked())
        let overview = try await mail.overview(includingAnnotations: true)
        let mailboxes = try await mail.mailboxes()
        #expect(overview.mailboxes.map(\.mailbox) == mailboxes)
        for entry in overview.mailboxes {
            let status = try await mail.status(of: entry.mailbox.id)
            #expect(entry.status == status)
        }
        #expect(overview.subscriptions.contains("Elsewhere"))
        #expect(overview.annotations.map(\.entry) == ["/private/a"])
        #expect(overview.annotations.map(\.mailbox) == [inbox])
        #expect(try await mail.overview(includingAnnotations: false).annotations.isEmpty)
    }

    @Test func listWatchersArePoked() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let pokes = Pokes()
        let watch = mail.feed.watch(.mailboxList(mail.account)) { pokes.add() }
        func isPoked() -> Bool {
            watch.rearm()
            return pokes.take() == 1
        }
        _ = try await mail.createMailbox(named: "a", specialUse: nil)
        #expect(isPoked())
        try await mail.setSubscribed(true, name: "a")
        #expect(isPoked())
        try await mail.renameMailbox(from: "a", to: "b")
        #expect(isPoked())
        try await mail.deleteMailbox(named: "b")
        #expect(isPoked())
        try await mail.append(octets("x"), to: try await mail.inbox.id)
        #expect(!isPoked())
    }

    @Test func anotherAccountsMailboxIsNotThere() async throws {
        let test = try TestStore()
        let (ann, bob) = (try await test.account(), try await test.account("bob@example.org"))
        let inbox = try await ann.inbox.id
        let uid = try await ann.append(octets("private"), to: inbox)
        _ = try await ann.open(inbox)
        await #expect(throws: StoreError.noSuchMailbox) { try await bob.open(inbox) }
        await #expect(throws: StoreError.noSuchMailbox) { try await bob.status(of: inbox) }
        await #expect(throws: StoreError.noSuchMailbox) {
            try await bob.messages([uid], in: inbox, including: MessageParts(contentUpTo: 1000))
        }
        await #expect(throws: StoreError.noSuchMailbox) {
            try await bob.copy([uid], from: inbox, to: try await bob.inbox.id)
        }
        await #expect(throws: StoreError.noSuchMailbox) {
            try await ann.copy([uid], from: inbox, to: try await bob.inbox.id)
        }
        await #expect(throws: StoreError.noSuchMailbox) { try await bob.expunge(nil, in: inbox) }
        await #expect(throws: StoreError.noSuchMailbox) { try await bob.claimRecent(in: inbox) }
        await #expect(throws: StoreError.noSuchMailbox) {
            try await bob.changeFlags(
                of: [uid],
                in: inbox,
                FlagChange(.add, FlagSet(system: .seen)),
                unchangedSince: nil
            )
        }
    }

    @Test func aMailboxCanTakeTheNameOfTheLevelAboveIt() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        for name in ["a/b", "a/b/b"] {
            let id = try await mail.createMailbox(named: name, specialUse: nil).id
            try await mail.append(octets(name), to: id)
        }
        if try await mail.mailbox(named: "a") != nil { try await mail.deleteMailbox(named: "a") }
        let (upper, lower) = (try await mail.mailbox(named: "a/b")?.id, try await mail.mailbox(named: "a/b/b")?.id)
        try await mail.renameMailbox(from: "a/b", to: "a")
        #expect(try await mail.mailbox(named: "a")?.id == upper)
        #expect(try await mail.mailbox(named: "a/b")?.id == lower)
        #expect(try await mail.mailbox(named: "a/b/b") == nil)
        try await test.verify()
    }
}
