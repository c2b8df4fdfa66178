// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import Testing

@testable import IMAPServer

/// What of two moments of an account is told, as values.
@Suite("RFC 5465 §5 What is told of other mailboxes") struct AccountSnapshotTests {
    /// An account to be changed.
    private struct World {
        var overview = AccountOverview(mailboxes: [], subscriptions: [])
        private var lastID: Int64 = 0

        init(_ names: String...) { for name in names { self.create(name) } }

        mutating func create(_ name: String) {
            self.lastID += 1
            let validity = UIDValidity(rawValue: UInt32(self.lastID) + 100)
            self.overview.mailboxes.append(
                AccountOverview.Entry(
                    mailbox: Mailbox(id: MailboxID(rawValue: self.lastID), name: name, uidValidity: validity),
                    status: MailboxStatus(
                        messages: 0,
                        unseen: 0,
                        deleted: 0,
                        recent: 0,
                        size: 0,
                        uidNext: UID(rawValue: 1),
                        uidValidity: validity,
                        highestModSeq: ModSeq(rawValue: self.lastID)
                    )
                )
            )
        }

        mutating func delete(_ name: String) { self.overview.mailboxes.removeAll { $0.mailbox.name == name } }

        mutating func rename(_ old: String, _ new: String) {
            for (index, entry) in self.overview.mailboxes.enumerated()
            where entry.mailbox.name == old || entry.mailbox.name.hasPrefix("\(old)/") {
                self.overview.mailboxes[index].mailbox.name = new + entry.mailbox.name.dropFirst(old.count)
            }
        }

        mutating func deliver(_ count: Int, to name: String) {
            for (index, entry) in self.overview.mailboxes.enumerated() where entry.mailbox.name == name {
                self.overview.mailboxes[index].status.messages += count
                let next = entry.status.uidNext.rawValue + UInt32(count)
                self.overview.mailboxes[index].status.uidNext = UID(rawValue: next)
            }
        }

        mutating func annotate(_ entry: String, _ modSeq: Int64?, of name: String?) {
            let id = self.overview.mailboxes.first { $0.mailbox.name == name }?.mailbox.id
            self.overview.annotations.removeAll { $0.mailbox == id && $0.entry == entry }
            guard let modSeq else { return }
            self.overview.annotations.append(
                AccountOverview.AnnotationTime(mailbox: id, entry: entry, modSeq: ModSeq(rawValue: modSeq))
            )
        }
    }

    private func request(_ groups: String) throws -> NotifyRequest {
        var parser = CommandParser(octets(" SET \(groups)"))
        return try #require(try NotifyCommand(&parser).request)
    }

    /// What is told of the changes, as it is written; and nothing the second time.
    private func told(
        _ groups: String,
        _ world: World,
        own: [AccountChange] = [],
        selected: Int64? = nil,
        isCondstore: Bool = false,
        _ change: (inout World) -> Void
    ) throws -> [String] {
        let request = try self.request(groups)
        var snapshot = try #require(AccountSnapshot(world.overview, for: request))
        var world = world
        change(&world)
        var writer = ResponseWriter()
        for own in [own, []] {
            let notices = snapshot.update(
                to: world.overview,
                for: request,
                own: own,
                selected: selected.map(MailboxID.init(rawValue:)),
                isCondstore: isCondstore
            )
            for notice in try #require(notices) { writer.write(notice, appendLimit: 0) }
        }
        return text(writer.take()).split(separator: "\r\n").map { String($0.dropFirst(2)) }
    }

