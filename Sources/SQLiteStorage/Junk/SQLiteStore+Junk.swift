// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailMessage
import MailStorage

extension SQLiteStore: JunkMemory {
    package func isReady(for accounts: [AccountID]) -> Bool { !self.learning.ready(of: accounts).isEmpty }

    package func judge(
        _ message: StagedMessage,
        from domain: String?,
        for accounts: [AccountID]
    ) async throws -> [AccountID: JunkVerdict] {
        let ready = self.learning.ready(of: accounts)
        guard !ready.isEmpty else { return [:] }
        let tokens = try await self.read { sql in
            try MessageTokens(message.summary) { range, body in
                switch message.content {
                case .octets(let all): _ = body(all[range.clamped(to: 0..<all.count)], true)
                case .blob(let blob): _ = try sql.eachPiece(of: blob, in: range, body)
                }
            }.all
        }
        let author = domain.flatMap { Author(message.summary.envelope, domain: $0) }
        var verdicts: [AccountID: JunkVerdict] = [:]
        // One after the other, so that other readers have their turn between.
        for account in ready { verdicts[account] = try await self.read { try $0.judge(tokens, author, for: account) } }
        return verdicts
    }

    package func junkLessons(of address: String?) async throws -> [JunkLessons] {
        try await self.read { sql in
            guard let address else {
                return try sql.accounts().compactMap { account in
                    let lessons = try sql.junkLessons(of: account)
                    return lessons.learntAt == nil && lessons.waiting == 0 ? nil : lessons
                }
            }
            guard let account = try sql.account(try AccountAddress(address)) else { throw StoreError.notFound(address) }
            return [try sql.junkLessons(of: account)]
        }
    }

    package func forgetJunkLessons(of address: String) async throws {
        let id = try await self.write { transaction in
            let parsed = try AccountAddress(address)
            guard let account = try transaction.sql.account(parsed) else { throw StoreError.notFound(address) }
            for table in ["junk_account", "junk_domain", "junk_lesson"] {
                try transaction.sql.run("DELETE FROM \(table) WHERE account = ?", .int(account.id.rawValue))
            }
            return account.id
        }
        self.learning.set(id, isReady: false)
        // Nobody can read them any more.
        while try await self.write({ try $0.eraseOrphanedTokens(of: id) }) {}
    }

    /// The one author of a message that was shown to come from a domain.
    fileprivate struct Author: Sendable {
        let address: String
        let domain: String

        /// Nil if there are several, or he is of another domain after all.
        init?(_ envelope: MessageEnvelope, domain: String) {
            let authors = envelope.from.compactMap(\.mailbox)
            guard authors.count == 1, let author = authors.first,
                Octets.equal(author.domain, ignoringCaseOf: Array(domain.utf8))
            else { return nil }
            self.address = String(decoding: author.addrSpec, as: UTF8.self)
            self.domain = domain
        }
    }
}

extension SQL {
    /// Nil if the account has forgotten meanwhile.
    fileprivate func judge(
        _ tokens: [String],
        _ author: SQLiteStore.Author?,
        for account: AccountID
    ) throws -> JunkVerdict? {
        guard let model = try self.model(of: account), Classifier.isReady(model.lessons) else { return nil }
        let numbered = tokens.map { (token: $0, number: model.key.number(of: $0)) }
        let known = try self.counts(of: numbered.map(\.number), for: account)
        let words = numbered.compactMap { word in known[word.number].map { (token: word.token, counts: $0) } }
        let standing = try author.map { author in
            AuthorStanding(
                domain: author.domain,
                lessons: try self.counts(ofDomain: author.domain, for: account),
                isCorrespondent: try self.number(
                    "SELECT count(*) FROM junk_correspondent WHERE account = ? AND address = ?",
                    .int(account.rawValue),
                    .text(author.address)
                ) > 0
            )
        }
        return JunkVerdict(content: Classifier.judge(words, of: model.lessons), author: standing)
    }

    fileprivate func junkLessons(of account: Account) throws -> JunkLessons {
        let id = account.id.rawValue
        let row = try self.first(
            "SELECT junk, wanted, tokens, learnt_at FROM junk_account WHERE account = ?",
            .int(id)
        ) { row in
            (LessonCounts(junk: row.int(0), wanted: row.int(1)), row.int(2), row.optionalInt64(3))
        }
        let waiting = try self.number(
            "SELECT count(*) FROM junk_lesson WHERE account = ? AND meant <> learnt",
            .int(id)
        )
        return JunkLessons(
            address: account.address,
            counts: row?.0 ?? LessonCounts(),
            waiting: Int(waiting),
            tokens: row?.1 ?? 0,
            learntAt: row.flatMap { $0.2.map { UnixTime(rawValue: $0) } }
        )
    }
}

extension Transaction {
    /// Erases some tokens of an account that counts by none; returns whether there may be more.
    fileprivate func eraseOrphanedTokens(of account: AccountID) throws -> Bool {
        guard try self.sql.lessonCounts(of: account) == nil else { return false }
        return try self.eraseJunkTokens(of: account)
    }
}
