// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// STATUS, RFC 9051 §6.3.11; answered from counters.
struct StatusCommand: IMAPCommand {
    static let name = "STATUS"
    static let states = Set<SessionState>.loggedIn
    private let mailbox: MailboxName
    private let items: [StatusItem]

    // status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        try parser.sp()
        self.items = try StatusItem.list(&parser)
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name, items) = (try view.store(), self.mailbox, self.items)
        let appendLimit = view.service.options.messageLimit
        let counted = Footprint.Extent(mailbox: name.text)
        return Work(Footprint(reads: .mailboxes).reading(flags: counted).reading(messages: counted)) { output in
            guard let mailbox = try await store.mailbox(named: name.text, needing: .read) else {
                throw Refusal.noSuchMailbox
            }
            let status = try await store.status(of: mailbox.id, for: items)
            output.writer.write(status, items, of: name, mailbox.id, appendLimit: appendLimit)
            return Outcome()
        }.enabling(StatusItem.enabled(by: items))
    }
}

/// One figure of a mailbox; the raw value is its name on the wire.
enum StatusItem: String, Sendable {
    case messages = "MESSAGES"
    case uidNext = "UIDNEXT"
    case uidValidity = "UIDVALIDITY"
    case unseen = "UNSEEN"
    case deleted = "DELETED"
    /// RFC 8438.
    case size = "SIZE"
    /// RFC 9208 §4.1.4.
    case deletedStorage = "DELETED-STORAGE"
    /// RFC 3501 §6.3.10.
    case recent = "RECENT"
    /// RFC 7162 §3.1.7.
    case highestModSeq = "HIGHESTMODSEQ"
    /// RFC 7889 §3.1.
    case appendLimit = "APPENDLIMIT"
    /// RFC 8474 §4.3; no figure, but a name.
    case mailboxID = "MAILBOXID"

    // "(" status-att *(SP status-att) ")"
    static func list(_ parser: inout CommandParser) throws(SyntaxError) -> [StatusItem] {
        try parser.parenthesized(maximum: 32) { (parser: inout CommandParser) throws(SyntaxError) in
            let start = parser.offset
            guard let item = StatusItem(rawValue: try parser.keywordToken()) else {
                throw SyntaxError(expected: "a status item", offset: start)
            }
            return item
        }
    }

    func value(in status: MailboxStatus, appendLimit: Int) -> UInt64 {
        switch self {
        case .messages: UInt64(status.messages)
        case .uidNext: UInt64(status.uidNext.rawValue)
        case .uidValidity: UInt64(status.uidValidity.rawValue)
        case .unseen: UInt64(status.unseen)
        case .deleted: UInt64(status.deleted)
        case .size: status.size
        case .deletedStorage: status.deletedSize ?? 0
        case .recent: UInt64(status.recent)
        case .highestModSeq: UInt64(clamping: status.highestModSeq.rawValue)
        case .appendLimit: UInt64(clamping: appendLimit)
        case .mailboxID: 0
        }
    }

    /// What a client turns on by asking for them (RFC 7162 §3.1).
    static func enabled(by items: [StatusItem]) -> Set<EnabledFeature> {
        items.contains(.highestModSeq) ? [.condstore] : []
    }
}

extension MailStore {
    /// The figures, with those that take some reading if the items need them.
    func status(of mailbox: MailboxID, for items: [StatusItem]) async throws -> MailboxStatus {
        var status = try await self.status(of: mailbox)
        if items.contains(.deletedStorage) { status.deletedSize = try await self.deletedSize(of: mailbox) }
        return status
    }
}

extension ResponseWriter {
    /// `* STATUS mailbox (item number …)`, RFC 9051 §7.3.4.
    mutating func write(
        _ status: MailboxStatus,
        _ items: [StatusItem],
        of name: MailboxName,
        _ mailbox: MailboxID,
        appendLimit: Int
    ) {
        self.raw("* ")
        self.raw("STATUS ")
        self.mailbox(name)
        self.raw(" (")
        for (index, item) in items.enumerated() {
            if index > 0 { self.raw(" ") }
            self.raw(item.rawValue)
            self.raw(" ")
            if item == .mailboxID {
                self.raw("(\(ObjectID.mailbox(mailbox)))")
            } else {
                self.number(item.value(in: status, appendLimit: appendLimit))
            }
        }
        self.raw(")")
        self.crlf()
    }
}
