// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage
import Synchronization

@testable import IMAPServer

/// A mailbox in memory, and what FETCH answers about it.
struct FetchFixture {
    let store: FetchStore
    var isReadOnly = false
    var isRev2 = true
    var recentFrom = UID(rawValue: .max)

    /// Messages with the UIDs 10, 20, 30 and so on.
    init(_ messages: [[UInt8]], flags: SystemFlags = .seen, keywords: [String] = []) {
        self.store = FetchStore(messages, flags: flags, keywords: keywords)
    }

    init(_ message: String) { self.init([octets(message)]) }

    /// Everything FETCH writes, each octet a character.
    func fetch(
        _ items: String,
        uids: [UInt32]? = nil,
        setsSeen: Bool = false
    ) async throws -> (text: String, outcome: Outcome) {
        let (pieces, outcome) = try await self.pieces(items, uids: uids, setsSeen: setsSeen)
        return (text(pieces.flatMap { $0 }), outcome)
    }

    /// What FETCH hands on, piece by piece.
    func pieces(
        _ items: String,
        uids: [UInt32]? = nil,
        setsSeen: Bool = false
    ) async throws -> (pieces: [[UInt8]], outcome: Outcome) {
        var parser = CommandParser(octets(" 1:* " + items))
        let command = try FetchCommand(&parser, addressing: .sequenceNumbers)
        let needs = command.items.reduce(into: FetchNeeds()) { $0.formUnion($1.needs) }
        let answer = FetchAnswer(
            items: command.items,
            needs: needs,
            uids: (uids ?? self.store.all).map(UID.init(rawValue:)),
            isRev2: self.isRev2
        )
        let emitted = Emitted()
        var output = CommandOutput(tag: "a", selected: try self.selected(), writer: ResponseWriter()) { piece in
            emitted.pieces.append(piece)
        }
        let outcome =
            needs.isDisjoint(with: .fromStore)
            ? try await answer.writeFromMemory(&output)
            : try await answer.write(&output, from: self.store, setsSeen: setsSeen)
        emitted.pieces.append(output.writer.take())
        return (emitted.pieces, outcome)
    }

    /// The response to one item for one message: what stands behind `* 1 FETCH (` and before `)`.
    func item(_ item: String) async throws -> String {
        let response = try await self.fetch(item).text
        guard response.hasPrefix("* 1 FETCH ("), response.hasSuffix(")\r\n") else { return response }
        return String(response.unicodeScalars.dropFirst(11).dropLast(3))
    }

    func selected() throws -> SelectedMailbox {
        guard let index = self.store.told else { throw StoreError.noSuchMailbox }
        return SelectedMailbox(
            resident: self.store.resident,
            index: index,
            name: "INBOX",
            isReadOnly: self.isReadOnly,
            recentFrom: self.recentFrom
        )
    }

    private final class Emitted { var pieces: [[UInt8]] = [] }
}

/// The octets of a text, its line ends CRLF.
func octets(_ text: String) -> [UInt8] {
    Array(text.replacing("\r\n", with: "\n").replacing("\n", with: "\r\n").utf8)
}

/// Octets as text of Latin-1, so that nothing is lost.
func text(_ octets: some Sequence<UInt8>) -> String {
    var scalars = String.UnicodeScalarView()
    for octet in octets { scalars.append(Unicode.Scalar(octet)) }
    return String(scalars)
}

/// As much of a store as FETCH asks for.
final class FetchStore: MailStore {
    struct State {
        var messages: [UInt32: [UInt8]] = [:]
        /// Reads of ``octets(of:in:)``.
        var reads: [Range<Int>] = []
        /// The read before which all messages are erased.
        var erasesBeforeRead: Int?
        var contentLimits: [Int] = []
        var changes: [[UID]] = []
    }

    let account = AccountID(rawValue: 1)
    let feed = ChangeFeed()
    let resident: ResidentMailbox
    /// The mailbox as the client knows it.
    let told: MailboxIndex?
    let all: [UInt32]
    private let state: Mutex<State>

