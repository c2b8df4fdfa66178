// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import MailConnection
import MailMessage
import MailStorage
import MilterClient
import SMTPSyntax
import SenderAuthentication

/// A message that is arriving: its octets go to the store as they come, behind our trace fields.
///
/// What stands above the `Received` field is known only at the end: who sent the message, or our signature.
///
/// What goes wrong is kept until the end of the message, where it can be told; from then on octets are only counted.
struct MessageReception {
    /// Our name for the message, in the trace field, the reply and the log: an atom.
    let id: String
    /// Octets of the `Return-Path` line.
    var relayFrom: Int { self.trace.returnPath.count }
    /// Why the message will be refused.
    private(set) var failure: (any Error)?
    /// Octets of the message as sent.
    private(set) var size = 0
    /// Whether any of them is above 127: not every client that sends such says so with BODY.
    private(set) var isEightBit = false
    /// Whether the author's domain wants the message looked at with suspicion.
    var isJunk = false
    /// Who sent it, once that has been found out and nothing else stands in the way.
    private(set) var sender: AuthenticationVerdict?
    private(set) var isRefusedForSender = false
    /// What was found out about who sent the message, in few words; nil: nobody has asked.
    private(set) var results: String?
    /// Recipients for whom it was sent on before, and has come back, if there are others too.
    private(set) var returned: Set<EmailAddress> = []
    /// The author's domain, if that was shown to have sent the message.
    var shownAuthor: String? { self.sender?.results.shownAuthor }
    /// Why the message is dealt with as it is, for who asks later.
    var reasons: [String] = []
    /// Whether the message is to be accepted and thrown away.
    var isDiscarded = false

    let view: SMTPView
    let transaction: MailTransaction
    let trace: TraceHeader
    var stage: any MessageStage
    private var header = HeaderScan()
    private var headerSize = 0
    private let limit: Int
    private let hopLimit: Int
    /// Fields for a message that lacks them; nil where messages are not to be changed.
    private let missing: MissingFields?
    /// The header for a report of delivery; nil if there will be none.
    private var reported: ReturnedHeader?
    /// Takes out of the header what only we may say.
    private var forged: ForgedResultsFilter
    private(set) var incoming: IncomingAuthentication?
    var outgoing: OutgoingAuthentication?
    /// Makes lines of what is binary; nil for other messages.
    private var binary: BinaryContent?
    /// Seals a message that is sent on.
    var seal: ForwardingSeal?
    let milters: MilterRun?
    /// The header as it is stored, for filters; empty if there are none.
    var storedHeader: [UInt8] = []
    /// Whether what was written so far ends a line.
    private var endsLine = true

    /// The most octets of what comes before the message: far more than there can be.
    static let longestFront = 64 * 1024

    /// Begins a message with our trace fields.
    init(_ view: SMTPView, _ transaction: MailTransaction, _ milters: MilterRun? = nil) async {
        let service = view.service
        let now = UnixTime(service.time.unixTime())
        self.id = service.identifier(octets: 8)
        let trace = TraceHeader(view, transaction, id: self.id, at: now)
        self.view = view
        self.transaction = transaction
        self.trace = trace
        self.milters = milters
        self.limit = service.options.messageLimit
        self.hopLimit = service.options.hopLimit
        self.missing = view.role.isSubmission ? MissingFields(service, now) : nil
        if !transaction.deliveriesToReport.isEmpty { self.reported = ReturnedHeader(trace.received) }
        self.forged = ForgedResultsFilter(
            authservID: service.options.hostname,
            removing: [JunkField.name]
        )
        self.incoming = IncomingAuthentication(view, transaction)
        self.outgoing = OutgoingAuthentication(view, transaction)
        self.binary = transaction.body == .binaryMIME ? BinaryContent() : nil
        self.seal = ForwardingSeal(view, transaction, incoming: self.incoming)
        self.stage = service.queue.stage(
            limit: self.limit + (self.binary == nil ? 0 : BinaryContent.growth(of: self.limit)) + trace.received.count
                + MissingFields.longest,
            front: Self.longestFront
        )
        await self.write(trace.received[...])
        do { try await milters?.data(id: self.id) } catch { await self.fail(error) }
        await self.incoming?.checkHost()
    }

    /// Takes the next octets of the message.
    mutating func append(_ octets: ArraySlice<UInt8>) async {
        guard self.failure == nil else { return }
        self.size += octets.count
        guard self.size <= self.limit else { return await self.fail(Reply.messageTooBig) }
        self.incoming?.update(octets)
        guard self.binary != nil else { return await self.take(octets) }
        do {
            if let lines = try self.binary?.append(octets) { await self.take(lines[...]) }
        } catch {
            await self.fail(error)
        }
    }

    /// Takes octets as they are to be stored.
    private mutating func take(_ octets: ArraySlice<UInt8>) async {
        if !self.isEightBit { self.isEightBit = octets.contains { $0 > 0x7F } }
        guard !self.header.isOver else { return await self.write(body: octets) }
        let end = self.header.scan(octets)
        self.headerSize += (end ?? octets.endIndex) - octets.startIndex
        // Who is not looked at cannot be told from whom he says he is: there must be an end to what is in front of From.
        let isLooked = self.incoming != nil || self.milters != nil
        guard !isLooked || self.headerSize <= MessageAuthentication.maximumHeader else {
            return await self.fail(Reply.headerTooLong)
        }
        await self.write(field: self.forged.filter(octets[..<(end ?? octets.endIndex)]))
        guard let end else { return }
        await self.endHeader()
        await self.write(body: octets[end...])
    }

