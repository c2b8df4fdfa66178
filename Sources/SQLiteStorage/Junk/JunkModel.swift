// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JunkFilter
import MailMessage
import MailStorage

/// How an account's filter counts.
struct JunkModel: Sendable {
    let key: TokenKey
    let lessons: LessonCounts
}

/// A message about which something is to be learnt, taken apart on a reader's thread.
struct TaughtMessage: Sendable {
    let blob: BlobID
    let meant: Lesson
    /// What it counts as now, for which domain.
    let learnt: Lesson
    let learntDomain: String?
    /// Who is shown to have sent it.
    let domain: String?
    /// Nil if its octets are gone.
    let tokens: [UInt64]?

    var cost: Int { self.tokens?.count ?? 0 }
}

extension SQL {
    /// Nil if there is none, or it is of another version.
    func model(of account: AccountID) throws -> JunkModel? {
        let model = try self.first(
            "SELECT key, junk, wanted FROM junk_account WHERE account = ? AND version = ?",
            .int(account.rawValue),
            .integer(MessageTokens.version)
        ) { row in
            TokenKey(row.octets(0)).map {
                JunkModel(key: $0, lessons: LessonCounts(junk: row.int(1), wanted: row.int(2)))
            }
        }
        return model ?? nil
    }

    func lessonCounts(of account: AccountID) throws -> LessonCounts? {
        try self.first("SELECT junk, wanted FROM junk_account WHERE account = ?", .int(account.rawValue)) {
            LessonCounts(junk: $0.int(0), wanted: $0.int(1))
        }
    }

    /// The given tokens, as an array in JSON, that the account knows.
    static let knownTokens = """
        SELECT token, junk, wanted FROM junk_token WHERE account = ? AND token IN (SELECT value FROM json_each(?))
        """

    /// How often tokens were in what the account has taught; those that it knows.
    func counts(of tokens: [UInt64], for account: AccountID) throws -> [UInt64: LessonCounts] {
        let numbers = tokens.map { String(Int64(bitPattern: $0)) }.joined(separator: ",")
        var counts: [UInt64: LessonCounts] = [:]
        try self.each(Self.knownTokens, .int(account.rawValue), .text("[\(numbers)]")) { row in
            counts[UInt64(bitPattern: row.int64(0))] = LessonCounts(junk: row.int(1), wanted: row.int(2))
        }
        return counts
    }

    func counts(ofDomain domain: String, for account: AccountID) throws -> LessonCounts {
        try self.first(
            "SELECT junk, wanted FROM junk_domain WHERE account = ? AND domain = ?",
            .int(account.rawValue),
            .text(domain)
        ) { LessonCounts(junk: $0.int(0), wanted: $0.int(1)) } ?? LessonCounts()
    }

    /// An index has those lessons only: what was learnt long ago is not looked at.
    static let nextToLearn = """
        SELECT min(account) FROM junk_lesson INDEXED BY junk_lesson_waiting WHERE account > ? AND meant <> learnt
        """
    static let waitingLessons = """
        SELECT blob, meant, learnt, domain FROM junk_lesson INDEXED BY junk_lesson_waiting
        WHERE account = ? AND meant <> learnt LIMIT ?
        """

    /// The next account about whose messages something is to be learnt.
    func accountToLearn(after last: AccountID?) throws -> AccountID? {
        let next = try self.first(Self.nextToLearn, .int(last?.rawValue ?? 0)) { $0.optionalInt64(0) }
        return (next ?? nil).map { AccountID(rawValue: $0) }
    }

