// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import SASLMechanisms

/// ACL, RFC 4314: who may do what with whose mailboxes; LIST-MYRIGHTS, RFC 8440, is LIST's return option MYRIGHTS.
///
/// Commands ask for nothing here: whatever way they come to a mailbox, by its name or with it selected, the store looks
/// up their user's rights (``Access``). Identifiers are the addresses of accounts, and `anyone`, which is all accounts;
/// with a dash before them, rights are taken. No rights are tied. `p` can be given, and means nothing: mailboxes have no
/// addresses of their own.
enum AccessControl: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil ? [] : ["ACL", "RIGHTS=kxte", "LIST-MYRIGHTS"]
    }

    static var commands: [any IMAPCommand.Type] {
        [
            SetACLCommand.self, DeleteACLCommand.self, GetACLCommand.self, ListRightsCommand.self,
            MyRightsCommand.self,
        ]
    }
}

/// SETACL, RFC 4314 §3.1.
struct SetACLCommand: IMAPCommand {
    static let name = "SETACL"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName
    private let identifier: String
    private let change: RightsChange

    // setacl = "SETACL" SP mailbox SP identifier SP mod-rights
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.sp()
        self.identifier = try parser.accessIdentifier()
        try parser.sp()
        self.change = try parser.rightsChange()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        try .changingAccess(to: self.mailbox, for: self.identifier, self.change, view)
    }
}

/// DELETEACL, RFC 4314 §3.2.
///
/// Of the owner it leaves what he cannot lose.
struct DeleteACLCommand: IMAPCommand {
    static let name = "DELETEACL"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName
    private let identifier: String

    // deleteacl = "DELETEACL" SP mailbox SP identifier
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.sp()
        self.identifier = try parser.accessIdentifier()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        try .changingAccess(to: self.mailbox, for: self.identifier, RightsChange(.replace, .none), view)
    }
}

extension Work {
    /// A barrier, for "received ACL modification commands" are "a possible ambiguity with respect to subsequent commands"
    /// (RFC 4314 §5.1.1).
    fileprivate static func changingAccess(
        to mailbox: MailboxName,
        for identifier: String,
        _ change: RightsChange,
        _ view: SessionView
    ) throws(Refusal) -> Work {
        let (store, name) = (try view.store(), mailbox.text)
        return Work(.barrier) { _ in
            guard let mailbox = try await store.mailbox(named: name, needing: .administer) else {
                throw Refusal.noSuchMailbox
            }
            try await store.setAccess(change, for: identifier, to: mailbox.id)
            return Outcome()
        }
    }
}

/// GETACL, RFC 4314 §3.3.
struct GetACLCommand: IMAPCommand {
    static let name = "GETACL"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName

    // getacl = "GETACL" SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name) = (try view.store(), self.mailbox)
        return Work(Footprint(reads: .mailboxes)) { output in
            guard let mailbox = try await store.mailbox(named: name.text, needing: .administer) else {
                throw Refusal.noSuchMailbox
            }
            // acl-data = "ACL" SP mailbox *(SP identifier SP rights)
            let entries = try await store.accessList(of: mailbox.id)
            output.writer.raw("* ACL ")
            output.writer.mailbox(name)
            for entry in entries {
                output.writer.sp()
                output.writer.astring(entry.identifier)
                output.writer.sp()
                output.writer.rights(entry.rights)
                try await output.flushIfLarge()
            }
            output.writer.crlf()
            return Outcome()
        }
    }
}

/// LISTRIGHTS, RFC 4314 §3.4: what the identifier has in any case, and then each right by itself.
struct ListRightsCommand: IMAPCommand {
    static let name = "LISTRIGHTS"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName
    private let identifier: String

