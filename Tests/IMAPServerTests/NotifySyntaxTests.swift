// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@testable import IMAPServer

/// What NOTIFY's arguments mean, and what none of them may be.
@Suite("RFC 5465 §8 Formal syntax") struct NotifySyntaxTests {
    private func command(_ arguments: String) throws(SyntaxError) -> NotifyCommand {
        var parser = CommandParser(octets(" \(arguments)"))
        return try NotifyCommand(&parser)
    }

    @Test("notify-none") func none() throws {
        #expect(try self.command("NONE").request == nil)
        #expect(try self.command("none").request == nil)
    }

    @Test(
        "filter-mailboxes-selected: when, and what",
        arguments: [
            ("selected (MessageNew MessageExpunge)", .messages, true, true),
            ("SELECTED (messageexpunge MESSAGENEW FlagChange)", .all, true, true),
            ("selected-delayed (MessageNew MessageExpunge FlagChange)", .all, true, false),
            ("selected NONE", [], false, false), ("Selected-Delayed none", [], false, false),
            ("personal (MessageNew MessageExpunge FlagChange)", [], false, false),
        ] as [(String, SelectedMailbox.Kinds, Bool, Bool)]
    )
    func selected(
        _ group: String,
        _ kinds: SelectedMailbox.Kinds,
        _ isOutsideCommands: Bool,
        _ expungesOutsideCommands: Bool
    ) throws {
        let listening = try #require(try self.command("SET (\(group))").request).listening
        #expect(listening.kinds == kinds)
        #expect(listening.isOutsideCommands == isOutsideCommands)
        #expect(listening.expungesOutsideCommands == expungesOutsideCommands)
    }

    @Test(
        "filter-mailboxes-other, and events",
        arguments: [
            ("inboxes (MailboxName)", .inboxes, .names),
            ("personal (SubscriptionChange)", .personal, .subscriptions),
            ("subscribed (MailboxMetadataChange)", .subscribed, .mailboxMetadata),
            ("personal (ServerMetadataChange)", .personal, .serverMetadata),
            ("subtree INBOX NONE", .subtree([.inbox]), []),
            ("subtree (inbox) (FlagChange MessageNew MessageExpunge)", .subtree([.inbox]), .ofMessages),
            ("subtree-one inbox (MessageExpunge MessageNew)", .subtreeOne([.inbox]), .messages),
            ("mailboxes (inbox \"a//b\") (mailboxname)", .mailboxes([.inbox]), .names),
        ] as [(String, MailboxSource, NotifyEvents)]
    )
    func others(_ group: String, _ source: MailboxSource, _ events: NotifyEvents) throws {
        let request = try #require(try self.command("SET (\(group))").request)
        #expect(request.groups == [NotifyRequest.Group(source: source, events: events)])
        #expect(request.listening.kinds.isEmpty && !request.listening.isOutsideCommands)
    }

    @Test("status-indicator, and several groups, of which each counts (§6)") func several() throws {
        let text = "SET STATUS (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))"
        let request = try #require(try self.command(text).request)
        #expect(request.tellsStatus)
        #expect(request.events(of: .inbox, subscriptions: []) == [.messages, .subscriptions])
        #expect(request.events(of: try MailboxName("INBOX/a"), subscriptions: []) == .subscriptions)
        #expect(try #require(try self.command("set (personal none)").request).tellsStatus == false)
    }

    @Test("fetch-att") func items() throws {
        let text = "SET (selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (FROM TO)] MODSEQ) MessageExpunge))"
        let items = try #require(try self.command(text).request).listening.items
        #expect(items.count == 3)
        #expect(items.first is UIDItem && items.last is ModSeqItem)
    }

    @Test(
        "event-ext, and events that this server does not have, are no errors of syntax",
        arguments: [
            "SET (personal (Later))", "SET (selected (MessageNew MessageExpunge AnnotationChange))",
            "SET (selected NONE) (inboxes (MailboxName x-y!))",
        ]
    )
    func unsupported(_ arguments: String) throws { #expect(try self.command(arguments).hasUnsupportedEvents) }

    @Test(
        "What is BAD",
        arguments: [
            "", "SET", "SET ", "NONE ", "NONE x", "SETSTATUS (personal NONE)", "SET STATUS",
            "SET STATUS(personal NONE)",
            "SET personal NONE", "SET (personal)", "SET (personal ())", "SET (personal NONE", "SET (personal NONE) ",
            "SET (personal NONE)(inboxes NONE)", "SET (personal (NONE MailboxName)x)", "SET (everything NONE)",
            "SET (subtree NONE)", "SET (mailboxes () NONE)", "SET (selected MessageNew MessageExpunge)",
            // Pairs (§5).
            "SET (personal (MessageNew))", "SET (personal (MessageExpunge))", "SET (selected (FlagChange))",
            "SET (selected (MessageNew FlagChange))", "SET (selected (AnnotationChange))",
            // §6.1
            "SET (selected NONE) (selected NONE)", "SET (selected (MessageNew MessageExpunge MailboxName))",
            "SET (selected-delayed (ServerMetadataChange))",
            // fetch-att
            "SET (inboxes (MessageNew (UID) MessageExpunge))", "SET (selected (MessageNew () MessageExpunge))",
            "SET (selected (MessageNew (TEA) MessageExpunge))", "SET (selected (MessageNew(UID) MessageExpunge))",
            "SET (selected (MessageNew MessageExpunge (UID)))",
            "SET" + String(repeating: " (personal NONE)", count: 101),
            "SET (personal (\(String(repeating: "MailboxName ", count: 32))MailboxName))",
        ]
    )
    func bad(_ arguments: String) { #expect(throws: SyntaxError.self) { try self.command(arguments) } }

    @Test("UPDATE with fetch-att (§7)") func update() throws {
        var parser = CommandParser(octets("RETURN (COUNT UPDATE (UID FLAGS) SAVE)"))
        let returns = try SearchReturn(&parser)
        #expect(parser.atEnd && returns.isUpdated && returns.isSaved && returns.updateItems.count == 2)
        for text in ["RETURN (UPDATE ())", "RETURN (UPDATE (X))", "RETURN (COUNT (UID))", "RETURN (UPDATE(UID))"] {
            var parser = CommandParser(octets(text))
            #expect(throws: SyntaxError.self) { try SearchReturn(&parser) }
        }
    }

    @Test("BADEVENT") func badEvent() {
        var writer = ResponseWriter()
        writer.responseCode(.badEvent(["MessageNew", "MessageExpunge"]))
        #expect(text(writer.take()) == "BADEVENT (MessageNew MessageExpunge)")
    }
}