    /// What has been asked so far.
    var log: State { self.state.withLock { $0 } }

    init(_ messages: [[UInt8]], flags: SystemFlags, keywords: [String]) {
        var state = State()
        var pages: [UInt32: MailboxPage] = [:]
        for (position, message) in messages.enumerated() {
            let uid = UID(rawValue: UInt32(position + 1) * 10)
            state.messages[uid.rawValue] = message
            let number = MailboxPage.number(of: uid)
            pages[number, default: MailboxPage(number: number, highestModSeq: ModSeq(rawValue: 1))].set(
                uid,
                MailboxPage.Slot(
                    flags: flags,
                    keywords: keywords.isEmpty ? 0 : 1 << UInt64(keywords.count) &- 1,
                    modSeq: ModSeq(rawValue: 1)
                )
            )
        }
        let index = MailboxIndex(
            mailbox: MailboxID(rawValue: 7),
            uidValidity: UIDValidity(rawValue: 1),
            uidNext: UID(rawValue: UInt32(messages.count + 1) * 10),
            recentFrom: UID(rawValue: 1),
            highestModSeq: ModSeq(rawValue: 1),
            keywords: keywords,
            pages: Array(pages.values)
        )
        self.told = index
        self.all = index.uids()
        self.resident = ResidentMailbox(index)
        self.state = Mutex(state)
    }

    /// Takes a message away, as another session would.
    func expungeElsewhere(_ uid: UInt32) {
        let uid = UID(rawValue: uid)
        guard var index = self.resident.current, var page = index.page(MailboxPage.number(of: uid)) else { return }
        let modSeq = ModSeq(rawValue: index.highestModSeq.rawValue + 1)
        page.remove(uid, at: modSeq)
        index.replace(page)
        index.highestModSeq = modSeq
        self.resident.publish(index)
        self.state.withLock { $0.messages[uid.rawValue] = nil }
    }

    /// Makes a message `\Seen`, or no longer, as another session would.
    func toggleSeenElsewhere(_ uid: UInt32) {
        let uid = UID(rawValue: uid)
        guard var index = self.resident.current, var page = index.page(MailboxPage.number(of: uid)),
            var slot = page[uid]
        else { return }
        slot.flags.formSymmetricDifference(.seen)
        slot.modSeq = ModSeq(rawValue: index.highestModSeq.rawValue + 1)
        page.set(uid, slot)
        index.replace(page)
        index.highestModSeq = slot.modSeq
        self.resident.publish(index)
    }

    /// Erases all messages before that read of octets, counted from 0.
    func eraseMessages(beforeRead read: Int) { self.state.withLock { $0.erasesBeforeRead = read } }

    func messages(_ uids: [UID], in mailbox: MailboxID, including parts: MessageParts) async throws -> [StoredMessage] {
        self.state.withLock { state in
            state.contentLimits.append(parts.contentUpTo)
            return uids.compactMap { uid in
                guard let message = state.messages[uid.rawValue] else { return nil }
                return StoredMessage(
                    uid: uid,
                    blob: BlobID(rawValue: Int64(uid.rawValue)),
                    size: message.count,
                    internalDate: MessageDate(time: UnixTime(837_596_665), zoneOffsetMinutes: -420),
                    saveDate: UnixTime(837_596_665),
                    summary: parts.summary ? MessageSummary(parsing: message) : nil,
                    content: message.count <= parts.contentUpTo ? message : nil
                )
            }
        }
    }

