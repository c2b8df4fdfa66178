// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailMessage
import MailStorage

/// What a message counts as; the numbers are those of `junk_lesson`.
enum Lesson: Int, Sendable, Hashable {
    case nothing, wanted, junk
}

/// What a mailbox is for, as far as putting mail there says something.
enum TeachingRole: Hashable, Sendable {
    case inbox, junk, trash
    /// Where people file what they want to keep.
    case ordinary
    /// Drafts, Sent, somebody else's, or one that is for junk by its name only.
    case other

    /// Names that clients give their mailboxes for junk, in lower case.
    ///
    /// Where such a mailbox has no `\Junk`, nobody has said here that it is for junk, but it is not where people keep mail either.
    private static let namesOfJunk: Set<String> = ["spam", "junk", "junk e-mail", "junk email", "bulk mail"]

    /// `isOwn`: it belongs to whoever acts; only one's own acts teach one's own filter.
    init(name: String, specialUse: String?, isOwn: Bool) {
        let uses = Set((specialUse ?? "").split(separator: " ").map { SpecialUse(rawValue: String($0)) })
        if uses.contains(.trash) {
            // Also where the same mailbox is for junk: then being put there says nothing.
            self = .trash
        } else if !isOwn || uses.contains(.drafts) || uses.contains(.sent) {
            self = .other
        } else {
            let last = name.split(separator: "/").last.map { $0.lowercased() } ?? ""
            self =
                uses.contains(.junk)
                ? .junk : name == MailboxName.inbox.text ? .inbox : Self.namesOfJunk.contains(last) ? .other : .ordinary
        }
    }

    /// What putting mail from one mailbox into another says; nil: nothing.
    ///
    /// What comes from nowhere (APPEND) says something in Junk only: that is what clients do that move mail there from
    /// another server, and what those do that bring a collection along. Anywhere else it may be a draft or an old archive.
    ///
    /// - Returns: the lesson, and whether it was meant as one.
    static func lesson(from source: Self?, to target: Self) -> (lesson: Lesson, isExplicit: Bool)? {
        switch (source, target) {
        case (.junk, .junk), (.junk, .trash), (.junk, .other): nil
        case (_, .junk): (.junk, true)
        case (.junk, _): (.wanted, true)
        case (.inbox, .ordinary): (.wanted, false)
        default: nil
        }
    }
}

/// Messages that a change of flags says something about.
///
/// `$Junk` and `$NotJunk` (RFC 9051 §2.3.2) say what a message is; both together say nothing. Whoever answers a message wanted it.
struct MarkedMessages {
    private(set) var junk: [UID] = []
    private(set) var wanted: [UID] = []
    private(set) var answered: [UID] = []
    /// The bits of the two keywords; nil until they matter.
    private var bits: (junk: UInt64, notJunk: UInt64)?

    /// Notes a message whose flags change.
    mutating func note(
        _ uid: UID,
        _ before: MailboxPage.Slot,
        _ after: MailboxPage.Slot,
        in mailbox: inout MailboxState,
        _ sql: SQL
    ) throws {
        if after.keywords != before.keywords {
            let bits =
                try self.bits
                ?? (
                    try mailbox.keywordBits(["$Junk"], adding: false, sql),
                    try mailbox.keywordBits(["$NotJunk"], adding: false, sql)
                )
            self.bits = bits
            let mark = Self.mark(after.keywords, bits)
            if mark != .nothing, mark != Self.mark(before.keywords, bits) {
                if mark == .junk { self.junk.append(uid) } else { self.wanted.append(uid) }
                return
            }
        }
        if after.flags.contains(.answered), !before.flags.contains(.answered) { self.answered.append(uid) }
    }

    private static func mark(_ keywords: UInt64, _ bits: (junk: UInt64, notJunk: UInt64)) -> Lesson {
        switch (keywords & bits.junk != 0, keywords & bits.notJunk != 0) {
        case (true, false): .junk
        case (false, true): .wanted
        default: .nothing
        }
    }

    var isEmpty: Bool { self.junk.isEmpty && self.wanted.isEmpty && self.answered.isEmpty }
}

