// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension MailboxID {
    /// Stands for the server in the table of annotations.
    fileprivate static let server = MailboxID(rawValue: 0)
}

extension SQL {
    /// Ascending by entry; nil is the server.
    func annotations(of mailbox: MailboxID?, _ account: AccountID) throws -> [Annotation] {
        if let mailbox { try self.requireMailbox(mailbox, of: account) }
        return try self.all(
            "SELECT entry, value, modseq FROM annotation WHERE account = ? AND mailbox = ? ORDER BY entry",
            .int(account.rawValue),
            .int((mailbox ?? .server).rawValue)
        ) { row in
            Annotation(entry: row.text(0), value: row.octets(1), modSeq: ModSeq(rawValue: row.int64(2)))
        }
    }
}

extension SQL {
    /// Without the values; in no order.
    func annotationTimes(of account: AccountID) throws -> [AccountOverview.AnnotationTime] {
        try self.all("SELECT mailbox, entry, modseq FROM annotation WHERE account = ?", .int(account.rawValue)) { row in
            let mailbox = MailboxID(rawValue: row.int64(0))
            return AccountOverview.AnnotationTime(
                mailbox: mailbox == .server ? nil : mailbox,
                entry: row.text(1),
                modSeq: ModSeq(rawValue: row.int64(2))
            )
        }
    }
}

extension Transaction {
    /// Makes all the changes or none; returns their mod-sequence.
    func annotate(_ mailbox: MailboxID?, _ changes: [AnnotationChange], of account: AccountID) throws -> ModSeq {
        if let mailbox { _ = try self.mailbox(mailbox, of: account) }
        let id = mailbox ?? .server
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

    /// Takes away what was noted about the mailbox; nil is the server.
    func removeAnnotations(of mailbox: MailboxID?, _ account: AccountID) throws {
        try self.sql.run(
            "DELETE FROM annotation WHERE account = ? AND mailbox = ?",
            .int(account.rawValue),
            .int((mailbox ?? .server).rawValue)
        )
    }

    /// Says what the mailbox is for; a mailbox that was for the same is for that no more.
    func setSpecialUses(_ uses: [SpecialUse], of id: MailboxID, _ account: AccountID) throws {
        let mailboxes = try self.sql.mailboxes(of: account)
        guard mailboxes.contains(where: { $0.id == id }) else { throw StoreError.noSuchMailbox }
        _ = try self.modSeq(of: account)
        for mailbox in mailboxes {
            let now = mailbox.id == id ? uses : mailbox.specialUses.filter { !uses.contains($0) }
            guard now != mailbox.specialUses else { continue }
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
