// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension AccountStore: ServedMailStore {
    func changes(since modSeq: ModSeq) async throws -> AccountChanges {
        let account = self.account
        return try await self.store.read { try $0.changes(of: account, since: modSeq) }
    }

    func mailbox(_ id: MailboxID) async throws -> AccountOverview.Entry? {
        let account = self.account
        return try await self.store.read { try $0.entry(id, of: account) }
    }

    func listing(of mailbox: MailboxID, after uid: UID, limit: Int, since: ModSeq?) async throws -> MessageListing {
        let account = self.account
        return try await self.store.read { sql in
            guard let since else { return try sql.listing(of: mailbox, by: account, after: uid, limit: limit) }
            return try sql.changedMessages(of: mailbox, by: account, since: since, after: uid, limit: limit)
        }
    }

    func message(_ id: EmailID, including parts: MessageParts) async throws -> StoredMessage? {
        let account = self.account
        return try await self.store.read { try $0.message(id, of: account, including: parts) }
    }

    func uids(of ids: [EmailID], in mailbox: MailboxID) async throws -> [UID] {
        let account = self.account
        return try await self.store.read { try $0.uids(of: ids, in: mailbox, by: account) }
    }

    func perform(
        _ work: StoreWork,
        once key: RequestKey?,
        answer: @escaping @Sendable (WorkReceipt) throws -> StoreAnswer
    ) async throws -> WorkOutcome {
        let account = self.account
        let work = PreparedWork(work)
        guard let key else {
            let receipt = try await self.store.write(cost: work.cost) { try $0.perform(work, by: account) }
            // The writer need not wait for it.
            return .done(try answer(receipt), isReplay: false)
        }
        return try await self.store.write(cost: work.cost) {
            try $0.perform(work, once: key, by: account, answer: answer)
        }
    }

    func begin(_ key: RequestKey) async throws -> WorkOutcome? {
        let account = self.account
        return try await self.store.write { transaction in
            if let known = try transaction.outcome(of: key, account) { return known }
            try transaction.remember(key, nil, account)
            return nil
        }
    }

    func end(_ key: RequestKey, with answer: StoreAnswer?) async throws {
        let account = self.account
        try await self.store.write { try $0.end(key, with: answer, account) }
    }

    func change(
        _ mailbox: MailboxID,
        _ change: MailboxChange,
        if isExpected: @escaping @Sendable (AccountOverview.Entry) -> Bool
    ) async throws -> MailboxChangeOutcome {
        let account = self.account
        return try await self.store.write { try $0.change(mailbox, change, by: account, if: isExpected) }
    }

    func value(of key: String) async throws -> [UInt8]? {
        let account = self.account
        return try await self.store.read { try $0.value(of: key, account) }
    }

    func setValue(
        _ value: StoredValue?,
        of key: String,
        if isExpected: @escaping @Sendable (_ digest: [UInt8]?) -> Bool
    ) async throws -> Bool {
        let account = self.account
        return try await self.store.write(cost: value?.octets.count ?? 0) {
            try $0.setValue(value, of: key, account, if: isExpected)
        }
    }

    func values(prefix: String, after key: String, limit: Int) async throws -> [StoredValueEntry] {
        let account = self.account
        return try await self.store.read { try $0.values(prefix: prefix, after: key, limit: limit, account) }
    }
}