extension Transaction {
    /// Notes what an account says by putting messages, which are there now, into a mailbox.
    ///
    /// A statement for each run of them, however many they are; nothing is learnt here.
    func teach(_ uids: [UID], from source: MailboxID?, to target: MailboxID, by account: AccountID) throws {
        guard self.options.learnsJunk, !uids.isEmpty, let targetRole = try self.role(of: target, for: account) else {
            return
        }
        let sourceRole = try source.flatMap { try self.role(of: $0, for: account) }
        guard let (lesson, isExplicit) = TeachingRole.lesson(from: sourceRole, to: targetRole) else { return }
        let room = isExplicit ? uids.count : try self.room(of: account)
        try self.teach(lesson, uids.suffix(room), in: target, of: account)
    }

    /// Notes what an account says by changing flags.
    func teach(_ marked: MarkedMessages, in mailbox: MailboxState, by account: AccountID) throws {
        guard self.options.learnsJunk, !marked.isEmpty, mailbox.account == account else { return }
        if !marked.junk.isEmpty { try self.teach(.junk, marked.junk, in: mailbox.id, of: account) }
        if !marked.wanted.isEmpty { try self.teach(.wanted, marked.wanted, in: mailbox.id, of: account) }
        guard !marked.answered.isEmpty else { return }
        switch try self.role(of: mailbox.id, for: account) {
        case .inbox, .ordinary:
            try self.teach(.wanted, marked.answered.suffix(self.room(of: account)), in: mailbox.id, of: account)
        default: return
        }
    }

    /// A mailbox is for junk no more: what is in it teaches nothing by being there.
    ///
    /// Of those, so many messages, the last ones: others a survey would hardly come to.
    func teachNothing(of mailbox: MailboxID, by account: AccountID) throws {
        guard self.options.learnsJunk else { return }
        try self.sql.run(
            """
            INSERT OR IGNORE INTO junk_lesson (account, blob, meant, learnt)
            SELECT ?, blob, 0, 0 FROM message WHERE mailbox = ? ORDER BY uid DESC LIMIT 5000
            """,
            .int(account.rawValue),
            .int(mailbox.rawValue)
        )
    }

    private func role(of mailbox: MailboxID, for account: AccountID) throws -> TeachingRole? {
        try self.sql.first(
            "SELECT name, special_use, account FROM mailbox WHERE id = ? AND name IS NOT NULL",
            .int(mailbox.rawValue)
        ) { row in
            TeachingRole(
                name: row.text(0),
                specialUse: row.optionalText(1),
                isOwn: row.int64(2) == account.rawValue
            )
        }
    }

    /// How many more messages may be taken for wanted by their use alone (``JunkSurvey/room(beside:)``), about.
    ///
    /// None where nothing was ever taught: who has never shown junk need not show what is wanted.
    private func room(of account: AccountID) throws -> Int {
        let known = try self.sql.lessonCounts(of: account)
        let most = 1_000
        let waiting = try self.sql.first(
            """
            SELECT count(*), ifnull(sum(meant = 2), 0), ifnull(sum(meant = 1), 0) FROM (
                SELECT meant FROM junk_lesson INDEXED BY junk_lesson_waiting
                WHERE account = ? AND meant <> learnt LIMIT ?)
            """,
            .int(account.rawValue),
            .int(most)
        ) { (count: $0.int(0), lessons: LessonCounts(junk: $0.int(1), wanted: $0.int(2))) }
        guard let waiting, known != nil || waiting.count > 0, waiting.count < most else { return 0 }
        return JunkSurvey.room(
            beside: LessonCounts(
                junk: (known?.junk ?? 0) + waiting.lessons.junk,
                wanted: (known?.wanted ?? 0) + waiting.lessons.wanted
            )
        )
    }

