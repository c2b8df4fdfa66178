// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailMessage
import MailStorage

/// Makes the messages of an APPEND or REPLACE: from octets as they arrive, and from parts of messages that are there.
///
/// Nothing is part of a mailbox before the store's one transaction on ``messages``; until then it can all be given up.
/// Large messages go into the store as they come, and small ones too once there are many, so that memory does not grow
/// with the command.
struct MessageAssembly {
    /// How much of small messages waits in memory.
    private static let memoryLimit = 1 << 20
    /// How much may be known about the messages, in octets of their encoded summaries.
    private static let summaryLimit = 1 << 20

    /// A message that has begun.
    private struct Message {
        var stage: any MessageStage
        var flags: [Flag]
        var internalDate: InternalDate?
        var header = HeaderWatch()
        /// The literal that is coming is a literal8.
        var isBinary = false
        /// NUL came in a literal8.
        var hasNUL = false
    }

    /// What it knows of the session.
    struct Context: Sendable {
        let store: any MailStore
        /// The largest message, in octets.
        let limit: Int
        /// Whether header fields may be in UTF-8 (RFC 6855 §4).
        let allowsUTF8: Bool
        /// The internal date of messages that come without one.
        let now: UnixTime
        /// The base of relative URLs.
        let selected: MailboxName?

        init(_ view: SessionView) throws(Refusal) {
            self.store = try view.store()
            self.limit = view.service.options.messageLimit
            self.allowsUTF8 = view.isRev2 || view.enabled.contains(.utf8Accept) || !view.offers(UTF8Accept.capability)
            self.now = UnixTime(rawValue: view.service.time.unixTime())
            self.selected = view.selected?.name.flatMap { try? MailboxName($0) }
        }
    }

    private let context: Context
    private var current: Message?
    /// Those that are complete, in their order.
    private(set) var messages: [NewMessage] = []
    private var stages: [any MessageStage] = []
    private var summaryOctets = 0
    private var memory = 0

    init(_ context: Context) { self.context = context }

    /// Takes what the command says next.
    ///
    /// Throws ``Refusal``, also for a literal that will not do, before its octets come.
    mutating func take(_ element: AppendMessages.Element) async throws {
        switch element {
        case .message(let flags, let internalDate):
            let stage = self.context.store.stage(limit: self.context.limit)
            self.current = Message(stage: stage, flags: flags, internalDate: internalDate)
        case .literal(let header, let isMessage):
            guard header.size > 0 || !isMessage else { throw Self.empty }
            guard header.size <= UInt64(self.context.limit - (self.current?.stage.size ?? 0)) else { throw self.tooBig }
            self.current?.isBinary = header.isBinary
        case .url(let url): try await self.append(url)
        case .messageEnd: try await self.endMessage()
        }
    }

    /// Takes the next octets of the literal that has been announced.
    mutating func append(_ octets: ArraySlice<UInt8>) async throws {
        guard octets.count <= self.context.limit - (self.current?.stage.size ?? 0) else { throw self.tooBig }
        self.current?.header.pass(octets)
        if self.current?.isBinary == true, octets.contains(0) { self.current?.hasNUL = true }
        try await self.current?.stage.append(octets)
    }

    /// Gives up what has not been made to last.
    mutating func abandon() async {
        if let current = self.current { self.stages.append(current.stage) }
        self.current = nil
        for index in self.stages.indices { await self.stages[index].abandon() }
        self.stages = []
    }

    /// RFC 3502 §6.3.11: this is also how a client cancels.
    private static let empty = Refusal("A message has at least one octet", code: .clientBug)

    private var tooBig: Refusal { Refusal("Message is larger than \(self.context.limit) octets", code: .tooBig) }

    private mutating func endMessage() async throws {
        guard var message = self.current else { return }
        guard message.stage.size > 0 else { throw Self.empty }
        guard self.context.allowsUTF8 || !message.header.hasUTF8 else {
            throw Refusal("Header fields are in UTF-8: ENABLE UTF8=ACCEPT first", code: .cannot)
        }
        if self.memory > Self.memoryLimit { try await message.stage.moveToStore() }
        var staged = try await message.stage.finish()
        if message.hasNUL {
            // Base64 is a third longer.
            var converted = self.context.store.stage(limit: 2 * self.context.limit + 1024)
            var conversion = BinaryAppend(staged, in: self.context.store, to: converted)
            do { converted = try await conversion.run() } catch {
                await converted.abandon()
                throw error
            }
            if self.memory > Self.memoryLimit { try await converted.moveToStore() }
            staged = try await converted.finish()
            await message.stage.abandon()
            message.stage = converted
        }
        self.current = nil
        self.stages.append(message.stage)
        if case .octets(let octets) = staged.content { self.memory += octets.count }
        self.summaryOctets += staged.summary.encoded().count
        guard self.summaryOctets <= Self.summaryLimit || self.messages.isEmpty else {
            throw Refusal("Too many messages at once: append them one by one", code: .limit)
        }
        let date =
            message.internalDate.map { MessageDate($0) } ?? MessageDate(time: self.context.now, zoneOffsetMinutes: 0)
        self.messages.append(NewMessage(staged, flags: FlagSet(message.flags), internalDate: date))
    }

