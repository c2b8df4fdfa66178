// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// What operations that write are given: the connection, and what the running group has changed so far.
///
/// One lives for one group of jobs, on the writer's thread. What changes often (counters, pages, mod-sequences) is
/// changed here in memory and written back once, by ``flush()``; so operations must read these columns from here, and
/// everything else with ``sql``. A job that fails leaves neither rows nor memory changed.
final class Transaction {
    let sql: SQL
    let now: UnixTime
    let options: StoreOptions
    private let residents: ResidentTable
    private var state = State()
    /// The mod-sequences that the running job took.
    private var modSeqs: [AccountID: ModSeq] = [:]
    /// How much more the accounts use because of the running job.
    private var growth: [AccountID: QuotaGrowth] = [:]
    /// Accounts whose limits the running job need not keep.
    private var admitted: Set<AccountID> = []

    private struct State {
        var mailboxes: [MailboxID: MailboxState] = [:]
        var deleted: Set<MailboxID> = []
        var accounts: [AccountID: ModSeq] = [:]
        var topics: Set<ChangeFeed.Topic> = []
        var hasErasures = false
        var hasNewMessages = false
        var hasLessons = false
        /// Who may do what, where the group has changed it.
        var access: [MailboxID: AccessList] = [:]
        /// As they are now, of the accounts that the group has changed.
        var quotas: [AccountID: Quota] = [:]

        /// Whether somebody may have other mailboxes now, other names for them, or other rights.
        var changesNames: Bool {
            !self.access.isEmpty || !self.deleted.isEmpty
                || self.topics.contains { topic in
                    switch topic {
                    case .mailboxList, .credential: true
                    case .mailbox, .account, .tokens, .queue: false
                    }
                }
        }
    }

    init(_ sql: SQL, residents: ResidentTable, options: StoreOptions) {
        self.sql = sql
        self.residents = residents
        self.options = options
        self.now = options.now()
    }

    /// Whether something waits for the eraser since this group.
    var hasErasures: Bool { self.state.hasErasures }

    /// Whether there may be something to index since this group.
    var hasNewMessages: Bool { self.state.hasNewMessages }

    /// Whether there is something to learn about junk since this group.
    var hasLessons: Bool { self.state.hasLessons }

    /// Runs a job so that it happens completely or not at all.
    func inSavepoint<Value>(_ body: (Transaction) throws -> Value) throws -> Value {
        let before = self.state
        (self.modSeqs, self.growth, self.admitted) = ([:], [:], [])
        try self.sql.run("SAVEPOINT job")
        do {
            let value = try body(self)
            try self.countGrowth()
            try self.sql.run("RELEASE job")
            return value
        } catch {
            self.state = before
            if self.sql.isInTransaction {
                try self.sql.run("ROLLBACK TO job")
                try self.sql.run("RELEASE job")
            }
            throw error
        }
    }

    // MARK: For operations

    /// The mailbox, to be changed and put back, and what the account may do with it besides.
    ///
    /// Throws ``StoreError/noSuchMailbox`` or ``StoreError/noPermission``.
    func mailbox(
        _ id: MailboxID,
        by account: AccountID,
        needing access: Access
    ) throws -> (state: MailboxState, rights: Rights) {
        let mailbox = try self.mailbox(id)
        let rights = try self.sql.accessList(of: id, mailbox.account, for: account).rights(of: account)
        try access.require(of: rights)
        return (mailbox, rights)
    }

    /// The mailbox, to be changed and put back, whose ever it is: for what has been allowed, or need not be.
    ///
    /// Throws ``StoreError/noSuchMailbox``.
    func mailbox(_ id: MailboxID) throws -> MailboxState {
        if let known = self.state.mailboxes[id] { return known }
        guard let mailbox = try MailboxState(id, self.sql, residents: self.residents) else {
            throw StoreError.noSuchMailbox
        }
        return mailbox
    }

    /// Takes who may do what with a mailbox from now on; who watches it will be poked.
    func publish(_ access: AccessList, to id: MailboxID) {
        self.state.access[id] = access
        self.state.topics.insert(.mailbox(id))
    }

    /// Takes the mailbox as it is now; who watches it will be poked.
    func put(_ mailbox: MailboxState) {
        var mailbox = mailbox
        self.growth[mailbox.account, default: QuotaGrowth()] =
            self.growth[mailbox.account, default: QuotaGrowth()]
            + mailbox.takeGrowth()
        self.state.mailboxes[mailbox.id] = mailbox
        self.state.topics.formUnion([.mailbox(mailbox.id), .account(mailbox.account)])
    }

    /// Says that the mailbox is no more.
    func forget(_ mailbox: MailboxState) {
        let id = mailbox.id
        let all = QuotaGrowth(messages: Int64(mailbox.messages), octets: mailbox.size)
        self.growth[mailbox.account, default: QuotaGrowth()] =
            self.growth[mailbox.account, default: QuotaGrowth()] - all
        self.state.mailboxes[id] = nil
        self.state.deleted.insert(id)
        self.state.topics.formUnion([.mailbox(id), .account(mailbox.account)])
    }

