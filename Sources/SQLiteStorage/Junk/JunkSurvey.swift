// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailMessage
import MailStorage

/// Looks for mail that was wanted though nobody has said so: it was seen, and is still there.
///
/// Without it most filters would only ever be shown junk. Where a lesson is wrong, because somebody has not got round to it yet,
/// moving the message takes it back.
enum JunkSurvey {
    /// Messages that one takes of a mailbox, the newest.
    private static let most = 200
    /// Mailboxes that are looked at, those that changed last; and pages of each, of 256 messages, from the end.
    private static let mailboxes = 32
    private static let pages = 4
    /// Seconds from one to the next; a message must have been kept for as long.
    private static let interval: Int64 = 86_400

    /// How many more messages may be taken for wanted though nobody has said so.
    ///
    /// Twice as many as there are junk ones are enough: with many more of one kind, a filter knows less of the other's words than
    /// it seems to, and what nobody has said may be wrong.
    static func room(beside lessons: LessonCounts) -> Int {
        max(0, max(Classifier.leastLessons, 2 * lessons.junk) - lessons.wanted)
    }

    /// The messages; nil if it is not time, or there are enough already.
    static func run(of account: AccountID, at now: UnixTime, _ sql: SQL) throws -> [BlobID]? {
        let row = try sql.first(
            "SELECT junk, wanted, surveyed_at FROM junk_account WHERE account = ?",
            .int(account.rawValue)
        ) { (lessons: LessonCounts(junk: $0.int(0), wanted: $0.int(1)), last: $0.optionalInt64(2)) }
        guard let row, row.lessons.junk > 0 else { return nil }
        let room = Self.room(beside: row.lessons)
        guard room > 0 else { return nil }
        if let last = row.last, now.rawValue - last < Self.interval { return nil }
        let latest = now.rawValue - Self.interval
        var found: [(date: Int64, blob: BlobID)] = []
        for mailbox in try self.mailboxes(of: account, sql) {
            for uid in try self.kept(in: mailbox, sql) {
                let message = try sql.first(
                    """
                    SELECT internaldate, blob FROM message WHERE mailbox = ? AND uid = ? AND NOT EXISTS (
                        SELECT 1 FROM junk_lesson WHERE account = ? AND junk_lesson.blob = message.blob)
                    """,
                    .int(mailbox.rawValue),
                    .int(uid.rawValue),
                    .int(account.rawValue)
                ) { (date: $0.int64(0), blob: BlobID(rawValue: $0.int64(1))) }
                if let message, message.date <= latest { found.append(message) }
            }
        }
        found.sort { ($1.date, $1.blob.rawValue) < ($0.date, $0.blob.rawValue) }
        return found.prefix(min(room, Self.most)).map(\.blob)
    }

    /// Those where people keep mail.
    private static func mailboxes(of account: AccountID, _ sql: SQL) throws -> [MailboxID] {
        try sql.all(
            """
            SELECT id, name, special_use FROM mailbox WHERE account = ? AND name IS NOT NULL AND messages > 0
            ORDER BY highestmodseq DESC
            """,
            .int(account.rawValue)
        ) { row in
            (
                id: MailboxID(rawValue: row.int64(0)),
                role: TeachingRole(name: row.text(1), specialUse: row.optionalText(2), isOwn: true)
            )
        }.filter { $0.role == .inbox || $0.role == .ordinary }.prefix(Self.mailboxes).map(\.id)
    }

    /// Messages that were seen and are neither deleted nor marked, the last first.
    private static func kept(in mailbox: MailboxID, _ sql: SQL) throws -> [UID] {
        let bit = try sql.first(
            "SELECT bit FROM keyword WHERE mailbox = ? AND name = '$Junk'",
            .int(mailbox.rawValue)
        ) { $0.int(0) }
        let junk: UInt64 = bit.map { 1 << UInt64($0) } ?? 0
        var uids: [UID] = []
        try sql.each(
            "SELECT number, highest_modseq, packed FROM page WHERE mailbox = ? ORDER BY number DESC LIMIT ?",
            .int(mailbox.rawValue),
            .int(Self.pages)
        ) { row in
            let page = try PageCoding.decode(
                row.octets(2),
                number: try row.uint32(0),
                highestModSeq: ModSeq(rawValue: row.int64(1))
            )
            var kept: [UID] = []
            page.forEach { uid, slot in
                guard slot.flags.contains(.seen), slot.flags.isDisjoint(with: [.deleted, .draft]) else { return }
                if slot.keywords & junk == 0 { kept.append(uid) }
            }
            uids += kept.reversed()
        }
        return Array(uids.prefix(Self.most))
    }
}

extension Transaction {
    /// Takes what a survey has found for wanted, unless something else was said of it meanwhile.
    func note(_ found: [BlobID], ofSurveyFor account: AccountID) throws {
        try self.sql.run(
            "UPDATE junk_account SET surveyed_at = ? WHERE account = ?",
            .int(self.now.rawValue),
            .int(account.rawValue)
        )
        guard self.sql.changes == 1 else { return }
        for blob in found {
            try self.sql.run(
                """
                INSERT OR IGNORE INTO junk_lesson (account, blob, meant, learnt)
                SELECT ?, id, ?, 0 FROM blob WHERE id = ? AND refs > 0
                """,
                .int(account.rawValue),
                .int(Lesson.wanted.rawValue),
                .int(blob.rawValue)
            )
        }
    }
}
