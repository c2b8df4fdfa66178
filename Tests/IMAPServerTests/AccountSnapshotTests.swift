// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import Testing

@testable import IMAPServer

/// What of two moments of an account is told, as values.
@Suite("RFC 5465 §5 What is told of other mailboxes") struct AccountSnapshotTests {
    /// An account to be changed.
    private struct World {
        var overview = AccountOverview(mailboxes: [], newest: MailboxID(rawValue: 0), subscriptions: [])
        private var lastID: Int64 = 0

        init(_ names: String...) { for name in names { self.create(name) } }

        mutating func create(_ name: String) {
            self.lastID += 1
            self.overview.newest = MailboxID(rawValue: self.lastID)
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

        /// Gives other rights to one who sees the mailbox.
        mutating func allow(_ rights: Rights, _ name: String) {
            for (index, entry) in self.overview.mailboxes.enumerated() where entry.mailbox.name == name {
                self.overview.mailboxes[index].mailbox.rights = rights
                if !rights.contains(.read) { self.overview.mailboxes[index].status = nil }
            }
        }

        /// Renames INBOX, as the store does it.
        mutating func renameInbox(_ inbox: String, _ new: String) {
            self.create(new)
            self.overview.mailboxes[self.overview.mailboxes.count - 1].mailbox.wasInbox = true
            for (index, entry) in self.overview.mailboxes.enumerated() where entry.mailbox.name == inbox {
                self.overview.mailboxes[index].status?.messages = 0
            }
        }

        mutating func deliver(_ count: Int, to name: String) {
            for (index, entry) in self.overview.mailboxes.enumerated() where entry.mailbox.name == name {
                guard let next = entry.status?.uidNext.rawValue else { continue }
                self.overview.mailboxes[index].status?.messages += count
                self.overview.mailboxes[index].status?.uidNext = UID(rawValue: next + UInt32(count))
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

    @Test("INBOX renamed: told as that, and not as a change of INBOX (§5.4)") func inboxRenamed() throws {
        var world = World("INBOX", "a")
        world.deliver(1, to: "INBOX")
        #expect(
            try self.told("(personal (MailboxName MessageNew MessageExpunge))", world) { world in
                world.renameInbox("INBOX", "x/old")
            } == [
                #"LIST (\HasNoChildren) "/" x/old ("OLDNAME" (INBOX))"#,
                "STATUS INBOX (MESSAGES 0 UIDNEXT 2 UIDVALIDITY 101)",
                "STATUS x/old (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 103)",
            ]
        )
        #expect(
            try self.told("(mailboxes INBOX (MailboxName))", world) { $0.renameInbox("INBOX", "old") }
                == [#"LIST (\HasNoChildren) "/" old ("OLDNAME" (INBOX))"#]
        )
        // Renamed on before it was told; and somebody else's, who lets both be seen, or one.
        #expect(
            try self.told("(personal (MailboxName))", world) { world in
                world.renameInbox("INBOX", "old")
                world.rename("old", "older")
            } == [#"LIST (\HasNoChildren) "/" older ("OLDNAME" (INBOX))"#]
        )
        let (inbox, old) = ("user/ann@example.org/INBOX", "user/ann@example.org/old")
        #expect(
            try self.told("(subtree user (MailboxName))", World("INBOX", inbox)) { $0.renameInbox(inbox, old) }
                == [#"LIST (\HasNoChildren) "/" user/ann@example.org/old ("OLDNAME" (user/ann@example.org/INBOX))"#]
        )
        let parent = #"LIST (\NonExistent \Noselect \HasChildren) "/" user/ann@example.org"#
        #expect(
            try self.told("(subtree user (MailboxName))", World("INBOX")) { $0.renameInbox(inbox, old) }
                == [parent, #"LIST (\HasNoChildren) "/" user/ann@example.org/old"#]
        )
        // One that was renamed long ago and is let be seen now is new.
        var before = World("INBOX", inbox)
        before.renameInbox(inbox, old)
        let renamed = before.overview.mailboxes.removeLast()
        #expect(
            try self.told("(subtree user (MailboxName))", before) { $0.overview.mailboxes.append(renamed) }
                == [parent, #"LIST (\HasNoChildren) "/" user/ann@example.org/old"#]
        )
    }

    @Test("Mailboxes of others: rights that come and go (§5, §5.4, §5.9)") func othersRights() throws {
        let team = "user/ann@example.org/Team"
        let parent = #"LIST (\NonExistent \Noselect \HasChildren) "/" user/ann@example.org"#
        let gone = #"LIST (\NonExistent \Noselect \HasNoChildren \NoAccess) "/" user/ann@example.org/Team"#
        let status = "STATUS user/ann@example.org/Team (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 102)"
        func told(_ groups: String, _ changes: (inout World) -> Void...) throws -> [[String]] {
            var world = World("INBOX", team)
            let request = try self.request(groups)
            var snapshot = try #require(AccountSnapshot(world.overview, for: request))
            return try changes.map { change in
                change(&world)
                var writer = ResponseWriter()
                let notices = snapshot.update(
                    to: world.overview,
                    for: request,
                    own: [],
                    selected: nil,
                    isCondstore: false
                )
                for notice in try #require(notices) { writer.write(notice, appendLimit: 0) }
                return text(writer.take()).split(separator: "\r\n").map { String($0.dropFirst(2)) }
            }
        }
        let entry = World("INBOX", team).overview.mailboxes[1]
        let hide: (inout World) -> Void = { $0.delete(team) }
        let show: (inout World) -> Void = { $0.overview.mailboxes.append(entry) }
        let guardIt: (inout World) -> Void = { $0.allow([.lookup], team) }
        let deliver: (inout World) -> Void = { $0.deliver(1, to: team) }
        let messages = "(MessageNew MessageExpunge)"
        // Without "l" and "r" nothing is told of it but that; with them, again.
        #expect(
            try told("(mailboxes \(team) \(messages))", hide, { _ in }, show, deliver, guardIt, { _ in })
                == [
                    [gone], [],
                    [
                        #"LIST (\HasNoChildren) "/" user/ann@example.org/Team"#,
                        "STATUS user/ann@example.org/Team (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 102)",
                    ],
                    [status], [#"LIST (\Noselect \HasNoChildren \NoAccess) "/" user/ann@example.org/Team"#], [],
                ]
        )
        // Who wants to hear of names hears it once.
        #expect(
            try told("(subtree user (MailboxName))", hide, hide) == [
                [parent.replacing("HasChildren", with: "HasNoChildren"), gone], [],
            ]
        )
        // What was not asked for is not told.
        #expect(
            try told("(personal (MailboxName MessageNew MessageExpunge))", deliver, guardIt, hide, show) == [
                [], [], [], [],
            ]
        )
        // It is not lost for who does not subscribe to it any more.
        #expect(
            try told(
                "(subscribed (SubscriptionChange MessageNew MessageExpunge))",
                { $0.overview.subscriptions = [team] },
                { $0.overview.subscriptions = [] }
            )[1] == [#"LIST (\HasNoChildren) "/" user/ann@example.org/Team"#]
        )
        // Renamed for who hears of messages only: there is no such mailbox any more.
        #expect(
            try told("(mailboxes \(team) \(messages))", { $0.rename(team, "user/ann@example.org/Crew") }) == [[gone]]
        )
    }