    @Test("A mailbox and its direct parent, whether it exists or not (§5.4)") func created() throws {
        let told = try self.told("(personal (MailboxName))", World("INBOX")) { world in
            world.create("a/b")
            world.create("c")
        }
        #expect(
            told == [
                #"LIST (\NonExistent \Noselect \HasChildren) "/" a"#, #"LIST (\HasNoChildren) "/" a/b"#,
                #"LIST (\HasNoChildren) "/" c"#,
            ]
        )
    }

    @Test("Deleted, and of the same name again") func deleted() throws {
        #expect(
            try self.told("(personal (MailboxName))", World("a", "b")) { $0.delete("a") }
                == [#"LIST (\NonExistent \Noselect \HasNoChildren) "/" a"#]
        )
        let told = try self.told("(personal (MailboxName FlagChange MessageNew MessageExpunge))", World("a")) { world in
            world.delete("a")
            world.create("a")
        }
        #expect(
            told == [
                #"LIST (\HasNoChildren) "/" a"#, "STATUS a (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 102 UNSEEN 0)",
            ]
        )
    }

    @Test("Renamed, into the filter, out of it, and below a mailbox that is renamed (§5.4)") func renamed() throws {
        let world = World("a", "a/b", "a/b/c", "x")
        func told(_ filter: String, _ renames: [(String, String)]) throws -> [String] {
            try self.told("(\(filter) (MailboxName))", world) { world in
                for (old, new) in renames { world.rename(old, new) }
            }
        }
        let whole = #"LIST (\HasChildren) "/" z ("OLDNAME" (a))"#
        #expect(try told("personal", [("a", "z")]) == [whole])
        #expect(try told("mailboxes z", [("a", "z")]) == [whole])
        #expect(try told("subtree a", [("a", "z")]) == [whole])
        #expect(try told("mailboxes x", [("a", "z")]) == [])
        // One that moves out of what is renamed is renamed by itself.
        #expect(
            try told("personal", [("a/b", "y"), ("a", "z")])
                == [#"LIST (\HasChildren) "/" y ("OLDNAME" (a/b))"#, #"LIST (\HasNoChildren) "/" z ("OLDNAME" (a))"#]
        )
        // Two that change places.
        #expect(
            try told("personal", [("x", "t"), ("a", "x"), ("t", "a")])
                == [#"LIST (\HasNoChildren) "/" a ("OLDNAME" (x))"#, #"LIST (\HasChildren) "/" x ("OLDNAME" (a))"#]
        )
    }

    @Test("STATUS where something has changed, and only there") func figures() throws {
        let world = World("a", "b")
        #expect(
            try self.told("(mailboxes a (MessageNew MessageExpunge))", world) { world in
                world.deliver(2, to: "a")
                world.deliver(1, to: "b")
            } == ["STATUS a (MESSAGES 2 UIDNEXT 3 UIDVALIDITY 101)"]
        )
        // The selected mailbox is not among them.
        #expect(
            try self.told("(personal (MessageNew MessageExpunge))", world, selected: 1) { world in
                world.deliver(2, to: "a")
                world.deliver(1, to: "b")
            } == ["STATUS b (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 102)"]
        )
        func flags(isCondstore: Bool, _ change: (inout MailboxStatus) -> Void) throws -> [String] {
            try self.told("(inboxes (MessageNew MessageExpunge FlagChange))", World("INBOX"), isCondstore: isCondstore)
            {
                change(&$0.overview.mailboxes[0].status)
            }
        }
        #expect(try flags(isCondstore: false) { $0.highestModSeq = ModSeq(rawValue: 9) } == [])
        #expect(
            try flags(isCondstore: true) { $0.highestModSeq = ModSeq(rawValue: 9) }
                == ["STATUS INBOX (UIDVALIDITY 101 HIGHESTMODSEQ 9)"]
        )
        #expect(try flags(isCondstore: false) { $0.unseen = 1 } == ["STATUS INBOX (UIDVALIDITY 101 UNSEEN 1)"])
    }

    @Test("Subscriptions, before and after (§5.5, §6.4)") func subscriptions() throws {
        let told = try self.told("(subscribed (SubscriptionChange))", World("a")) { $0.overview.subscriptions = ["a"] }
        #expect(told == [#"LIST (\HasNoChildren \Subscribed) "/" a"#])
        var world = World("a")
        world.overview.subscriptions = ["a", "gone"]
        #expect(
            try self.told("(subscribed (SubscriptionChange))", world) { $0.overview.subscriptions = [] }
                == [
                    #"LIST (\HasNoChildren) "/" a"#, #"LIST (\NonExistent \Noselect \HasNoChildren) "/" gone"#,
                ]
        )
    }

    @Test("Entries that are set, changed and gone (§5.6, §5.7)") func metadata() throws {
        var world = World("INBOX", "a")
        world.annotate("/private/comment", 1, of: "a")
        world.annotate("/shared/x", 1, of: "a")
        let all = "(personal (MailboxMetadataChange ServerMetadataChange))"
        func change(_ world: inout World) {
            world.annotate("/private/comment", nil, of: "a")
            world.annotate("/shared/x", 2, of: "a")
            world.annotate("/shared/y", 2, of: "a")
            world.annotate("/private/z", 3, of: nil)
            world.overview.mailboxes[0].mailbox.specialUses = [.junk]
        }
        #expect(
            try self.told(all, world, change)
                == [
                    "METADATA INBOX /private/specialuse", "METADATA a /private/comment /shared/x /shared/y",
                    "METADATA \"\" /private/z",
                ]
        )
        #expect(
            try self.told("(personal (ServerMetadataChange))", world, change) == ["METADATA \"\" /private/z"]
        )
        // Of its own changes the client hears nothing, of what somebody else has set since it does.
        let own: [AccountChange] = [
            .annotated(MailboxID(rawValue: 2), ["/PRIVATE/COMMENT", "/shared/x", "/shared/y"], ModSeq(rawValue: 2)),
            .annotated(nil, ["/private/z"], ModSeq(rawValue: 2)),
            .annotated(MailboxID(rawValue: 1), ["/private/specialuse"], ModSeq(rawValue: 2)),
        ]
        #expect(try self.told(all, world, own: own, change) == ["METADATA \"\" /private/z"])
    }

    @Test("The client's own changes are not told (§5), others of the same moment are") func own() throws {
        let all = "(personal (MailboxName SubscriptionChange MessageNew MessageExpunge))"
        let name = try MailboxName("a/b")
        #expect(
            try self.told(all, World(), own: [.created(name)]) { world in
                world.create("a")
                world.create("a/b")
                world.create("a/c")
                world.deliver(1, to: "a/b")
            } == [
                #"LIST (\HasChildren) "/" a"#, #"LIST (\HasNoChildren) "/" a/c"#,
                "STATUS a/b (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 102)",
                "STATUS a/c (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 103)",
            ]
        )
        #expect(try self.told(all, World("a/b"), own: [.deleted(name)]) { $0.delete("a/b") } == [])
        #expect(
            try self.told(all, World("a/b"), own: [.renamed(from: name, to: MailboxName("z"))]) {
                $0.rename("a/b", "z")
            } == []
        )
        #expect(
            try self.told(all, World("INBOX"), own: [.renamed(from: .inbox, to: MailboxName("z"))]) {
                $0.create("z")
            } == []
        )
        let added = AccountChange.added(UIDValidity(rawValue: 101), [UID(rawValue: 1), UID(rawValue: 2)])
        #expect(try self.told(all, World("a"), own: [added]) { $0.deliver(2, to: "a") } == [])
        #expect(
            try self.told(all, World("a"), own: [added]) { $0.deliver(3, to: "a") }
                == ["STATUS a (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 101)"]
        )
        #expect(
            try self.told(all, World("a"), own: [.subscribed(MailboxName("a"), true)]) {
                $0.overview.subscriptions = ["a", "b"]
            } == [#"LIST (\NonExistent \Noselect \HasNoChildren \Subscribed) "/" b"#]
        )
    }

    @Test("Too many mailboxes, and only those asked for count (§5.8)") func overflow() throws {
        var world = World()
        for number in 0..<AccountSnapshot.limit { world.create("m\(number)") }
        let names = try self.request("(personal (MailboxName))")
        var snapshot = try #require(AccountSnapshot(world.overview, for: names))
        world.create("INBOX")
        #expect(AccountSnapshot(world.overview, for: names) == nil)
        #expect(
            snapshot.update(to: world.overview, for: names, own: [], selected: nil, isCondstore: false) == nil
        )
        let inbox = try self.request("(inboxes (MessageNew MessageExpunge))")
        #expect(AccountSnapshot(world.overview, for: inbox)?.mailboxes.count == 1)
    }
}
