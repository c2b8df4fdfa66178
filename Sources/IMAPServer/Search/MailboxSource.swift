// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// Which mailboxes are meant: the specifiers of NOTIFY (RFC 5465 §6), and ESEARCH's own (RFC 7377 §2.2).
enum MailboxSource: Sendable, Hashable {
    case selected
    /// Where mail is delivered.
    case inboxes
    /// All of the account's own.
    case personal
    case subscribed
    /// These and all below them.
    case subtree(Set<MailboxName>)
    /// These and those one level below.
    case subtreeOne(Set<MailboxName>)
    case mailboxes(Set<MailboxName>)

    // filter-mailboxes          = filter-mailboxes-selected / filter-mailboxes-other
    // filter-mailboxes-selected = "selected"
    // filter-mailboxes-other    = "inboxes" / "personal" / "subscribed" / ( "subtree" SP one-or-more-mailbox ) /
    //                             ( "mailboxes" SP one-or-more-mailbox )
    // filter-mailboxes-other    =/ ( "subtree-one" SP one-or-more-mailbox )
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        let start = parser.offset
        switch try parser.keywordToken() {
        case "SELECTED": self = .selected
        case "INBOXES": self = .inboxes
        case "PERSONAL": self = .personal
        case "SUBSCRIBED": self = .subscribed
        case "SUBTREE": self = .subtree(try Self.names(&parser))
        case "SUBTREE-ONE": self = .subtreeOne(try Self.names(&parser))
        case "MAILBOXES": self = .mailboxes(try Self.names(&parser))
        default: throw SyntaxError(expected: "a mailbox specifier", offset: start)
        }
    }

    // one-or-more-mailbox = mailbox / many-mailboxes
    // many-mailboxes      = "(" mailbox *(SP mailbox) ")"
    //
    // Names that no mailbox has are ignored (RFC 5465 §3.1), and so are those that none can have.
    private static func names(_ parser: inout CommandParser) throws(SyntaxError) -> Set<MailboxName> {
        try parser.sp()
        let names = try parser.oneOrParenthesized { (parser: inout CommandParser) throws(SyntaxError) -> MailboxName? in
            do throws(SyntaxError) { return try parser.mailbox() } catch {
                guard error.kind == .mailboxName else { throw error }
                return nil
            }
        }
        return Set(names.compactMap { $0 })
    }

    /// Whether mailboxes of others can be meant.
    var mayIncludeOthers: Bool {
        switch self {
        case .selected, .inboxes, .personal: false
        case .subscribed, .subtree, .subtreeOne, .mailboxes: true
        }
    }

    /// Whether a mailbox is meant; ``selected`` means none by its name.
    func includes(_ name: MailboxName, subscriptions: Set<MailboxName>) -> Bool {
        switch self {
        case .selected: false
        case .inboxes: name.isInbox
        case .personal: !OtherUsers.contain(name.text)
        case .subscribed: subscriptions.contains(name)
        case .subtree(let names): sequence(first: name, next: \.parent).contains(where: names.contains)
        case .subtreeOne(let names): names.contains(name) || name.parent.map(names.contains) ?? false
        case .mailboxes(let names): names.contains(name)
        }
    }
}
