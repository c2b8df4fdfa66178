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
        await #expect(throws: StoreError.notPermitted("accounts or aliases are in the domain")) {
            try await directory.removeDomain("example.org")
        }
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
        #expect(try await directory.route(localPart: "postmaster", domain: "example.org") == .unknownMailbox)
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
