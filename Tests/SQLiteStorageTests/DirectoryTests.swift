// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct DirectoryTests {
    @Test func domainsComeAndGo() async throws {
        let test = try TestStore()
        let directory: any Directory = test.store
        try await directory.addDomain("Example.ORG")
        try await directory.addDomain("a.example")
        #expect(try await directory.domains() == ["a.example", "example.org"])
        await #expect(throws: StoreError.exists("example.org")) { try await directory.addDomain("example.org") }
        _ = try await directory.addAccount("ann@example.org", verifier: "v")
        await #expect(throws: StoreError.notPermitted("accounts or aliases are in the domain, or aliases lead there")) {
            try await directory.removeDomain("example.org")
        }
        try await directory.addAlias("team@a.example", targets: ["ann@example.org"])
        try await directory.addAlias("all@example.org", targets: ["team@a.example"])
        try await directory.removeAlias("team@a.example")
        // Else it would lead to whoever has the domain next.
        await #expect(throws: StoreError.notPermitted("accounts or aliases are in the domain, or aliases lead there")) {
            try await directory.removeDomain("a.example")
        }
        try await directory.removeAlias("all@example.org")
        try await directory.removeDomain("a.example")
        await #expect(throws: StoreError.notFound("a.example")) { try await directory.removeDomain("a.example") }
    }

    @Test func accountsAreFoundWithoutRegardToCase() async throws {
        let test = try TestStore()
        let directory: any Directory = test.store
        try await directory.addDomain("example.org")
        let ann = try await directory.addAccount("Ann.Lee@example.org", verifier: "first")
        #expect(ann.address == "Ann.Lee@example.org")
        #expect(try await directory.accounts() == [ann])
        await #expect(throws: StoreError.exists("ann.lee@example.org")) {
            try await directory.addAccount("ann.lee@example.org", verifier: "v")
        }
        await #expect(throws: StoreError.notFound("elsewhere.example")) {
            try await directory.addAccount("ann@elsewhere.example", verifier: "v")
        }
        try await directory.setVerifier("second", of: "ANN.LEE@example.org")
        let credential = try #require(try await directory.credential(for: "ann.LEE@EXAMPLE.org"))
        #expect(credential.account == ann)
        #expect(credential.verifier == "second")
        #expect(try await directory.credential(for: "bob@example.org") == nil)
        #expect(try await directory.credential(for: "ann.lee") == nil)
        await #expect(throws: StoreError.notFound("bob@example.org")) {
            try await directory.setVerifier("x", of: "bob@example.org")
        }
    }

    @Test(arguments: ["", "@", "ann@", "@example.org", "ann"]) func addressesHaveTwoParts(address: String) async throws
    {
        let test = try TestStore()
        await #expect(throws: StoreError.notPermitted("an address has the form localpart@domain")) {
            try await test.store.addAccount(address, verifier: "v")
        }
    }

    @Test func routes() async throws {
        let test = try TestStore()
        let directory: any Directory = test.store
        try await directory.addDomain("example.org")
        for role in ["postmaster", "Abuse"] {
            await #expect(throws: StoreError.unavailable, "there will be somebody") {
                try await directory.route(localPart: role, domain: "example.org")
            }
        }
        let ann = try await directory.addAccount("ann@example.org", verifier: "v").id
        let bob = try await directory.addAccount("bob@example.org", verifier: "v").id
        try await directory.addAlias("team@example.org", targets: ["bob@example.org", "ANN@example.org"])
        try await directory.addAlias("ann+alias@example.org", targets: ["bob@example.org"])
        func route(_ localPart: String, _ domain: String = "example.org") async throws -> RecipientRoute {
            try await directory.route(localPart: localPart, domain: domain)
        }
        #expect(try await route("ann", "elsewhere.example") == .remote)
        #expect(try await route("ANN") == .local([ann]))
        #expect(try await route("ann+tag+more") == .local([ann]))
        #expect(try await route("ann+alias") == .local([bob]), "an alias of the whole goes before the tag")
        #expect(try await route("Team") == .local([ann, bob]))
        #expect(try await route("team+x") == .local([ann, bob]))
        #expect(try await route("nobody") == .unknownMailbox)
        #expect(try await route("+tag") == .unknownMailbox)
        #expect(try await route("PostMaster") == .local([ann]), "the account made first")
        try await directory.addAlias("postmaster@example.org", targets: ["bob@example.org"])
        #expect(try await route("postmaster") == .local([bob]))
    }

    @Test func aliases() async throws {
        let test = try TestStore()
        let directory: any Directory = test.store
        try await directory.addDomain("example.org")
        let ann = try await directory.addAccount("ann@example.org", verifier: "v").id
        let bob = try await directory.addAccount("bob@example.org", verifier: "v").id
        await #expect(throws: StoreError.notFound("nobody@example.org")) {
            try await directory.addAlias("a@example.org", targets: ["ann@example.org", "nobody@example.org"])
        }
        #expect(try await directory.aliases().isEmpty, "all or nothing")
        await #expect(throws: StoreError.exists("ann@example.org")) {
            try await directory.addAlias("ann@example.org", targets: ["bob@example.org"])
        }
        try await directory.addAlias("a@example.org", targets: ["bob@example.org", "ann@example.org"])
        await #expect(throws: StoreError.exists("A@example.org")) {
            try await directory.addAccount("A@example.org", verifier: "v")
        }
        #expect(
            try await directory.aliases()
                == [Alias(address: "a@example.org", targets: ["ann@example.org", "bob@example.org"])]
        )
        #expect(try await directory.mayUse("A@EXAMPLE.org", account: ann))
        #expect(try await directory.mayUse("bob@example.org", account: bob))
        #expect(try await directory.mayUse("bob+x@example.org", account: bob))
        #expect(try await !directory.mayUse("bob@example.org", account: ann))
        #expect(try await !directory.mayUse("postmaster@example.org", account: ann))
        #expect(try await !directory.mayUse("nonsense", account: ann))
        try await directory.removeAccount("ann@example.org")
        #expect(try await directory.aliases() == [Alias(address: "a@example.org", targets: ["bob@example.org"])])
        try await directory.removeAccount("bob@example.org")
        #expect(try await directory.aliases().isEmpty, "an alias without targets is none")
        await #expect(throws: StoreError.notFound("a@example.org")) { try await directory.removeAlias("a@example.org") }
    }

    /// A store with the domains `example.org` and `example.com`, and the accounts `ann` and `bob` at the former.
    private func directory() async throws -> (TestStore, ann: AccountID, bob: AccountID) {
        let test = try TestStore()
        try await test.store.addDomain("example.org")
        try await test.store.addDomain("example.com")
        let ann = try await test.store.addAccount("ann@example.org", verifier: "v").id
        let bob = try await test.store.addAccount("bob@example.org", verifier: "v").id
        return (test, ann, bob)
    }

    @Test("Aliases lead to accounts, aliases and addresses elsewhere, each once") func aliasTargets() async throws {
        let (test, ann, bob) = try await self.directory()
        let directory: any Directory = test.store
        try await directory.addAlias("team@example.org", targets: ["ann@example.org", "Carl@Elsewhere.example"])
        try await directory.addAlias(
            "all@example.com",
            targets: ["team@example.org", "bob+x@example.org", "dan@elsewhere.example", "Carl@elsewhere.example"]
        )
        let (carl, dan) = (
            ForwardAddress(localPart: "Carl", domain: "elsewhere.example"),
            ForwardAddress(localPart: "dan", domain: "elsewhere.example")
        )
        #expect(
            try await directory.route(localPart: "team", domain: "example.org") == .local([ann], forwards: [carl])
        )
        #expect(
            try await directory.route(localPart: "all", domain: "example.com")
                == .local([ann, bob], forwards: [carl, dan])
        )
        #expect(
            try await directory.aliases() == [
                Alias(
                    address: "all@example.com",
                    targets: [
                        "Carl@elsewhere.example", "dan@elsewhere.example", "bob+x@example.org", "team@example.org",
                    ]
                ),
                Alias(address: "team@example.org", targets: ["Carl@elsewhere.example", "ann@example.org"]),
            ]
        )
        #expect(try await directory.mayUse("all@example.com", account: bob))
        #expect(try await directory.mayUse("all@example.com", account: ann), "by way of the team")
        #expect(try await !directory.mayUse("team@example.org", account: bob))
        #expect(try await !directory.mayUse("carl@elsewhere.example", account: ann))
        try await directory.removeAlias("team@example.org")
        #expect(
            try await directory.route(localPart: "all", domain: "example.com")
                == .local([bob], forwards: [carl, dan]),
            "what is nobody's any more is left out"
        )
        try await directory.removeAccount("bob@example.org")
        try await directory.removeAccount("ann@example.org")
        #expect(
            try await directory.route(localPart: "all", domain: "example.com") == .local([], forwards: [carl, dan])
        )
        #expect(try await test.store.verify { _, _ in }.isEmpty)
    }

    @Test("No alias leads back to itself, and one that comes to does no harm") func loops() async throws {
        let (test, ann, _) = try await self.directory()
        let directory: any Directory = test.store
        await #expect(throws: StoreError.notPermitted("a@example.org would lead back to itself")) {
            try await directory.addAlias("a@example.org", targets: ["ann@example.org", "A@example.org"])
        }
        await #expect(throws: StoreError.notPermitted("*@example.org would lead back to itself")) {
            try await directory.addAlias("*@example.org", targets: ["nobody@example.org"])
        }
        #expect(try await directory.aliases().isEmpty, "all or nothing")
        // Two that know of each other only once the domain of one has come here.
        try await directory.addAlias("a@example.org", targets: ["b@later.example"])
        try await directory.addAlias("c@example.org", targets: ["a@example.org", "ann@example.org"])
        try await directory.addDomain("later.example")
        #expect(try await directory.route(localPart: "a", domain: "example.org") == .unknownMailbox)
        await #expect(throws: StoreError.notPermitted("b@later.example would lead back to itself")) {
            try await directory.addAlias("b@later.example", targets: ["c@example.org"])
        }
        // As a store may have it that was changed by other means.
        try await test.store.between { sql in
            try sql.run("INSERT INTO alias (local_part, domain) VALUES ('b', 'later.example')")
            try sql.run(
                """
                INSERT INTO alias_address (alias, local_part, domain)
                VALUES (\(sql.lastInsertedRow), 'c', 'example.org')
                """
            )
        }
        #expect(try await directory.route(localPart: "b", domain: "later.example") == .local([ann]))
        #expect(try await directory.route(localPart: "a", domain: "example.org") == .local([ann]))
    }

    @Test("A catch-all gets what is nobody's, and gives nobody its names") func catchAll() async throws {
        let (test, ann, bob) = try await self.directory()
        let directory: any Directory = test.store
        try await directory.addAlias("*@example.org", targets: ["bob@example.org"])
        func route(_ localPart: String, _ domain: String = "example.org") async throws -> RecipientRoute {
            try await directory.route(localPart: localPart, domain: domain)
        }
        #expect(try await route("anything") == .local([bob]))
        #expect(try await route("any+thing") == .local([bob]))
        #expect(try await route("*") == .local([bob]))
        #expect(try await route("ann+x") == .local([ann]))
        #expect(try await route("postmaster") == .local([ann]), "who answers for the domain goes before it")
        #expect(try await route("anything", "example.com") == .unknownMailbox)
        for name in ["anything", "*", "*+x"] {
            #expect(try await !directory.mayUse("\(name)@example.org", account: bob))
        }
        await #expect(
            throws: StoreError.notPermitted("*@example.com stands for all addresses: it can be an alias only")
        ) { try await directory.addAccount("*@example.com", verifier: "v") }
    }

    @Test("postmaster and abuse are always there") func roles() async throws {
        let (test, ann, bob) = try await self.directory()
        let directory: any Directory = test.store
        func route(_ localPart: String) async throws -> RecipientRoute {
            try await directory.route(localPart: localPart, domain: "example.com")
        }
        #expect(try await route("Postmaster") == .local([ann]))
        #expect(try await route("ABUSE") == .local([ann]))
        #expect(try await route("hostmaster") == .unknownMailbox)
        try await directory.addAlias("postmaster@example.com", targets: ["bob@example.org"])
        #expect(try await route("abuse") == .local([bob]), "abuse goes where postmaster goes")
        try await directory.addAlias("abuse@example.com", targets: ["ann@example.org"])
        #expect(try await route("abuse") == .local([ann]))
        #expect(try await !directory.mayUse("abuse@example.org", account: ann), "only who was given the name")
    }

    @Test("Tags can be switched off for a domain") func tags() async throws {
        let (test, ann, _) = try await self.directory()
        let directory: any Directory = test.store
        #expect(try await directory.usesTags(domain: "example.org"))
        try await directory.setUsesTags(false, domain: "Example.org")
        #expect(try await !directory.usesTags(domain: "example.org"))
        #expect(try await directory.usesTags(domain: "example.com"))
        #expect(try await directory.route(localPart: "ann+x", domain: "example.org") == .unknownMailbox)
        #expect(try await !directory.mayUse("ann+x@example.org", account: ann))
        try await directory.addAlias("ann+x@example.org", targets: ["ann@example.org"])
        #expect(try await directory.route(localPart: "ann+x", domain: "example.org") == .local([ann]))
        await #expect(throws: StoreError.notFound("a.example")) {
            try await directory.setUsesTags(true, domain: "a.example")
        }
    }

    @Test("A secret is made once") func secrets() async throws {
        let test = try TestStore()
        #expect(try await test.store.secret("a", orElse: [1, 2]) == [1, 2])
        #expect(try await test.store.secret("a", orElse: [3]) == [1, 2])
        #expect(try await test.store.secret("b", orElse: [3]) == [3])
    }

    @Test func aRemovedAccountsMailGoesInSteps() async throws {
        let test = try TestStore { $0.retention = 0 }
        let (ann, bob) = (try await test.account(), try await test.account("bob@example.org"))
        let message = NewMessage(try await ann.staged(octets("x")), internalDate: .init(time: test.clock.now))
        _ = try await ann.append([NewMessage](repeating: message, count: 2500), to: try await ann.inbox.id)
        try await bob.append(octets("x"), to: try await bob.inbox.id)
        try await ann.append(octets("mine", size: 3 << 20), to: try await ann.inbox.id)
        let resident = try await ann.open(try await ann.inbox.id)
        try await test.store.removeAccount("ann@example.org")
        #expect(resident.current == nil)
        #expect(try await test.store.credential(for: "ann@example.org") == nil)
        #expect(try await ann.mailboxes().isEmpty)
        await #expect(throws: StoreError.notFound("account")) {
            try await ann.createMailbox(named: "Late", specialUse: nil)
        }
        // The address is free at once.
        let again = try await test.store.addAccount("ann@example.org", verifier: "v")
        #expect(again.id != ann.account)
        try await test.store.maintain()
        #expect(try await test.number("SELECT count(*) FROM account") == 2)
        #expect(try await test.number("SELECT count(*) FROM message") == 1)
        #expect(try await test.number("SELECT count(*) FROM blob") == 1)
        #expect(try await test.number("SELECT refs FROM blob") == 1)
        try await test.verify()
    }
}
