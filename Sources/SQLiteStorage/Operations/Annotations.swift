// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension MailboxID {
    /// Stands for the server in the table of annotations.
    fileprivate static let server = MailboxID(rawValue: 0)
}

extension SQL {
    /// Ascending by entry; nil is the server.
    ///
    /// Of a mailbox, those that its owner's account has for all are kept with it, and each user's own with his.
    func annotations(of mailbox: MailboxID?, by account: AccountID) throws -> [Annotation] {
        let owner = try mailbox.map { try self.requireMailbox($0, by: account, needing: .annotate).owner } ?? account
        return try self.all(
            """
            SELECT entry, value, modseq FROM annotation WHERE mailbox = ?1
            AND (account = ?2 OR account = ?3 AND entry LIKE '/shared/%') ORDER BY entry
            """,
            .int((mailbox ?? .server).rawValue),
            .int(account.rawValue),
            .int(owner.rawValue)
        ) { row in
            Annotation(entry: row.text(0), value: row.octets(1), modSeq: ModSeq(rawValue: row.int64(2)))
        }
    }
}

extension SQL {
    /// Without the values; in no order.
    func annotationTimes(of account: AccountID) throws -> [AccountOverview.AnnotationTime] {
        try self.all(
            "SELECT mailbox, entry, modseq FROM annotation WHERE account = ?",
            .int(account.rawValue),
            read: Self.annotationTime
        )
    }

    /// The same of those that the mailbox's owner has for all.
    func sharedAnnotationTimes(of mailbox: MailboxID) throws -> [AccountOverview.AnnotationTime] {
        try self.all(
            """
            SELECT mailbox, entry, modseq FROM annotation WHERE mailbox = ?1 AND entry LIKE '/shared/%'
            AND account = (SELECT account FROM mailbox WHERE id = ?1)
            """,
            .int(mailbox.rawValue),
            read: Self.annotationTime
        )
    }

    private static func annotationTime(_ row: SQLRow) -> AccountOverview.AnnotationTime {
        let mailbox = MailboxID(rawValue: row.int64(0))
        return AccountOverview.AnnotationTime(
            mailbox: mailbox == .server ? nil : mailbox,
            entry: row.text(1),
            modSeq: ModSeq(rawValue: row.int64(2))
        )
    }
}

extension Transaction {
    /// Makes all the changes or none; what a mailbox is for is its owner's to say.
    ///
    /// Returns their mod-sequence: the user's account's if any of them is there.
    func annotate(
        _ mailbox: MailboxID?,
        _ changes: [AnnotationChange],
        specialUses: [SpecialUse]?,
        by user: AccountID
    ) throws -> ModSeq {
        guard let mailbox else { return try self.annotate(.server, changes, of: user) }
        let (state, rights) = try self.mailbox(mailbox, by: user, needing: .annotate)
        if let specialUses {
            guard state.account == user else { throw StoreError.noPermission }
            try self.setSpecialUses(specialUses, of: mailbox, user)
        }
        var modSeq = ModSeq(rawValue: 0)
        let shared = changes.filter { $0.entry.lowercased().hasPrefix("/shared/") }
        if !shared.isEmpty {
            try Access.annotateForAll.require(of: rights)
            modSeq = try self.annotate(mailbox, shared, of: state.account)
            // Others see them too.
            self.touch(.mailbox(mailbox))
        }
        let own = changes.filter { !$0.entry.lowercased().hasPrefix("/shared/") }
        if !own.isEmpty { modSeq = try self.annotate(mailbox, own, of: user) }
        return modSeq
    }