    private func teach(
        _ lesson: Lesson,
        _ some: some Collection<UID>,
        in mailbox: MailboxID,
        of account: AccountID
    ) throws {
        let uids = Array(some)
        guard !uids.isEmpty else { return }
        for run in Self.runs(uids) {
            try self.sql.run(
                """
                INSERT INTO junk_lesson (account, blob, meant, learnt)
                SELECT ?, blob, ?, 0 FROM message WHERE mailbox = ? AND uid BETWEEN ? AND ?
                ON CONFLICT (account, blob) DO UPDATE SET meant = excluded.meant
                """,
                .int(account.rawValue),
                .int(lesson.rawValue),
                .int(mailbox.rawValue),
                .int(uids[run.lowerBound].rawValue),
                .int(uids[run.upperBound - 1].rawValue)
            )
        }
        self.wantLearning()
    }

    // MARK: Correspondents

    /// A message for more is a circular, which says nothing about any of them.
    private static let mostRecipients = 50
    /// Addresses of an account that are remembered; those written to longest ago go first.
    private static let mostCorrespondents = 5_000

    /// Notes whom an account has written to; nothing if it was removed meanwhile, for what it submitted before is accepted all the same.
    func note(_ recipients: [String], writtenToBy account: AccountID) throws {
        guard self.options.learnsJunk, recipients.count <= Self.mostRecipients else { return }
        var isNew = false
        for address in recipients {
            try self.sql.run(
                "UPDATE junk_correspondent SET written_at = ? WHERE account = ? AND address = ?",
                .int(self.now.rawValue),
                .int(account.rawValue),
                .text(address)
            )
            guard self.sql.changes == 0 else { continue }
            try self.sql.run(
                """
                INSERT INTO junk_correspondent (account, address, written_at)
                SELECT id, ?, ? FROM account WHERE id = ? AND domain IS NOT NULL
                """,
                .text(address),
                .int(self.now.rawValue),
                .int(account.rawValue)
            )
            guard self.sql.changes == 1 else { return }
            isNew = true
        }
        guard isNew else { return }
        try self.sql.run(
            """
            DELETE FROM junk_correspondent WHERE account = ?1 AND address IN (
                SELECT address FROM junk_correspondent WHERE account = ?1 ORDER BY written_at
                LIMIT max(0, (SELECT count(*) FROM junk_correspondent WHERE account = ?1) - ?2))
            """,
            .int(account.rawValue),
            .int(Self.mostCorrespondents)
        )
    }

    // MARK: Removing

    /// Removes everything that an account has taught, but for its tokens, which nobody can read without it.
    func removeJunkLessons(of account: AccountID) throws {
        for table in ["junk_account", "junk_domain", "junk_lesson", "junk_correspondent"] {
            try self.sql.run("DELETE FROM \(table) WHERE account = ?", .int(account.rawValue))
        }
    }

    /// Erases some tokens of an account; returns whether there may be more.
    func eraseJunkTokens(of account: AccountID) throws -> Bool {
        let step = 10_000
        try self.sql.run(
            """
            DELETE FROM junk_token WHERE account = ?1
            AND token IN (SELECT token FROM junk_token WHERE account = ?1 LIMIT ?2)
            """,
            .int(account.rawValue),
            .int(step)
        )
        return self.sql.changes == step
    }
}

extension Rule {
    static let junk = [
        Rule(
            truth: "a removed account has taught nothing",
            violations: """
                SELECT 'account ' || id FROM account WHERE domain IS NULL AND (
                    id IN (SELECT account FROM junk_account) OR id IN (SELECT account FROM junk_domain)
                    OR id IN (SELECT account FROM junk_lesson) OR id IN (SELECT account FROM junk_correspondent))
                """
        ),
        Rule(
            truth: "a filter counts its tokens, and no token was in more messages than there were",
            violations: """
                SELECT 'account ' || account FROM junk_account WHERE tokens <> (
                    SELECT count(*) FROM junk_token WHERE junk_token.account = junk_account.account)
                OR EXISTS (SELECT 1 FROM junk_token WHERE junk_token.account = junk_account.account
                    AND (junk_token.junk > junk_account.junk OR junk_token.wanted > junk_account.wanted))
                """
        ),
        Rule(
            truth: "what was taught is about octets that are there",
            violations: """
                SELECT 'lesson ' || account || '/' || blob FROM junk_lesson
                WHERE blob NOT IN (SELECT id FROM blob)
                """
        ),
    ]
}