    // MARK: URLs

    /// Copies the octets that a URL names, as FETCH would tell them (RFC 4469 §3).
    private mutating func append(_ url: [UInt8]) async throws {
        let refusal = Refusal("The URL names no message or part that can be used", code: .badURL(url))
        guard let target = MessageURL(url, selected: self.context.selected) else { throw refusal }
        do {
            guard let mailbox = try await self.context.store.mailbox(named: target.mailbox.text, needing: .read),
                target.uidValidity == nil || target.uidValidity == mailbox.uidValidity.rawValue,
                let row = try await self.context.store.messages(
                    [UID(rawValue: target.uid)],
                    in: mailbox.id,
                    including: MessageParts(summary: target.section != Section())
                ).first
            else { throw refusal }
            try await self.append(target, of: row, refusal)
        } catch StoreError.expunged, StoreError.noSuchMailbox, StoreError.noPermission {
            throw refusal
        }
    }

    private mutating func append(_ target: MessageURL, of row: StoredMessage, _ refusal: Refusal) async throws {
        var section = SectionOctets(range: 0..<row.size)
        if let summary = row.summary {
            guard let found = SectionOctets(target.section, of: summary) else { throw refusal }
            section = found
        }
        var wanted = target.partial.map { $0.range(in: row.size) } ?? 0..<row.size
        if section.filter == .identity {
            // Only what is wanted is read.
            wanted = target.partial.map { $0.range(in: section.range.count) } ?? 0..<section.range.count
            section.range = section.range.dropFirst(wanted.lowerBound).prefix(wanted.count)
            wanted = 0..<section.range.count
        }
        guard !wanted.isEmpty else { return }
        var octets = MessageOctets(of: row, from: self.context.store)
        guard var reader = SectionReader(section) else { throw refusal }
        var position = 0
        while position < wanted.upperBound, let piece = try await reader.next(of: &octets) {
            try Task.checkCancellation()
            let part = piece.dropFirst(max(0, wanted.lowerBound - position)).prefix(
                wanted.upperBound - max(position, wanted.lowerBound)
            )
            position += piece.count
            try await self.append(part)
        }
    }
}

/// Looks for UTF-8 that is not ASCII in the header of a message that passes by.
///
/// Octets above 127 that are no UTF-8 are in a charset that nobody has named, as in much old mail: RFC 6855 has nothing
/// to say of them, and no client could do anything about them.
struct HeaderWatch: Sendable {
    private var hasEightBit = false
    private var isUTF8 = true
    private var isOver = false
    /// Nothing but the line end stands in the line so far.
    private var isEmptyLine = true
    /// How many octets of a character are still to come, and what the next one may be (RFC 3629 §4).
    private var missing = 0
    private var allowed: ClosedRange<UInt8> = 0x80...0xBF

    /// Whether some of the header is not ASCII, and all of it is UTF-8.
    var hasUTF8: Bool { self.hasEightBit && self.isUTF8 && self.missing == 0 }

    mutating func pass(_ octets: ArraySlice<UInt8>) {
        guard !self.isOver else { return }
        for octet in octets {
            if octet >= 0x80 || self.missing > 0 { self.passCharacter(octet) }
            switch octet {
            case UInt8(ascii: "\n"):
                if self.isEmptyLine {
                    self.isOver = true
                    return
                }
                self.isEmptyLine = true
            case UInt8(ascii: "\r"): break
            default: self.isEmptyLine = false
            }
        }
    }

    private mutating func passCharacter(_ octet: UInt8) {
        self.hasEightBit = true
        if self.missing > 0 {
            if !self.allowed.contains(octet) { self.isUTF8 = false }
            self.missing -= 1
            self.allowed = 0x80...0xBF
            return
        }
        switch octet {
        case 0xC2...0xDF: self.missing = 1
        case 0xE0: (self.missing, self.allowed) = (2, 0xA0...0xBF)
        case 0xED: (self.missing, self.allowed) = (2, 0x80...0x9F)
        case 0xE1...0xEF: self.missing = 2
        case 0xF0: (self.missing, self.allowed) = (3, 0x90...0xBF)
        case 0xF1...0xF3: self.missing = 3
        case 0xF4: (self.missing, self.allowed) = (3, 0x80...0x8F)
        default: self.isUTF8 = false
        }
    }
}
