// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// Some work as the writer needs it: what can be computed before is.
enum PreparedWork: Sendable {
    case append(NewRow, to: MailboxID)
    case other(StoreWork)

    init(_ work: StoreWork) {
        if case .append(let message, let mailbox) = work {
            self = .append(NewRow(message), to: mailbox)
        } else {
            self = .other(work)
        }
    }

    /// Octets the writer will write.
    var cost: Int {
        if case .append(let row, _) = self { row.message.cost } else { 0 }
    }
}

extension Transaction {
    /// Does some work of an account's own, once under the same key.
    func perform(
        _ work: PreparedWork,
        once key: RequestKey,
        by account: AccountID,
        answer: (WorkReceipt) throws -> StoreAnswer
    ) throws -> WorkOutcome {
        if let known = try self.outcome(of: key, account) { return known }
        let answer = try answer(try self.perform(work, by: account))
        try self.remember(key, answer, account)
        return .done(answer, isReplay: false)
    }

    /// Does some work of an account's own.
    func perform(_ work: PreparedWork, by account: AccountID) throws -> WorkReceipt {
        switch work {
        case .append(let row, let mailbox):
            try self.requireOwn(mailbox, account)
            let receipt = try self.append([row], to: mailbox, by: account)
            return try self.receipt(mailbox, receipt.uids)
        case .other(.append(let message, let mailbox)):
            return try self.perform(.append(NewRow(message), to: mailbox), by: account)
        case .other(.expunge(let uids, let mailbox)):
            try self.requireOwn(mailbox, account)
            var (state, _) = try self.mailbox(mailbox, by: account, needing: .expunge)
            let there = try uids.ascending().filter { try state.slot($0, self.sql) != nil }
            try self.remove(there, from: mailbox, releasing: true)
            return try self.receipt(mailbox, there)
        case .other(.changeFlags(let uids, let mailbox, let change, let unchangedSince)):
            try self.requireOwn(mailbox, account)
            let flags = try self.changeFlags(
                of: uids,
                in: mailbox,
                by: account,
                change,
                unchangedSince: unchangedSince,
                knownUntil: nil
            )
            var receipt = try self.receipt(mailbox, flags.updated)
            receipt.modified = flags.modified
            var state = try self.mailbox(mailbox)
            receipt.flags = try flags.updated.compactMap { uid in
                guard let slot = try state.slot(uid, self.sql) else { return nil }
                return WorkReceipt.FlagState(
                    uid: uid,
                    flags: FlagSet(system: slot.flags, keywords: state.keywordNames(slot.keywords)),
                    modSeq: slot.modSeq
                )
            }
            return receipt
        case .other(.copy(let uids, let source, let target, let isMove)):
            try self.requireOwn(source, account)
            try self.requireOwn(target, account)
            let copied =
                isMove
                ? try self.move(uids, from: source, to: target, by: account)
                : try self.copy(uids, from: source, to: target, by: account)
            var receipt = try self.receipt(source, copied.source)
            receipt.uidValidity = copied.uidValidity
            receipt.targets = copied.target
            return receipt
        }
    }

    private func receipt(_ mailbox: MailboxID, _ uids: [UID]) throws -> WorkReceipt {
        let state = try self.mailbox(mailbox)
        return WorkReceipt(modSeq: state.highestModSeq, uidValidity: state.uidValidity, uids: uids)
    }

    /// Throws ``StoreError/noSuchMailbox`` for what is not the account's, whatever it may do there.
    private func requireOwn(_ mailbox: MailboxID, _ account: AccountID) throws {
        guard try self.mailbox(mailbox).account == account else { throw StoreError.noSuchMailbox }
    }

    // MARK: Keys

    /// How the request went that had this key before; nil if none had.
    func outcome(of key: RequestKey, _ account: AccountID) throws -> WorkOutcome? {
        let known = try self.sql.first(
            "SELECT fingerprint, status, answer, begun_at FROM request WHERE account = ? AND key = ?",
            .int(account.rawValue),
            .text(key.key)
        ) { row in
            (
                fingerprint: row.octets(0), status: row.optionalInt64(1), answer: row.octets(2),
                isKnown: row.int64(3) > self.now.rawValue - RequestKey.lifetime
            )
        }
        guard let known, known.isKnown else { return nil }
        guard known.fingerprint == key.fingerprint else { return .otherRequest }
        guard let status = known.status else { return .running }
        return .done(StoreAnswer(status: Int(status), octets: known.answer), isReplay: true)
    }

    /// Writes down a request and, if it has one, its answer; forgets those that are too old or too many.
    func remember(_ key: RequestKey, _ answer: StoreAnswer?, _ account: AccountID) throws {
        try self.requireAccount(account)
        try self.sql.run("DELETE FROM request WHERE begun_at <= ?", .int(self.now.rawValue - RequestKey.lifetime))
        let last = try self.sql.first(
            """
            SELECT number, answered_before + coalesce(length(answer), 0) FROM request WHERE account = ?
            ORDER BY number DESC LIMIT 1
            """,
            .int(account.rawValue)
        ) { (number: $0.int64(0), answered: $0.int64(1)) }
        let (number, answered) = ((last?.number ?? 0) + 1, last?.answered ?? 0)
        try self.sql.run(
            """
            INSERT INTO request (account, key, number, answered_before, fingerprint, status, answer, begun_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .int(account.rawValue),
            .text(key.key),
            .int(number),
            .int(answered),
            .octets(key.fingerprint),
            .optional(answer.map { Int64($0.status) }),
            answer.map { .octets($0.octets) } ?? .null,
            .int(self.now.rawValue)
        )
        try self.sql.run(
            "DELETE FROM request WHERE account = ? AND number <= ?",
            .int(account.rawValue),
            .int(number - RequestKey.perAccount)
        )
        try self.sql.run(
            "DELETE FROM request WHERE account = ? AND answered_before < ?",
            .int(account.rawValue),
            .int(answered + Int64(answer?.octets.count ?? 0) - RequestKey.answersPerAccount)
        )
    }

    func end(_ key: RequestKey, with answer: StoreAnswer?, _ account: AccountID) throws {
        guard let answer else {
            try self.sql.run(
                "DELETE FROM request WHERE account = ? AND key = ? AND status IS NULL",
                .int(account.rawValue),
                .text(key.key)
            )
            return
        }
        try self.sql.run(
            "UPDATE request SET status = ?, answer = ? WHERE account = ? AND key = ? AND status IS NULL",
            .int(answer.status),
            .octets(answer.octets),
            .int(account.rawValue),
            .text(key.key)
        )
    }
}