    // listrights = "LISTRIGHTS" SP mailbox SP identifier
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.sp()
        self.identifier = try parser.accessIdentifier()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name, identifier) = (try view.store(), self.mailbox, self.identifier)
        return Work(Footprint(reads: .mailboxes)) { output in
            guard let mailbox = try await store.mailbox(named: name.text, needing: .administer) else {
                throw Refusal.noSuchMailbox
            }
            let lasting = try await store.lastingRights(for: identifier, to: mailbox.id)
            // listrights-data = "LISTRIGHTS" SP mailbox SP identifier SP rights *(SP rights)
            output.writer.raw("* LISTRIGHTS ")
            output.writer.mailbox(name)
            output.writer.sp()
            output.writer.astring(identifier)
            output.writer.sp()
            output.writer.rights(lasting)
            for (letter, right) in Rights.letters where !lasting.contains(right) { output.writer.raw(" \(letter)") }
            for (letter, _) in Rights.obsolete { output.writer.raw(" \(letter)") }
            output.writer.crlf()
            return Outcome()
        }
    }
}

/// MYRIGHTS, RFC 4314 §3.5.
struct MyRightsCommand: IMAPCommand {
    static let name = "MYRIGHTS"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName

    // myrights = "MYRIGHTS" SP mailbox
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name) = (try view.store(), self.mailbox)
        return Work(Footprint(reads: .mailboxes)) { output in
            guard let mailbox = try await store.mailbox(named: name.text, needing: .myRights) else {
                throw Refusal.noSuchMailbox
            }
            output.writer.write(mailbox.rights, to: name)
            return Outcome()
        }
    }
}

extension Rights {
    /// The rights of RFC 2086 that are several of today's (RFC 4314 §2.1.1); `c` also controlled DELETE.
    fileprivate static let obsolete: [(letter: Character, rights: Rights)] = [
        ("c", [.createMailboxes, .deleteMailbox]), ("d", [.deleteMessages, .expunge]),
    ]

    /// As responses have them: with the obsolete rights of which there is a part.
    fileprivate var toldText: String {
        self.text + String(Self.obsolete.filter { !self.isDisjoint(with: $0.rights) }.map(\.letter))
    }

    fileprivate init?(letter: Character) {
        let known = Self.letters.map { (letter: $0.letter, rights: $0.right) } + Self.obsolete
        guard let rights = known.first(where: { $0.letter == letter })?.rights else { return nil }
        self = rights
    }
}

extension ResponseWriter {
    /// `* MYRIGHTS mailbox rights`, RFC 4314 §3.8.
    ///
    ///     myrights-data = "MYRIGHTS" SP mailbox SP rights
    mutating func write(_ rights: Rights, to mailbox: MailboxName) {
        self.raw("* MYRIGHTS ")
        self.mailbox(mailbox)
        self.sp()
        self.rights(rights)
        self.crlf()
    }

    //   rights = astring ;; only lowercase ASCII letters and digits are allowed.
    fileprivate mutating func rights(_ rights: Rights) { self.astring(rights.toldText) }
}

extension CommandParser {
    /// Reads whom rights are given to; the store knows who there is.
    ///
    ///     identifier = astring
    ///
    /// What cannot be prepared as a user name is an error of the client's (RFC 4314 §3).
    fileprivate mutating func accessIdentifier() throws(SyntaxError) -> String {
        let start = self.offset
        guard let identifier = PreparedString.prepare(try self.astring()) else {
            throw SyntaxError(expected: "an identifier of printable characters", offset: start)
        }
        return identifier
    }

    /// Reads what becomes of somebody's rights.
    ///
    ///     mod-rights = astring ;; +rights to add, -rights to remove, rights to replace
    ///
    /// "An unrecognized right MUST cause the command to return the BAD response" (RFC 4314 §3.1).
    fileprivate mutating func rightsChange() throws(SyntaxError) -> RightsChange {
        let start = self.offset
        var octets = try self.astring()[...]
        let operation: RightsChange.Operation =
            switch octets.first {
            case UInt8(ascii: "+"): .add
            case UInt8(ascii: "-"): .remove
            default: .replace
            }
        if operation != .replace { octets = octets.dropFirst() }
        var rights: Rights = .none
        for octet in octets {
            guard let right = Rights(letter: Character(UnicodeScalar(octet))) else {
                throw SyntaxError(expected: "rights out of lrswipkxteacd", offset: start)
            }
            rights.formUnion(right)
        }
        return RightsChange(operation, rights)
    }
}
