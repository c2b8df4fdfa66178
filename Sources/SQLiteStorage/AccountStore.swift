// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// One account's mail in a ``SQLiteStore``: it says who asks, and the operations say whether he may.
struct AccountStore: MailStore {
    let account: AccountID
    let store: SQLiteStore

    var feed: ChangeFeed { self.store.feed }

    func stage(limit: Int, front: Int) -> any MessageStage { self.store.stage(limit: limit, front: front) }

    // MARK: Mailboxes

    func mailboxes() async throws -> [Mailbox] {
        let account = self.account
        return try await self.store.read { try $0.mailboxes(for: account) }
    }

    func mailbox(named name: String, needing access: Access) async throws -> Mailbox? {
        guard let name = MailboxName(looking: name) else { return nil }
        let account = self.account
        if OtherUsers.contain(name.text) {
            return try await self.store.read { try $0.mailbox(named: name, by: account, needing: access) }
        }
        let names = self.store.residents.names
        let (known, generation) = names.find(name, of: account)
        if let known {
            try access.require(of: known.rights)
            return known
        }
        // An owner may know that it is there, whatever else he may do with it.
        let mailbox = try await self.store.read { try $0.mailbox(named: name, by: account, needing: .lookup) }
        guard let mailbox else { return nil }
        names.note(mailbox, of: account, since: generation)
        try access.require(of: mailbox.rights)
        return mailbox
    }

    func subscriptions() async throws -> [String] {
        let account = self.account
        return try await self.store.read { try $0.subscriptions(of: account) }
    }

    func createMailbox(named name: String, specialUses: [SpecialUse]) async throws -> Mailbox {
        // A separator at the end only says that there will be mailboxes below (RFC 9051 §6.3.4).
        let name = try MailboxName(name.hasSuffix("/") ? String(name.dropLast()) : name)
        let account = self.account
        return try await self.store.write { try $0.createMailbox(name, specialUses: specialUses, by: account) }
    }

    func deleteMailbox(named name: String) async throws {
        guard let name = MailboxName(looking: name) else { throw StoreError.noSuchMailbox }
        let account = self.account
        try await self.store.write { try $0.deleteMailbox(name, by: account) }
    }

    func renameMailbox(from: String, to: String) async throws {
        guard let old = MailboxName(looking: from) else { throw StoreError.noSuchMailbox }
        let new = try MailboxName(to.hasSuffix("/") ? String(to.dropLast()) : to)
        let account = self.account
        try await self.store.write { try $0.renameMailbox(old, to: new, by: account) }
    }

    func setSubscribed(_ isSubscribed: Bool, name: String) async throws {
        let name = try MailboxName(name)
        let account = self.account
        try await self.store.write { try $0.setSubscribed(isSubscribed, name, of: account) }
    }

    func status(of mailbox: MailboxID) async throws -> MailboxStatus {
        let account = self.account
        return try await self.store.read { try $0.status(of: mailbox, by: account) }
    }

    func overview(includingAnnotations: Bool) async throws -> AccountOverview {
        let account = self.account
        return try await self.store.read { try $0.overview(of: account, includingAnnotations: includingAnnotations) }
    }

    func deletedSize(of mailbox: MailboxID) async throws -> UInt64 {
        let account = self.account
        return try await self.store.read { try $0.deletedSize(of: mailbox, by: account) }
    }

    func quota() async throws -> Quota {
        let account = self.account
        return try await self.store.read { sql in
            guard let quota = try sql.quota(of: account) else { throw StoreError.notFound("account") }
            return quota
        }
    }

    func quota(of mailbox: MailboxID) async throws -> Quota {
        let account = self.account
        return try await self.store.read { sql in
            let (owner, _) = try sql.requireMailbox(mailbox, by: account, needing: .measure)
            guard let quota = try sql.quota(of: owner) else { throw StoreError.noSuchMailbox }
            return quota
        }
    }

    // MARK: Access

    func accessList(of mailbox: MailboxID) async throws -> [AccessEntry] {
        let account = self.account
        return try await self.store.read { try $0.accessEntries(of: mailbox, by: account) }
    }

    func setAccess(_ change: RightsChange, for identifier: String, to mailbox: MailboxID) async throws {
        let account = self.account
        try await self.store.write { try $0.setAccess(change, for: identifier, to: mailbox, by: account) }
    }

    func lastingRights(for identifier: String, to mailbox: MailboxID) async throws -> Rights {
        let account = self.account
        return try await self.store.read { try $0.lastingRights(for: identifier, to: mailbox, by: account) }
    }

    // MARK: Annotations

    func annotations(of mailbox: MailboxID?) async throws -> [Annotation] {
        let account = self.account
        return try await self.store.read { try $0.annotations(of: mailbox, by: account) }
    }