    private func annotate(_ id: MailboxID, _ changes: [AnnotationChange], of account: AccountID) throws -> ModSeq {
        let modSeq = try self.modSeq(of: account)
        for change in changes {
            guard change.entry.utf8.count <= Annotation.longestEntry,
                change.value?.count ?? 0 <= Annotation.largestValue
            else { throw StoreError.notPermitted("an annotation is not that long") }
            guard let value = change.value else {
                try self.sql.run(
                    "DELETE FROM annotation WHERE account = ? AND mailbox = ? AND entry = ?",
                    .int(account.rawValue),
                    .int(id.rawValue),
                    .text(change.entry)
                )
                continue
            }
            try self.sql.run(
                """
                INSERT INTO annotation (account, mailbox, entry, value, modseq) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET value = excluded.value, modseq = excluded.modseq
                """,
                .int(account.rawValue),
                .int(id.rawValue),
                .text(change.entry),
                .octets(value),
                .int(modSeq.rawValue)
            )
        }
        let count = try self.sql.number(
            "SELECT count(*) FROM annotation WHERE account = ? AND mailbox = ?",
            .int(account.rawValue),
            .int(id.rawValue)
        )
        // The lengths of values are in their rows' heads: this reads none of them.
        let total = try self.sql.number(
            "SELECT sum(length(entry) + length(value)) FROM annotation WHERE account = ?",
            .int(account.rawValue)
        )
        guard count <= Annotation.countLimit, total <= Annotation.totalLimit else {
            throw StoreError.tooManyAnnotations
        }
        self.touch(.account(account))
        return modSeq
    }

    /// When INBOX is renamed, both have what it had (RFC 5464 §4.1).
    func copyAnnotations(from source: MailboxID, to target: MailboxID, of account: AccountID) throws {
        try self.sql.run(
            """
            INSERT INTO annotation (account, mailbox, entry, value, modseq)
            SELECT account, ?, entry, value, ? FROM annotation WHERE account = ? AND mailbox = ?
            """,
            .int(target.rawValue),
            .int(try self.modSeq(of: account).rawValue),
            .int(account.rawValue),
            .int(source.rawValue)
        )
    }

    /// Takes away what anybody has noted about the mailbox.
    func removeAnnotations(of mailbox: MailboxID) throws {
        try self.sql.run("DELETE FROM annotation WHERE mailbox = ? AND mailbox <> 0", .int(mailbox.rawValue))
    }

    /// Takes away what the account has noted, about whatever.
    func removeAnnotations(by account: AccountID) throws {
        try self.sql.run("DELETE FROM annotation WHERE account = ?", .int(account.rawValue))
    }

    /// Says what the mailbox is for; a mailbox that was for the same is for that no more.
    func setSpecialUses(_ uses: [SpecialUse], of id: MailboxID, _ account: AccountID) throws {
        let mailboxes = try self.sql.mailboxes(of: account)
        guard mailboxes.contains(where: { $0.id == id }) else { throw StoreError.noSuchMailbox }
        _ = try self.modSeq(of: account)
        for mailbox in mailboxes {
            let now = mailbox.id == id ? uses : mailbox.specialUses.filter { !uses.contains($0) }
            guard now != mailbox.specialUses else { continue }
            if mailbox.specialUses.contains(.junk), !now.contains(.junk) {
                try self.teachNothing(of: mailbox.id, by: account)
            }
            try self.sql.run(
                "UPDATE mailbox SET special_use = ? WHERE id = ?",
                .optional(SpecialUse.text(of: now)),
                .int(mailbox.id.rawValue)
            )
        }
        self.touchMailboxList(of: account)
    }
}

extension SpecialUse {
    /// As the column has them: in one order, separated by spaces; nil for none.
    static func text(of uses: [SpecialUse]) -> String? {
        uses.isEmpty ? nil : Self.allCases.filter(uses.contains).map(\.rawValue).joined(separator: " ")
    }

    /// Nil if something else stands there.
    static func uses(in text: String?) -> [SpecialUse]? {
        var uses: [SpecialUse] = []
        for word in (text ?? "").split(separator: " ") {
            guard let use = SpecialUse(rawValue: String(word)) else { return nil }
            uses.append(use)
        }
        return uses
    }
}