    /// Says that the account is no more: from now on nothing can be added to it.
    func forget(_ id: AccountID) {
        self.state.accounts[id] = nil
        self.modSeqs[id] = nil
        self.state.quotas[id] = nil
        self.growth[id] = nil
    }

    // MARK: Quotas

    /// Lets a message be delivered to the account, unless that has no room at all (RFC 9208 §3.1.2).
    ///
    /// What does not fit quite is delivered nevertheless: the sender was not asked about its size, and the others that it
    /// is for must not wait for this one. Throws ``StoreError/overQuota``.
    func admitDelivery(to account: AccountID) throws {
        guard try !self.quota(of: account).forbids(messages: 1, octets: 1) else { throw StoreError.overQuota }
        self.admitted.insert(account)
    }

    /// Lets the running job exceed the account's limits: for reports, which nobody would hear of otherwise.
    func admitAnything(to account: AccountID) { self.admitted.insert(account) }

    /// Says that the account's limits have changed.
    func forgetQuota(of account: AccountID) {
        guard let known = self.state.quotas[account], let limits = try? self.sql.quota(of: account)?.limits else {
            return
        }
        self.state.quotas[account] = Quota(messages: known.messages, octets: known.octets, limits: limits)
    }

    /// What the account uses, as the running job has it.
    private func quota(of account: AccountID) throws -> Quota {
        guard var quota = try self.state.quotas[account] ?? self.sql.quota(of: account) else {
            throw StoreError.notFound("account")
        }
        let growth = self.growth[account] ?? QuotaGrowth()
        quota.messages += growth.messages
        quota.octets += growth.octets
        return quota
    }

    /// The end of a job: what it has added must be within the limits.
    private func countGrowth() throws {
        for (account, growth) in self.growth where growth != QuotaGrowth() {
            guard let before = try self.state.quotas[account] ?? self.sql.quota(of: account) else {
                throw StoreError.corrupt("expected a quota for each account")
            }
            guard
                self.admitted.contains(account)
                    || !before.forbids(messages: growth.messages, octets: growth.octets)
            else { throw StoreError.overQuota }
            self.state.quotas[account] = try self.quota(of: account)
        }
        self.growth = [:]
    }

    /// Says that something changed.
    func touch(_ topic: ChangeFeed.Topic) { self.state.topics.insert(topic) }

    /// Says that names, attributes or subscriptions have changed.
    func touchMailboxList(of account: AccountID) {
        self.state.topics.formUnion([.mailboxList(account), .account(account)])
    }

    /// Says that there is something to erase.
    func wantErasure() { self.state.hasErasures = true }

    /// Says that there may be something to index.
    func wantIndexing() { self.state.hasNewMessages = true }

    /// Says that there is something to learn about junk.
    func wantLearning() { self.state.hasLessons = true }

    /// This job's mod-sequence of the account: one more than the one before, the same for all of the job.
    func modSeq(of account: AccountID) throws -> ModSeq {
        if let modSeq = self.modSeqs[account] { return modSeq }
        guard let last = try self.lastModSeq(of: account) else { throw StoreError.notFound("account") }
        guard last.rawValue < Int64.max else { throw StoreError.corrupt("mod-sequences have run out") }
        let modSeq = ModSeq(rawValue: last.rawValue + 1)
        self.state.accounts[account] = modSeq
        self.modSeqs[account] = modSeq
        return modSeq
    }

    private func lastModSeq(of account: AccountID) throws -> ModSeq? {
        if let modSeq = self.state.accounts[account] { return modSeq }
        return try self.sql.first(
            "SELECT modseq FROM account WHERE id = ? AND domain IS NOT NULL",
            .int(account.rawValue)
        ) {
            ModSeq(rawValue: $0.int64(0))
        }
    }

    // MARK: For the writer

    /// Writes back what was changed in memory: the last thing before COMMIT.
    func flush() throws {
        for mailbox in self.state.mailboxes.values { try mailbox.write(self.sql) }
        for (account, modSeq) in self.state.accounts {
            try self.sql.run(
                "UPDATE account SET modseq = ? WHERE id = ?",
                .int(modSeq.rawValue),
                .int(account.rawValue)
            )
        }
        for (account, quota) in self.state.quotas {
            try self.sql.run(
                "UPDATE quota SET messages = ?, size = ? WHERE account = ?",
                .int(quota.messages),
                .int(quota.octets),
                .int(account.rawValue)
            )
        }
    }

    /// Brings the mailboxes in memory up to date and pokes watchers: the first thing after COMMIT.
    func publish(to feed: ChangeFeed) {
        if self.state.changesNames { self.residents.names.forgetAll() }
        for mailbox in self.state.mailboxes.values { mailbox.publish() }
        for (id, access) in self.state.access { self.residents.find(id)?.publish(access) }
        for id in self.state.deleted {
            let resident = self.residents.find(id)
            self.residents.remove(id)
            resident?.publish(nil)
        }
        if !self.state.topics.isEmpty { feed.publish(self.state.topics) }
    }
}