    func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8] {
        try self.state.withLock { state in
            if state.erasesBeforeRead == state.reads.count { state.messages = [:] }
            state.reads.append(range)
            guard let message = state.messages[UInt32(blob.rawValue)] else { throw StoreError.expunged }
            // At most so much at once, as stores may do.
            return Array(message[range.prefix(100_000)])
        }
    }

    func changeFlags(
        of uids: [UID],
        in mailbox: MailboxID,
        _ change: FlagChange,
        unchangedSince: ModSeq?,
        knownUntil: ModSeq?
    ) async throws -> FlagReceipt {
        guard var index = self.resident.current, change.operation == .add else { throw StoreError.noSuchMailbox }
        let modSeq = ModSeq(rawValue: index.highestModSeq.rawValue + 1)
        let updated = uids.filter { index[$0] != nil }
        for uid in updated {
            guard var page = index.page(MailboxPage.number(of: uid)), var slot = page[uid] else { continue }
            slot.flags.formUnion(change.flags.system)
            slot.modSeq = modSeq
            page.set(uid, slot)
            index.replace(page)
        }
        index.highestModSeq = modSeq
        self.resident.publish(index)
        self.state.withLock { $0.changes.append(uids) }
        return FlagReceipt(modSeq: modSeq, updated: updated, modified: [])
    }

    // MARK: Nothing that FETCH asks for

    func mailboxes() async throws -> [Mailbox] { throw StoreError.unavailable }
    func mailbox(named name: String, needing access: Access) async throws -> Mailbox? { throw StoreError.unavailable }
    func subscriptions() async throws -> [String] { throw StoreError.unavailable }
    func createMailbox(named name: String, specialUses: [SpecialUse]) async throws -> Mailbox {
        throw StoreError.unavailable
    }
    func deleteMailbox(named name: String) async throws { throw StoreError.unavailable }
    func renameMailbox(from: String, to: String) async throws { throw StoreError.unavailable }
    func setSubscribed(_ isSubscribed: Bool, name: String) async throws { throw StoreError.unavailable }
    func status(of mailbox: MailboxID) async throws -> MailboxStatus { throw StoreError.unavailable }
    func deletedSize(of mailbox: MailboxID) async throws -> UInt64 { throw StoreError.unavailable }
    func annotations(of mailbox: MailboxID?) async throws -> [Annotation] { throw StoreError.unavailable }
    func annotate(_: MailboxID?, with: [AnnotationChange], specialUses: [SpecialUse]?) async throws -> ModSeq {
        throw StoreError.unavailable
    }
    func overview(includingAnnotations: Bool) async throws -> AccountOverview { throw StoreError.unavailable }
    func quota() async throws -> Quota { throw StoreError.unavailable }
    func quota(of mailbox: MailboxID) async throws -> Quota { throw StoreError.unavailable }
    func accessList(of mailbox: MailboxID) async throws -> [AccessEntry] { throw StoreError.unavailable }
    func setAccess(_: RightsChange, for identifier: String, to mailbox: MailboxID) async throws {
        throw StoreError.unavailable
    }
    func lastingRights(for identifier: String, to mailbox: MailboxID) async throws -> Rights {
        throw StoreError.unavailable
    }
    func open(_ mailbox: MailboxID) async throws -> ResidentMailbox { self.resident }
    func claimRecent(in mailbox: MailboxID) async throws -> UID { throw StoreError.unavailable }
    func append(_ messages: [NewMessage], to mailbox: MailboxID) async throws -> AppendReceipt {
        throw StoreError.unavailable
    }
    func replace(
        _ uid: UID,
        in mailbox: MailboxID,
        with message: NewMessage,
        in target: MailboxID
    ) async throws -> AppendReceipt {
        throw StoreError.unavailable
    }
    func copy(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt {
        throw StoreError.unavailable
    }
    func move(_ uids: [UID], from source: MailboxID, to target: MailboxID) async throws -> CopyReceipt {
        throw StoreError.unavailable
    }
    func expunge(_ uids: [UID]?, in mailbox: MailboxID) async throws -> [UID] { throw StoreError.unavailable }
    func stage(limit: Int, front: Int) -> any MessageStage { NoStage() }

    private struct NoStage: MessageStage {
        let size = 0
        mutating func append(_ octets: ArraySlice<UInt8>) async throws { throw StoreError.unavailable }
        mutating func finish(front: [UInt8]) async throws -> StagedMessage { throw StoreError.unavailable }
        mutating func abandon() async {}
    }
}