    @Test("Which mailboxes of others are watched: those that may be read and of whose contents is told") func topics()
        throws
    {
        let account = AccountID(rawValue: 7)
        var world = World("INBOX", "user/ann@example.org/a", "user/ann@example.org/b")
        world.allow([.lookup], "user/ann@example.org/b")
        func topics(_ groups: String) throws -> Set<ChangeFeed.Topic> {
            try #require(AccountSnapshot(world.overview, for: self.request(groups))).topics(account)
        }
        let shared = ChangeFeed.Topic.mailbox(MailboxID(rawValue: 2))
        #expect(try topics("(subtree user (MessageNew MessageExpunge))") == [.account(account), shared])
        #expect(try topics("(subtree user (MailboxMetadataChange))") == [.account(account), shared])
        #expect(try topics("(subtree user (MailboxName))") == [.account(account)])
        #expect(try topics("(personal (MessageNew MessageExpunge))") == [.account(account)])
        // Others' mailboxes that nobody asked for are not counted.
        let personal = try #require(AccountSnapshot(world.overview, for: self.request("(personal (MailboxName))")))
        #expect(personal.mailboxes.count == 1)
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
                guard var status = $0.overview.mailboxes[0].status else { return }
                change(&status)
                $0.overview.mailboxes[0].status = status
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
        let added = AccountChange.added(MailboxID(rawValue: 1), [UID(rawValue: 1), UID(rawValue: 2)])
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