    func annotate(
        _ mailbox: MailboxID?,
        with changes: [AnnotationChange],
        specialUses: [SpecialUse]?
    ) async throws -> ModSeq {
        let account = self.account
        return try await self.store.write(cost: changes.reduce(0) { $0 + ($1.value?.count ?? 0) }) { transaction in
            try transaction.annotate(mailbox, changes, specialUses: specialUses, by: account)
        }
    }

    // MARK: Index

    /// Reads the pages beside the writer, and lets the writer look, between two commits, whether that is still so.
    func open(_ mailbox: MailboxID) async throws -> ResidentMailbox {
        let residents = self.store.residents
        let account = self.account
        if let resident = residents.open(mailbox) { return try ResidentMailbox(resident, for: account) }
        let read = try await self.store.read { sql in
            try sql.requireMailbox(mailbox, by: account, needing: .read)
            return try Self.load(mailbox, sql).index(sql)
        }
        let resident = try await self.store.between { sql in
            if let resident = residents.open(mailbox) { return resident }
            let state = try Self.load(mailbox, sql)
            let resident = ResidentIndex(
                state.isCurrent(read) ? read : try state.index(sql),
                access: try sql.accessList(of: mailbox, state.account, for: nil)
            )
            residents.add(resident)
            return resident
        }
        return try ResidentMailbox(resident, for: account)
    }

    private static func load(_ id: MailboxID, _ sql: SQL) throws -> MailboxState {
        guard let state = try MailboxState(id, sql, residents: nil) else { throw StoreError.noSuchMailbox }
        return state
    }

    func claimRecent(in mailbox: MailboxID) async throws -> UID {
        let account = self.account
        if let resident = self.store.residents.open(mailbox),
            let index = try ResidentMailbox(resident, for: account).current, index.recentFrom == index.uidNext
        {
            return index.recentFrom
        }
        return try await self.store.write { transaction in
            var (state, rights) = try transaction.mailbox(mailbox, by: account, needing: .read)
            guard !rights.isDisjoint(with: .changes) else { return UID(rawValue: state.recentFrom) }
            let first = state.claimRecent()
            transaction.put(state)
            return UID(rawValue: first)
        }
    }

    // MARK: Messages

    func append(_ messages: [NewMessage], to mailbox: MailboxID) async throws -> AppendReceipt {
        let account = self.account
        let rows = messages.map(NewRow.init)
        return try await self.store.write(cost: rows.reduce(0) { $0 + $1.message.cost }) {
            try $0.append(rows, to: mailbox, by: account)
        }
    }

    func replace(
        _ uid: UID,
        in mailbox: MailboxID,
        with message: NewMessage,
        in target: MailboxID
    ) async throws -> AppendReceipt {
        let account = self.account
        let row = NewRow(message)
        return try await self.store.write(cost: row.message.cost) {
            try $0.replace(uid, in: mailbox, with: row, in: target, by: account)
        }
    }

    func messages(_ uids: [UID], in mailbox: MailboxID, including parts: MessageParts) async throws -> [StoredMessage] {
        let account = self.account
        return try await self.store.read { sql in
            try sql.requireMailbox(mailbox, by: account, needing: .read)
            return try sql.messages(uids, in: mailbox, including: parts)
        }
    }

    func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8] {
        try await self.store.octets(of: blob, in: range)
    }

    func candidates(for term: TextTerm, in mailbox: MailboxID) async throws -> TextCandidates? {
        try await self.store.candidates(for: term, in: mailbox, by: self.account)
    }

    func changeFlags(
        of uids: [UID],
        in mailbox: MailboxID,
        _ change: FlagChange,
        unchangedSince: ModSeq?,
        knownUntil: ModSeq?
    ) async throws -> FlagReceipt {
        let account = self.account
        return try await self.store.write {
            try $0.changeFlags(
                of: uids,
                in: mailbox,
                by: account,
                change,
                unchangedSince: unchangedSince,
                knownUntil: knownUntil
            )
        }
    }

    func copy(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt {
        let account = self.account
        return try await self.store.write { try $0.copy(uids, from: source, to: target, by: account) }
    }

    func move(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt {
        let account = self.account
        return try await self.store.write { try $0.move(uids, from: source, to: target, by: account) }
    }

    func expunge(_ uids: [UID]?, in mailbox: MailboxID) async throws -> [UID] {
        let account = self.account
        return try await self.store.write { try $0.expunge(uids, in: mailbox, by: account) }
    }

    func expunged(in mailbox: MailboxID, since modSeq: ModSeq) async throws -> [ClosedRange<UID>]? {
        let account = self.account
        return try await self.store.read { sql in
            try sql.requireMailbox(mailbox, by: account, needing: .read)
            return try sql.expunged(in: mailbox, since: modSeq)
        }
    }
}