    /// The next messages about which something is to be learnt.
    func lessons(
        of account: AccountID,
        _ key: TokenKey,
        limit: Int,
        _ author: (_ header: [UInt8]) -> String?
    ) throws -> [TaughtMessage] {
        let rows = try self.all(
            Self.waitingLessons,
            .int(account.rawValue),
            .int(limit)
        ) { row in
            (
                blob: BlobID(rawValue: row.int64(0)), meant: Lesson(rawValue: row.int(1)) ?? .nothing,
                learnt: Lesson(rawValue: row.int(2)) ?? .nothing, domain: row.optionalText(3)
            )
        }
        return try rows.map { row in
            let isThere = try self.number(
                "SELECT count(*) FROM blob WHERE id = ? AND sha256 IS NOT NULL",
                .int(row.blob.rawValue)
            )
            guard isThere == 1 else {
                return TaughtMessage(
                    blob: row.blob,
                    meant: row.meant,
                    learnt: row.learnt,
                    learntDomain: row.domain,
                    domain: nil,
                    tokens: nil
                )
            }
            let summary = try self.summary(of: row.blob)
            let read = { (range: Range<Int>, body: (ArraySlice<UInt8>, Bool) -> Bool) throws -> Void in
                _ = try self.eachPiece(of: row.blob, in: range, body)
            }
            let tokens = try MessageTokens(summary, read: read).all.map(key.number)
            var header: [UInt8] = []
            let range = summary.root.headerRange
            try read(range.lowerBound..<min(range.upperBound, range.lowerBound + 64 << 10)) { octets, _ in
                header += octets
                return true
            }
            return TaughtMessage(
                blob: row.blob,
                meant: row.meant,
                learnt: row.learnt,
                learntDomain: row.domain,
                domain: author(header),
                tokens: tokens
            )
        }
    }

    /// Tokens to be forgotten where an account has more than `limit`: those that were seen least often, and longest ago.
    func leastUsefulTokens(of account: AccountID, above limit: Int) throws -> [UInt64] {
        let count = try self.number("SELECT tokens FROM junk_account WHERE account = ?", .int(account.rawValue))
        guard count > limit else { return [] }
        return try self.all(
            """
            SELECT token FROM junk_token WHERE account = ? ORDER BY junk + wanted, learnt_at, token LIMIT ?
            """,
            .int(account.rawValue),
            .int(count - Int64(limit) + Int64(limit / 10))
        ) { UInt64(bitPattern: $0.int64(0)) }
    }
}

extension Transaction {
    func makeModel(of account: AccountID) throws -> JunkModel? {
        let octets = try Random.octets(TokenKey.length)
        guard let key = TokenKey(octets) else { return nil }
        try self.sql.run(
            """
            INSERT INTO junk_account (account, key, version, junk, wanted, tokens)
            SELECT id, ?, ?, 0, 0, 0 FROM account WHERE id = ? AND domain IS NOT NULL
            """,
            .octets(octets),
            .integer(MessageTokens.version),
            .int(account.rawValue)
        )
        return self.sql.changes == 1 ? JunkModel(key: key, lessons: LessonCounts()) : nil
    }

    /// Says that nothing has been learnt: what was taught is to be learnt anew.
    func forgetModel(of account: AccountID) throws {
        try self.sql.run("DELETE FROM junk_account WHERE account = ?", .int(account.rawValue))
        try self.sql.run("DELETE FROM junk_domain WHERE account = ?", .int(account.rawValue))
        try self.sql.run(
            "UPDATE junk_lesson SET learnt = 0, domain = NULL WHERE account = ? AND learnt <> 0",
            .int(account.rawValue)
        )
    }

    /// Learns lessons, and takes back what the messages counted as before, unless that has changed since they were read.
    ///
    /// What they come to together is written once for each token.
    func learn(_ messages: some Sequence<TaughtMessage>, of account: AccountID) throws {
        var sum = LessonSum()
        for message in messages { try self.learn(message, of: account, &sum) }
        for (domain, change) in sum.domains { try self.count(change, domain: domain, of: account) }
        var tokens = 0
        for (token, change) in sum.tokens where change != Change() {
            tokens += try self.count(change, token: token, of: account)
        }
        guard sum.all != Change() || tokens != 0 else { return }
        try self.sql.run(
            """
            UPDATE junk_account SET junk = max(0, junk + ?), wanted = max(0, wanted + ?), tokens = max(0, tokens + ?),
            learnt_at = ? WHERE account = ?
            """,
            .int(sum.all.junk),
            .int(sum.all.wanted),
            .int(tokens),
            .int(self.now.rawValue),
            .int(account.rawValue)
        )
    }

