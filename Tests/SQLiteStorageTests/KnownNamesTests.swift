// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import SQLiteStorage

/// A name that is known means what the file says.
@Suite struct KnownNamesTests {
    private let test: TestStore
    private let mail: any MailStore

    init() async throws {
        self.test = try TestStore()
        self.mail = try await self.test.account()
        for name in ["Team", "Team/Plan"] { _ = try await self.mail.createMailbox(named: name, specialUse: nil) }
        for name in ["INBOX", "Team", "Team/Plan"] { _ = try await self.mail.mailbox(named: name) }
    }

    /// What ``MailStore`` says of a name, and the file.
    private func isTrue(of name: String) async throws -> Bool {
        let account = try #require(self.mail as? AccountStore).account
        let parsed = try MailboxName(name)
        let stored = try await self.test.store.read { try $0.mailbox(named: parsed, by: account, needing: .lookup) }
        return try await self.mail.mailbox(named: name, needing: .lookup) == stored
    }

    @Test func isAskedOnce() async throws {
        let names = self.test.store.residents.names
        let account = try #require(self.mail as? AccountStore).account
        #expect(names.find(try MailboxName("Team"), of: account).mailbox?.name == "Team")
        #expect(names.find(try MailboxName("team"), of: account).mailbox == nil)
        #expect(names.find(.inbox, of: AccountID(rawValue: account.rawValue + 1)).mailbox == nil)
        #expect(try await self.mail.mailbox(named: "inbox")?.name == "INBOX")
    }

    @Test func ofADeletedMailbox() async throws {
        try await self.mail.deleteMailbox(named: "Team/Plan")
        #expect(try await self.mail.mailbox(named: "Team/Plan") == nil)
        let again = try await self.mail.createMailbox(named: "Team/Plan", specialUse: nil)
        #expect(try await self.mail.mailbox(named: "Team/Plan") == again)
    }

    @Test func ofARenamedMailboxAndThoseBelow() async throws {
        try await self.mail.renameMailbox(from: "Team", to: "Group")
        for name in ["Team", "Team/Plan", "Group", "Group/Plan"] { #expect(try await self.isTrue(of: name)) }
        #expect(try await self.mail.mailbox(named: "Team/Plan") == nil)
        try await self.mail.renameMailbox(from: "INBOX", to: "Old")
        for name in ["INBOX", "Old"] { #expect(try await self.isTrue(of: name)) }
    }

    @Test func withSubscriptionsUsesAndRights() async throws {
        try await self.mail.setSubscribed(true, name: "Team")
        #expect(try await self.mail.mailbox(named: "Team")?.isSubscribed == true)
        let team = try #require(try await self.mail.mailbox(named: "Team"))
        _ = try await self.mail.annotate(team.id, with: [], specialUses: [.archive])
        #expect(try await self.mail.mailbox(named: "Team")?.specialUses == [.archive])
        try await self.mail.setAccess(RightsChange(.replace, .lookup), for: "ann@example.org", to: team.id)
        await #expect(throws: StoreError.noPermission) { try await self.mail.mailbox(named: "Team") }
        #expect(try await self.isTrue(of: "Team"))
        try await self.mail.setAccess(RightsChange(.replace, .all), for: "ann@example.org", to: team.id)
        #expect(try await self.mail.mailbox(named: "Team")?.rights == .all)
    }

    @Test func ofARemovedAccount() async throws {
        try await self.test.store.removeAccount("ann@example.org")
        #expect(try await self.isTrue(of: "Team"))
    }

    @Test("what was read before a change is not known after it")
    func late() async throws {
        let names = self.test.store.residents.names
        let account = try #require(self.mail as? AccountStore).account
        let (found, generation) = names.find(try MailboxName("Team"), of: account)
        let before = try #require(found)
        try await self.mail.deleteMailbox(named: "Team")
        names.note(before, of: account, since: generation)
        #expect(names.find(try MailboxName("Team"), of: account).mailbox == nil)
    }

    /// Swift's strings are equal if they look the same; mailboxes are not.
    @Test func thatLookTheSame() async throws {
        let composed = try await self.mail.createMailbox(named: "caf\u{E9}", specialUse: nil)
        let decomposed = try await self.mail.createMailbox(named: "cafe\u{301}", specialUse: nil)
        for _ in 0..<2 {
            #expect(try await self.mail.mailbox(named: "caf\u{E9}")?.id == composed.id)
            #expect(try await self.mail.mailbox(named: "cafe\u{301}")?.id == decomposed.id)
        }
    }
}
