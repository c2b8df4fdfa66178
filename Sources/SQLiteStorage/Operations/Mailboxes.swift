// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    private static var mailboxColumns: String {
        """
        SELECT id, name, uidvalidity, special_use, EXISTS (
            SELECT 1 FROM subscription WHERE subscription.account = mailbox.account
            AND subscription.name = mailbox.name
        ), was_inbox FROM mailbox
        """
    }

    private static func mailbox(_ row: SQLRow) throws -> Mailbox {
        Mailbox(
            id: MailboxID(rawValue: row.int64(0)),
            name: row.text(1),
            uidValidity: UIDValidity(rawValue: try row.uint32(2)),
            specialUses: SpecialUse.uses(in: row.optionalText(3)) ?? [],
            isSubscribed: row.bool(4),
            wasInbox: row.bool(5)
        )
    }

    /// The account's own, in the order of the names' octets with `INBOX` first.
    func mailboxes(of account: AccountID) throws -> [Mailbox] {
        try self.all(
            "\(Self.mailboxColumns) WHERE account = ? AND name IS NOT NULL ORDER BY name <> 'INBOX', name",
            .int(account.rawValue),
            read: Self.mailbox
        )
    }

    /// The account's own of that name, for what need not be allowed.
    func mailbox(named name: MailboxName, of account: AccountID) throws -> Mailbox? {
        try self.first(
            "\(Self.mailboxColumns) WHERE account = ? AND name = ?",
            .int(account.rawValue),
            .text(name.text),
            read: Self.mailbox
        )
    }

    /// The account's own for a special use, if it has one.
    func mailbox(for use: SpecialUse, of account: AccountID) throws -> Mailbox? {
        try self.first(
            """
            \(Self.mailboxColumns) WHERE account = ? AND name IS NOT NULL
            AND instr(' ' || special_use || ' ', ' ' || ? || ' ')
            """,
            .int(account.rawValue),
            .text(use.rawValue),
            read: Self.mailbox
        )
    }

    func subscriptions(of account: AccountID) throws -> [String] {
        try self.all(
            "SELECT name FROM subscription WHERE account = ? ORDER BY name <> 'INBOX', name",
            .int(account.rawValue)
        ) { $0.text(0) }
    }

    private static var statusColumns: String {
        "SELECT messages, unseen, deleted, recent, size, uidnext, uidvalidity, highestmodseq, id FROM mailbox"
    }

    private static func status(_ row: SQLRow) throws -> MailboxStatus {
        MailboxStatus(
            messages: row.int(0),
            unseen: row.int(1),
            deleted: row.int(2),
            recent: row.int(3),
            size: UInt64(clamping: row.int64(4)),
            uidNext: UID(rawValue: try row.uint32(5)),
            uidValidity: UIDValidity(rawValue: try row.uint32(6)),
            highestModSeq: ModSeq(rawValue: row.int64(7))
        )
    }

    /// From the counters: no message is read.
    func status(of id: MailboxID, by account: AccountID) throws -> MailboxStatus {
        try self.requireMailbox(id, by: account, needing: .read)
        let status = try self.first(
            "\(Self.statusColumns) WHERE id = ? AND name IS NOT NULL",
            .int(id.rawValue),
            read: Self.status
        )
        guard let status else { throw StoreError.noSuchMailbox }
        return status
    }

    /// All mailboxes that the account may know of, from the counters.
    func overview(of account: AccountID, includingAnnotations: Bool) throws -> AccountOverview {
        var own: [MailboxID: MailboxStatus] = [:]
        try self.each("\(Self.statusColumns) WHERE account = ? AND name IS NOT NULL", .int(account.rawValue)) { row in
            own[MailboxID(rawValue: row.int64(8))] = try Self.status(row)
        }
        var annotations = includingAnnotations ? try self.annotationTimes(of: account) : []
        let mailboxes = try self.mailboxes(for: account).map { mailbox in
            let id = mailbox.id
            guard mailbox.rights.contains(.read) else { return AccountOverview.Entry(mailbox: mailbox, status: nil) }
            if let status = own[id] { return AccountOverview.Entry(mailbox: mailbox, status: status) }
            if includingAnnotations { annotations += try self.sharedAnnotationTimes(of: id) }
            let status = try self.first("\(Self.statusColumns) WHERE id = ?", .int(id.rawValue), read: Self.status)
            return AccountOverview.Entry(mailbox: mailbox, status: status)
        }
        return AccountOverview(
            mailboxes: mailboxes,
            newest: MailboxID(rawValue: try self.number("SELECT max(id) FROM mailbox")),
            subscriptions: try self.subscriptions(of: account),
            annotations: annotations
        )
    }
}

extension Transaction {
    /// Creates the mailbox of that name if the account may.
    func createMailbox(_ name: MailboxName, specialUses: [SpecialUse], by account: AccountID) throws -> Mailbox {
        // Whose it would be must not be told to whom that is no business of.
        guard let place = try self.sql.place(of: name, for: account) else { throw StoreError.noPermission }
        try self.requireUnknown(place.name, of: place.owner, by: account)
        try self.requireCreation(of: place.name, of: place.owner, by: account)
        // What others' mailboxes are for is their owners' business.
        guard try self.sql.mailbox(named: place.name, of: place.owner) == nil,
            specialUses.isEmpty || place.owner == account
        else { throw StoreError.noPermission }
        var mailbox = try self.createMailbox(place.name, specialUses: specialUses, of: place.owner)
        mailbox.name = name.text
        return mailbox
    }

