// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    /// The account's mod-sequence now, and its mailboxes that have changed after `modSeq`.
    func changes(of account: AccountID, since modSeq: ModSeq) throws -> AccountChanges {
        let now = try self.first(
            "SELECT modseq FROM account WHERE id = ? AND domain IS NOT NULL",
            .int(account.rawValue)
        ) { ModSeq(rawValue: $0.int64(0)) }
        guard let now else { throw StoreError.notFound("account") }
        let mailboxes = try self.all(
            """
            SELECT id, highestmodseq FROM mailbox WHERE account = ? AND name IS NOT NULL AND highestmodseq > ?
            """,
            .int(account.rawValue),
            .int(modSeq.rawValue)
        ) { row in
            AccountChanges.MailboxState(
                id: MailboxID(rawValue: row.int64(0)),
                highestModSeq: ModSeq(rawValue: row.int64(1))
            )
        }
        return AccountChanges(modSeq: now, mailboxes: mailboxes.sorted { $0.id.rawValue < $1.id.rawValue })
    }

    /// What the account, and nobody else, calls its mailbox of that number; nil if it has none.
    func ownMailbox(_ id: MailboxID, of account: AccountID) throws -> MailboxName? {
        try self.first(
            "SELECT name FROM mailbox WHERE id = ? AND account = ? AND name IS NOT NULL",
            .int(id.rawValue),
            .int(account.rawValue)
        ) { try MailboxName($0.text(0)) }
    }

    /// The account's mailbox of that number, and its figures.
    func entry(_ id: MailboxID, of account: AccountID) throws -> AccountOverview.Entry? {
        guard let name = try self.ownMailbox(id, of: account),
            let mailbox = try self.mailbox(named: name, by: account, needing: .lookup)
        else { return nil }
        return AccountOverview.Entry(mailbox: mailbox, status: try self.status(of: id, by: account))
    }

    /// The first `limit` messages of the account's mailbox with larger UIDs.
    func listing(of id: MailboxID, by account: AccountID, after uid: UID, limit: Int) throws -> MessageListing {
        var reader = try PageReader(id, of: account, self)
        var messages: [ListedMessage] = []
        messages.reserveCapacity(limit)
        try self.each(
            """
            \(Self.listedColumns) WHERE message.mailbox = ? AND message.uid > ? ORDER BY message.uid LIMIT ?
            """,
            .int(id.rawValue),
            .int(uid.rawValue),
            .int(limit)
        ) { row in messages.append(try Self.listed(row, &reader)) }
        return MessageListing(
            messages: messages,
            highestModSeq: reader.highestModSeq,
            hasMore: messages.count == limit
        )
    }

    /// The same of those messages that were changed, or added, after `modSeq`: reads only pages that have some.
    func changedMessages(
        of id: MailboxID,
        by account: AccountID,
        since modSeq: ModSeq,
        after uid: UID,
        limit: Int
    ) throws -> MessageListing {
        var reader = try PageReader(id, of: account, self)
        let first = MailboxPage.number(of: uid)
        let numbers = try self.all(
            "SELECT number FROM page WHERE mailbox = ? AND highest_modseq > ?",
            .int(id.rawValue),
            .int(modSeq.rawValue)
        ) { try $0.uint32(0) }.filter { $0 >= first }.sorted()
        var uids: [UID] = []
        pages: for number in numbers {
            var found: [UID] = []
            try reader.page(number).forEach { candidate, slot in
                if candidate > uid, slot.modSeq > modSeq { found.append(candidate) }
            }
            for candidate in found {
                if uids.count == limit { break pages }
                uids.append(candidate)
            }
        }
        let messages = try uids.map { uid in
            let message = try self.first(
                "\(Self.listedColumns) WHERE message.mailbox = ? AND message.uid = ?",
                .int(id.rawValue),
                .int(uid.rawValue)
            ) { try Self.listed($0, &reader) }
            guard let message else { throw StoreError.corrupt("expected a row for each message of a page") }
            return message
        }
        return MessageListing(
            messages: messages,
            highestModSeq: reader.highestModSeq,
            hasMore: messages.count == limit
        )
    }

    private static var listedColumns: String {
        """
        SELECT message.uid, message.size, message.internaldate, message.zone, message.savedate, blob.sha256
        FROM message CROSS JOIN blob ON blob.id = message.blob
        """
    }

    private static func listed(_ row: SQLRow, _ reader: inout PageReader) throws -> ListedMessage {
        let uid = UID(rawValue: try row.uint32(0))
        guard let slot = try reader.page(MailboxPage.number(of: uid))[uid], !row.isNull(5) else {
            throw StoreError.corrupt("expected a slot and a digest for each message")
        }
        return ListedMessage(
            id: EmailID(
                digest: row.octets(5),
                internalDate: MessageDate(
                    time: UnixTime(rawValue: row.int64(2)),
                    zoneOffsetMinutes: row.int(3)
                )
            ),
            uid: uid,
            size: row.int(1),
            saveDate: UnixTime(rawValue: row.int64(4)),
            flags: FlagSet(system: slot.flags, keywords: reader.keywordNames(slot.keywords)),
            modSeq: slot.modSeq
        )
    }
}

/// Reads the pages of a mailbox one after the other, each once.
private struct PageReader {
    let highestModSeq: ModSeq
    private let state: MailboxState
    private let sql: SQL
    private var last: MailboxPage?

    /// Throws ``StoreError/noSuchMailbox`` if the account has no such mailbox.
    init(_ id: MailboxID, of account: AccountID, _ sql: SQL) throws {
        guard let state = try MailboxState(id, sql, residents: nil), state.account == account else {
            throw StoreError.noSuchMailbox
        }
        try sql.requireMailbox(id, by: account, needing: .read)
        (self.state, self.sql, self.highestModSeq) = (state, sql, state.highestModSeq)
    }

    mutating func page(_ number: UInt32) throws -> MailboxPage {
        if let last = self.last, last.number == number { return last }
        // A copy, which forgets the page again: this may be a long way.
        var state = self.state
        guard let page = try state.page(number, self.sql) else {
            throw StoreError.corrupt("expected a page for each message")
        }
        self.last = page
        return page
    }

    func keywordNames(_ bits: UInt64) -> [String] { self.state.keywordNames(bits) }
}
