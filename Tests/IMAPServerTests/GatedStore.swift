// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SASLMechanisms
import Synchronization

@testable import IMAPServer

/// Holds whoever comes until it is opened.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
        var watchers: [CheckedContinuation<Void, Never>] = []
        var hasBeenReached = false
        /// How many may come before the gate is closed.
        var passes: Int
    }

    private let state: Mutex<State>

    init(passing passes: Int = 0) { self.state = Mutex(State(passes: passes)) }

    /// Waits until the gate is open.
    func pass() async {
        await withCheckedContinuation { continuation in
            let (watchers, isOpen): ([CheckedContinuation<Void, Never>], Bool) = self.state.withLock { state in
                if !state.isOpen, state.passes > 0 {
                    state.passes -= 1
                    return ([], true)
                }
                state.hasBeenReached = true
                if !state.isOpen { state.waiters.append(continuation) }
                defer { state.watchers = [] }
                return (state.watchers, state.isOpen)
            }
            for watcher in watchers { watcher.resume() }
            if isOpen { continuation.resume() }
        }
    }

    /// Waits until somebody has come.
    func reached() async {
        await withCheckedContinuation { continuation in
            let isReached = self.state.withLock { state in
                if !state.hasBeenReached { state.watchers.append(continuation) }
                return state.hasBeenReached
            }
            if isReached { continuation.resume() }
        }
    }

    func open() {
        let waiters = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// Makes all messages large that are not: nobody has to store so much.
struct LargeMessages: Sendable {
    let size: Int
    /// Hears how many octets are read.
    let didRead: @Sendable (Int) -> Void
}

/// A directory whose stores hold every read of octets at a gate.
struct GatedDirectory: Directory {
    let base: any Directory
    let gate: Gate
    var large: LargeMessages?

    func mailStore(of account: AccountID) -> any MailStore {
        GatedStore(base: self.base.mailStore(of: account), gate: self.gate, large: self.large)
    }
    func domains() async throws -> [String] { try await self.base.domains() }
    func addDomain(_ name: String) async throws { try await self.base.addDomain(name) }
    func removeDomain(_ name: String) async throws { try await self.base.removeDomain(name) }
    func usesTags(domain: String) async throws -> Bool { try await self.base.usesTags(domain: domain) }
    func setUsesTags(_ usesTags: Bool, domain: String) async throws {
        try await self.base.setUsesTags(usesTags, domain: domain)
    }
    func accounts() async throws -> [Account] { try await self.base.accounts() }
    func addAccount(_ address: String, verifier: String) async throws -> Account {
        try await self.base.addAccount(address, verifier: verifier)
    }
    func removeAccount(_ address: String) async throws { try await self.base.removeAccount(address) }
    func setVerifier(_ verifier: String, of address: String) async throws {
        try await self.base.setVerifier(verifier, of: address)
    }
    func credential(for name: String) async throws -> (account: Account, verifier: String)? {
        try await self.base.credential(for: name)
    }
    func quota(of address: String) async throws -> Quota { try await self.base.quota(of: address) }
    func setLimits(_ limits: QuotaLimits, of address: String) async throws {
        try await self.base.setLimits(limits, of: address)
    }
    func aliases() async throws -> [Alias] { try await self.base.aliases() }
    func addAlias(_ address: String, targets: [String]) async throws {
        try await self.base.addAlias(address, targets: targets)
    }
    func removeAlias(_ address: String) async throws { try await self.base.removeAlias(address) }
    func route(localPart: String, domain: String) async throws -> RecipientRoute {
        try await self.base.route(localPart: localPart, domain: domain)
    }
    func mayUse(_ address: String, account: AccountID) async throws -> Bool {
        try await self.base.mayUse(address, account: account)
    }
    func secret(_ name: String, orElse octets: [UInt8]) async throws -> [UInt8] {
        try await self.base.secret(name, orElse: octets)
    }
}

/// One account's mail behind the gate.
private struct GatedStore: MailStore {
    let base: any MailStore
    let gate: Gate
    let large: LargeMessages?

    func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8] {
        await self.gate.pass()
        if let large = self.large {
            large.didRead(range.count)
            return [UInt8](repeating: UInt8(ascii: "x"), count: range.count)
        }
        return try await self.base.octets(of: blob, in: range)
    }

    var account: AccountID { self.base.account }
    var feed: ChangeFeed { self.base.feed }
    func mailboxes() async throws -> [Mailbox] { try await self.base.mailboxes() }
    func mailbox(named name: String, needing access: Access) async throws -> Mailbox? {
        try await self.base.mailbox(named: name, needing: access)
    }
    func subscriptions() async throws -> [String] { try await self.base.subscriptions() }
    func createMailbox(named name: String, specialUses: [SpecialUse]) async throws -> Mailbox {
        try await self.base.createMailbox(named: name, specialUses: specialUses)
    }
    func overview(includingAnnotations: Bool) async throws -> AccountOverview {
        try await self.base.overview(includingAnnotations: includingAnnotations)
    }
    func deletedSize(of mailbox: MailboxID) async throws -> UInt64 { try await self.base.deletedSize(of: mailbox) }
    func quota() async throws -> Quota { try await self.base.quota() }
    func quota(of mailbox: MailboxID) async throws -> Quota { try await self.base.quota(of: mailbox) }
    func accessList(of mailbox: MailboxID) async throws -> [AccessEntry] {
        try await self.base.accessList(of: mailbox)
    }
    func setAccess(_ change: RightsChange, for identifier: String, to mailbox: MailboxID) async throws {
        try await self.base.setAccess(change, for: identifier, to: mailbox)
    }
    func lastingRights(for identifier: String, to mailbox: MailboxID) async throws -> Rights {
        try await self.base.lastingRights(for: identifier, to: mailbox)
    }
    func annotations(of mailbox: MailboxID?) async throws -> [Annotation] {
        try await self.base.annotations(of: mailbox)
    }
    func annotate(
        _ mailbox: MailboxID?,
        with changes: [AnnotationChange],
        specialUses: [SpecialUse]?
    ) async throws -> ModSeq {
        try await self.base.annotate(mailbox, with: changes, specialUses: specialUses)
    }
    func deleteMailbox(named name: String) async throws { try await self.base.deleteMailbox(named: name) }
    func renameMailbox(from: String, to: String) async throws { try await self.base.renameMailbox(from: from, to: to) }
    func setSubscribed(_ isSubscribed: Bool, name: String) async throws {
        try await self.base.setSubscribed(isSubscribed, name: name)
    }
    func status(of mailbox: MailboxID) async throws -> MailboxStatus { try await self.base.status(of: mailbox) }
    func open(_ mailbox: MailboxID) async throws -> ResidentMailbox { try await self.base.open(mailbox) }
    func claimRecent(in mailbox: MailboxID) async throws -> UID { try await self.base.claimRecent(in: mailbox) }
    func append(_ messages: [NewMessage], to mailbox: MailboxID) async throws -> AppendReceipt {
        try await self.base.append(messages, to: mailbox)
    }
    func replace(
        _ uid: UID,
        in mailbox: MailboxID,
        with message: NewMessage,
        in target: MailboxID
    ) async throws -> AppendReceipt {
        try await self.base.replace(uid, in: mailbox, with: message, in: target)
    }
    func expunged(in mailbox: MailboxID, since modSeq: ModSeq) async throws -> [ClosedRange<UID>]? {
        try await self.base.expunged(in: mailbox, since: modSeq)
    }
    func messages(_ uids: [UID], in mailbox: MailboxID, including parts: MessageParts) async throws -> [StoredMessage] {
        if parts.contentUpTo > 0 { await self.gate.pass() }
        let rows = try await self.base.messages(uids, in: mailbox, including: parts)
        guard let large = self.large else { return rows }
        return rows.map { row in
            var row = row
            (row.size, row.content) = (large.size, nil)
            return row
        }
    }
    func changeFlags(
        of uids: [UID],
        in mailbox: MailboxID,
        _ change: FlagChange,
        unchangedSince: ModSeq?,
        knownUntil: ModSeq?
    ) async throws -> FlagReceipt {
        try await self.base.changeFlags(
            of: uids,
            in: mailbox,
            change,
            unchangedSince: unchangedSince,
            knownUntil: knownUntil
        )
    }
    func copy(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt {
        try await self.base.copy(uids, from: source, to: target)
    }
    func move(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt {
        try await self.base.move(uids, from: source, to: target)
    }
    func expunge(_ uids: [UID]?, in mailbox: MailboxID) async throws -> [UID] {
        try await self.base.expunge(uids, in: mailbox)
    }
    func stage(limit: Int, front: Int) -> any MessageStage { self.base.stage(limit: limit, front: front) }
    func candidates(for term: TextTerm, in mailbox: MailboxID) async throws -> TextCandidates? {
        try await self.base.candidates(for: term, in: mailbox)
    }
}

extension Fixture {
    /// The service with every read of octets held at `gate`.
    func service(behind gate: Gate, large: LargeMessages? = nil) -> IMAPService {
        IMAPService(
            options: self.service.options,
            directory: GatedDirectory(base: self.store, gate: gate, large: large),
            credentials: self.service.credentials,
            time: self.service.time
        )
    }
}