    private func learn(_ message: TaughtMessage, of account: AccountID, _ sum: inout LessonSum) throws {
        guard let numbers = message.tokens else {
            // What was learnt of it stays learnt.
            try self.sql.run(
                "DELETE FROM junk_lesson WHERE account = ? AND blob = ?",
                .int(account.rawValue),
                .int(message.blob.rawValue)
            )
            return
        }
        let domain = message.meant == .nothing ? nil : message.domain
        try self.sql.run(
            "UPDATE junk_lesson SET learnt = ?, domain = ? WHERE account = ? AND blob = ? AND learnt = ? AND domain IS ?",
            .int(message.meant.rawValue),
            .optional(domain),
            .int(account.rawValue),
            .int(message.blob.rawValue),
            .int(message.learnt.rawValue),
            .optional(message.learntDomain)
        )
        guard self.sql.changes == 1 else { return }
        let before = Change(message.learnt, by: -1)
        let after = Change(message.meant, by: 1)
        if let domain = message.learntDomain { sum.domains[domain, default: Change()] += before }
        if let domain { sum.domains[domain, default: Change()] += after }
        var change = before
        change += after
        sum.all += change
        for token in numbers { sum.tokens[token, default: Change()] += change }
    }

    /// What several lessons come to.
    private struct LessonSum {
        var all = Change()
        var domains: [String: Change] = [:]
        var tokens: [UInt64: Change] = [:]
    }

    /// How counts change.
    private struct Change: Hashable {
        var junk = 0
        var wanted = 0

        init() {}

        init(_ lesson: Lesson, by count: Int) {
            switch lesson {
            case .nothing: break
            case .junk: self.junk = count
            case .wanted: self.wanted = count
            }
        }

        static func += (left: inout Self, right: Self) {
            left.junk += right.junk
            left.wanted += right.wanted
        }

        var takes: Bool { self.junk < 0 || self.wanted < 0 }
    }

    /// Returns how many rows there are more now.
    private func count(_ change: Change, token: UInt64, of account: AccountID) throws -> Int {
        let number = Int64(bitPattern: token)
        var rows = 0
        // What was forgotten meanwhile is not counted below nothing.
        try self.sql.run(
            """
            UPDATE junk_token SET junk = max(0, junk + ?), wanted = max(0, wanted + ?), learnt_at = ?
            WHERE account = ? AND token = ?
            """,
            .int(change.junk),
            .int(change.wanted),
            .int(self.now.rawValue),
            .int(account.rawValue),
            .integer(number)
        )
        if self.sql.changes == 0, change.junk > 0 || change.wanted > 0 {
            try self.sql.run(
                "INSERT INTO junk_token (account, token, junk, wanted, learnt_at) VALUES (?, ?, ?, ?, ?)",
                .int(account.rawValue),
                .integer(number),
                .int(max(0, change.junk)),
                .int(max(0, change.wanted)),
                .int(self.now.rawValue)
            )
            rows += 1
        }
        if change.takes {
            try self.sql.run(
                "DELETE FROM junk_token WHERE account = ? AND token = ? AND junk = 0 AND wanted = 0",
                .int(account.rawValue),
                .integer(number)
            )
            rows -= self.sql.changes
        }
        return rows
    }

    private func count(_ change: Change, domain: String, of account: AccountID) throws {
        try self.sql.run(
            """
            INSERT INTO junk_domain (account, domain, junk, wanted) VALUES (?1, ?2, max(0, ?3), max(0, ?4))
            ON CONFLICT DO UPDATE SET junk = max(0, junk + ?3), wanted = max(0, wanted + ?4)
            """,
            .int(account.rawValue),
            .text(domain),
            .int(change.junk),
            .int(change.wanted)
        )
        try self.sql.run(
            "DELETE FROM junk_domain WHERE account = ? AND domain = ? AND junk = 0 AND wanted = 0",
            .int(account.rawValue),
            .text(domain)
        )
    }

    func forget(_ tokens: ArraySlice<UInt64>, of account: AccountID) throws {
        var count = 0
        for token in tokens {
            try self.sql.run(
                "DELETE FROM junk_token WHERE account = ? AND token = ?",
                .int(account.rawValue),
                .integer(Int64(bitPattern: token))
            )
            count += self.sql.changes
        }
        try self.sql.run(
            "UPDATE junk_account SET tokens = max(0, tokens - ?) WHERE account = ?",
            .int(count),
            .int(account.rawValue)
        )
    }
}