    /// Creates the account's mailbox and those above it that are missing (RFC 9051 §6.3.4).
    ///
    /// A special use that another mailbox has is that one's no more.
    func createMailbox(_ name: MailboxName, specialUses: [SpecialUse], of account: AccountID) throws -> Mailbox {
        guard try self.sql.mailbox(named: name, of: account) == nil else { throw StoreError.mailboxExists }
        let missing = try name.superiors.filter { try self.sql.mailbox(named: $0, of: account) == nil } + [name]
        let count = try self.sql.first(
            "SELECT count(*) FROM mailbox WHERE account = ? AND name IS NOT NULL",
            .int(account.rawValue)
        ) { $0.int(0) }
        guard (count ?? 0) + missing.count <= self.options.mailboxes else { throw StoreError.tooManyMailboxes }
        for name in missing { try self.insertMailbox(name, of: account) }
        guard var mailbox = try self.sql.mailbox(named: name, of: account) else { throw StoreError.noSuchMailbox }
        if !specialUses.isEmpty {
            try self.setSpecialUses(specialUses, of: mailbox.id, account)
            mailbox.specialUses = specialUses
        }
        return mailbox
    }

    private func insertMailbox(_ name: MailboxName, of account: AccountID) throws {
        let modSeq = try self.modSeq(of: account)
        try self.sql.run(
            """
            INSERT INTO mailbox (account, name, uidvalidity, uidnext, first_recent_uid, highestmodseq,
            messages, unseen, deleted, recent, size) VALUES (?, ?, ?, 1, 1, ?, 0, 0, 0, 0, 0)
            """,
            .int(account.rawValue),
            .text(name.text),
            .int(try self.takeUIDValidity(of: account)),
            .int(modSeq.rawValue)
        )
        let id = MailboxID(rawValue: self.sql.lastInsertedRow)
        if let superior = name.superiors.last, let parent = try self.sql.mailbox(named: superior, of: account) {
            try self.inheritAccess(to: id, from: parent.id)
        }
        try self.touchLists(of: id, account)
    }

    /// The time, or one more than the last if that is not before it: two mailboxes of an account never have the same,
    /// and one that comes back under its old name has a larger one, whatever the clock says (RFC 9051 §2.3.1.1).
    private func takeUIDValidity(of account: AccountID) throws -> UInt32 {
        let last = try self.sql.first("SELECT uidvalidity FROM account WHERE id = ?", .int(account.rawValue)) {
            try $0.uint32(0)
        }
        guard let last, last < UInt32.max else { throw StoreError.uidsExhausted }
        let next = max(last + 1, UInt32(clamping: self.now.rawValue))
        try self.sql.run("UPDATE account SET uidvalidity = ? WHERE id = ?", .int(next), .int(account.rawValue))
        return next
    }

    /// Deletes the mailbox at once; its messages are erased in steps afterwards.
    func deleteMailbox(_ name: MailboxName, by account: AccountID) throws {
        guard let mailbox = try self.sql.mailbox(named: name, by: account, needing: .delete),
            let place = try self.sql.place(of: name, for: account)
        else { throw StoreError.noSuchMailbox }
        guard place.name != .inbox else { throw StoreError.notPermitted("INBOX cannot be deleted") }
        try self.dropMailbox(mailbox.id, of: place.owner)
    }

    func dropMailbox(_ id: MailboxID, of account: AccountID) throws {
        let mailbox = try self.mailbox(id)
        _ = try self.modSeq(of: account)
        try self.touchLists(of: id, account)
        try self.sql.run("UPDATE mailbox SET name = NULL WHERE id = ?", .int(id.rawValue))
        try self.removeAnnotations(of: id)
        try self.removeAccess(to: id)
        self.forget(mailbox)
        self.wantErasure()
    }

    func setSubscribed(_ isSubscribed: Bool, _ name: MailboxName, of account: AccountID) throws {
        let text =
            isSubscribed
            ? "INSERT OR IGNORE INTO subscription (account, name) VALUES (?, ?)"
            : "DELETE FROM subscription WHERE account = ? AND name = ?"
        try self.sql.run(text, .int(account.rawValue), .text(name.text))
        guard self.sql.changes > 0 else { return }
        // Whoever compares the account's mod-sequence is to see it.
        _ = try self.modSeq(of: account)
        self.touchMailboxList(of: account)
        // Subscriptions outlive their mailboxes.
        guard isSubscribed else { return }
        let count = try self.sql.first("SELECT count(*) FROM subscription WHERE account = ?", .int(account.rawValue)) {
            $0.int(0)
        }
        guard (count ?? 0) <= self.options.mailboxes else { throw StoreError.tooManyMailboxes }
    }
}
