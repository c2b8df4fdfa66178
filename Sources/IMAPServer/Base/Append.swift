// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// APPEND, RFC 9051 §6.3.12, of one message or several (RFC 3502).
///
/// Its line ends with the announcement of the first message, which the session takes into the store as it arrives; see
/// `IMAPSession+Append.swift`. Only one that is made of URLs alone is complete with its line.
struct AppendCommand: MessageCommand {
    static let name = "APPEND"
    static let states = Set<SessionState>.loggedIn

    let mailbox: MailboxName
    let elements: [AppendMessages.Element]

    // append = "APPEND" SP mailbox 1*append-message
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        let start = try Self(beginning: &parser, addressing: .sequenceNumbers)
        self.mailbox = start.mailbox
        self.elements = try AppendMessages.complete(&parser)
    }

    // "APPEND" SP mailbox
    init(beginning parser: inout CommandParser, addressing: Addressing) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailbox()
        self.elements = []
    }

    func target(_ view: SessionView) throws(Refusal) -> MessageTarget {
        let store = try view.store()
        return MessageTarget(name: Self.name, mailbox: self.mailbox, store: store) { messages, mailbox, _ in
            let receipt = try await store.append(messages, to: mailbox)
            return Outcome(code: ResponseCode(receipt), change: .added(mailbox, receipt.uids))
        }
    }
}

/// A command whose arguments end with messages: APPEND, and REPLACE (RFC 8508).
///
/// The store gets all of them in one transaction, or none.
protocol MessageCommand: IMAPCommand {
    /// Reads what stands before the first message.
    init(beginning parser: inout CommandParser, addressing: Addressing) throws(SyntaxError)
    /// What is said of the messages, if none of it are octets that come behind the line.
    var elements: [AppendMessages.Element] { get }
    /// Where the messages go. Runs nothing, waits for nothing.
    func target(_ view: SessionView) throws(Refusal) -> MessageTarget
}

extension MessageCommand {
    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (target, elements) = (try self.target(view), self.elements)
        let context = try MessageAssembly.Context(view)
        return Work(target.footprint) { output in
            let mailbox = try await target.find()
            var assembly = MessageAssembly(context)
            do {
                for element in elements { try await assembly.take(element) }
                return try await target.add(assembly.messages, mailbox, &output)
            } catch {
                await assembly.abandon()
                throw error
            }
        }
    }
}

extension AppendMessages {
    /// Reads the messages of a command that has no octets to come.
    static func complete(_ parser: inout CommandParser) throws(SyntaxError) -> [Element] {
        var messages = AppendMessages()
        let elements = try messages.read(&parser)
        try messages.end(parser)
        return elements
    }
}

/// Where the messages of a command go, bound to what its client knows.
struct MessageTarget: Sendable {
    typealias Add = @Sendable ([NewMessage], MailboxID, inout CommandOutput) async throws -> Outcome

    /// The command's name, as counted.
    let name: String
    /// How many messages it takes.
    var count = AppendMessages.limit
    let mailbox: MailboxName
    let store: any MailStore
    var footprint: Footprint
    /// Makes the messages last.
    let addTo: Add

    init(
        name: String,
        mailbox: MailboxName,
        store: any MailStore,
        addTo: @escaping Add
    ) {
        self.name = name
        self.mailbox = mailbox
        self.store = store
        let added = Footprint.Extent(mailbox: mailbox.text, messages: .added)
        self.footprint = Footprint(reads: .mailboxes).writing(messages: added)
        self.addTo = addTo
    }

    /// The mailbox, which must be there: it is not made (RFC 9051 §6.3.12).
    func find() async throws -> MailboxID {
        guard let mailbox = try await self.store.mailbox(named: self.mailbox.text, needing: .insert) else {
            throw Refusal.tryCreate
        }
        return mailbox.id
    }

    /// There are more messages than the command takes.
    var tooMany: Refusal { Refusal("\(self.name) takes only \(self.count)", code: .clientBug, isBad: true) }

    /// Adds the messages to the mailbox found.
    func add(_ messages: [NewMessage], _ mailbox: MailboxID, _ output: inout CommandOutput) async throws -> Outcome {
        guard messages.count <= self.count else { throw self.tooMany }
        do { return try await self.addTo(messages, mailbox, &output) } catch StoreError.noSuchMailbox {
            throw Refusal.tryCreate
        }
    }
}

extension ResponseCode {
    /// APPENDUID, RFC 9051 §7.1.
    init(_ receipt: AppendReceipt) {
        self = .appendUID(
            uidValidity: receipt.uidValidity.rawValue,
            uids: NumberSet(ascending: receipt.uids.map(\.rawValue))
        )
    }
}