    /// The header has ended, with or without the empty line behind it.
    private mutating func endHeader() async {
        await self.write(field: self.forged.finish())
        if let fields = self.missing?.fields(for: self.header), !fields.isEmpty {
            if !self.endsLine { await self.write(field: [13, 10]) }
            await self.write(field: fields)
        }
        do {
            try await self.outgoing?.endHeader()
            try await self.seal?.endHeader()
            try await self.showHeader()
        } catch {
            await self.fail(error)
        }
    }

    /// Tells the filters of the header.
    private func showHeader() async throws {
        guard let milters = self.milters, self.failure == nil else { return }
        for field in HeaderParser(self.storedHeader) where !field.name.isEmpty {
            try await milters.field(name: field.name, value: field.value)
        }
        try await milters.endHeader()
    }

    /// Ends the message.
    ///
    /// Throws why it must be refused.
    mutating func finish() async throws -> StagedMessage {
        if self.failure == nil, let lines = try self.binary?.finish() { await self.take(lines[...]) }
        if self.failure == nil, self.header.receivedFields >= self.hopLimit { await self.fail(Reply.tooManyHops) }
        if !self.header.isOver { await self.endHeader() }
        if self.failure == nil { await self.lookForLoop() }
        if let failure = self.failure { throw failure }
        // Both have something to find out, and need not wait for each other.
        try await self.milters?.end()
        var front = self.trace.returnPath
        let verdict = try await self.incoming?.finish()
        if let verdict {
            // Who is to come again will be seen again.
            if verdict.refusal.map({ $0.code >= 500 }) ?? true { self.sender = verdict.details }
            if let refusal = verdict.refusal {
                self.isRefusedForSender = true
                throw refusal
            }
            self.isJunk = verdict.isJunk
            self.results = verdict.details.results.summary
            self.reasons += verdict.reasons
        }
        let added = try await self.applyMilters()
        let now = self.view.service.time.unixTime()
        if let verdict {
            front += self.seal?.finish(verdict.details, unixTime: now) ?? []
            front += verdict.field
        }
        if let fields = try self.outgoing?.finish(unixTime: now) { front += fields }
        return try await self.stage.finish(front: front + added)
    }

    /// Refuses a message that has come back for all its recipients.
    private mutating func lookForLoop() async {
        let rewriting = self.view.service.rewriting
        let returned = LoopMarks.returned(self.header.loopMarks, for: self.transaction, rewriting)
        guard !returned.isEmpty else { return }
        guard self.transaction.recipients.contains(where: { !returned.contains($0.address) }) else {
            return await self.fail(Reply.sentOnBefore)
        }
        self.returned = returned
        self.reasons += self.transaction.recipients.map(\.address).filter(returned.contains).map {
            "\($0): left out, for the message was sent on for it before and has come back"
        }
    }

    /// The header as it was stored, with our trace field, for a report of delivery; ask behind ``finish()``.
    var returnedHeader: [UInt8] { self.reported?.octets ?? [] }

    /// Gives the octets up.
    mutating func abandon() async { await self.stage.abandon() }

    /// The message will be refused; what there is of it is of no more use.
    mutating func fail(_ error: any Error) async {
        guard self.failure == nil else { return }
        self.failure = error
        await self.stage.abandon()
    }

    private mutating func write(body octets: ArraySlice<UInt8>) async {
        self.outgoing?.update(octets)
        self.seal?.update(octets)
        if self.failure == nil, let milters = self.milters {
            do { try await milters.body(octets) } catch { await self.fail(error) }
        }
        await self.write(octets)
    }

    private mutating func write(field: [UInt8]) async {
        self.reported?.append(field[...])
        self.outgoing?.update(header: field)
        self.seal?.update(header: field)
        if self.milters != nil { self.storedHeader += field }
        await self.write(field[...])
        if let last = field.last { self.endsLine = last == 10 }
    }

    private mutating func write(_ octets: ArraySlice<UInt8>) async {
        guard self.failure == nil, !octets.isEmpty else { return }
        do { try await self.stage.append(octets) } catch { await self.fail(error) }
    }
}

/// `Date` and `Message-ID` for submitted messages without (RFC 6409 §8.2, §8.3).
private struct MissingFields {
    /// Octets of both fields at most.
    static let longest = 512

    private let date: [UInt8]
    private let messageID: [UInt8]

    init(_ service: SMTPService, _ now: UnixTime) {
        self.date = Array("Date: \(MessageDate(time: now).formatted)\r\n".utf8)
        let identifier = MessageIdentifier.generate(
            time: now,
            random: service.random(12),
            domain: Array(service.options.hostname.utf8)
        )
        self.messageID = Array("Message-ID: ".utf8) + identifier.bracketed + [13, 10]
    }

    /// What the header lacks.
    func fields(for header: HeaderScan) -> [UInt8] {
        (header.hasDate ? [] : self.date) + (header.hasMessageID ? [] : self.messageID)
    }
}
