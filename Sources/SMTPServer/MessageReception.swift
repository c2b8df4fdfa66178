// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax

/// A message that is arriving: its octets go to the store as they come, behind our trace fields.
///
/// What goes wrong is kept until the end of the message, where it can be told; from then on octets are only counted.
struct MessageReception {
    /// Our name for the message, in the trace field, the reply and the log: an atom.
    let id: String
    /// Octets of the `Return-Path` line.
    let relayFrom: Int
    /// Why the message will be refused.
    private(set) var failure: (any Error)?
    /// Octets of the message as sent.
    private(set) var size = 0
    /// Whether any of them is above 127: not every client that sends such says so with BODY.
    private(set) var isEightBit = false

    private var stage: any MessageStage
    private var header = HeaderScan()
    private let limit: Int
    private let hopLimit: Int
    /// Fields for a message that lacks them; nil where messages are not to be changed.
    private let missing: MissingFields?
    /// The header for a report of delivery; nil if there will be none.
    private var returned: ReturnedHeader?

    /// Begins a message with our trace fields.
    init(_ view: SMTPView, _ transaction: MailTransaction) async {
        let service = view.service
        let now = UnixTime(service.time.unixTime())
        self.id = service.identifier(octets: 8)
        let trace = TraceHeader(view, transaction, id: self.id, at: now)
        self.relayFrom = trace.returnPath.count
        self.limit = service.options.messageLimit
        self.hopLimit = service.options.hopLimit
        self.missing = view.role.isSubmission ? MissingFields(service, now) : nil
        if !transaction.deliveriesToReport.isEmpty { self.returned = ReturnedHeader(trace.received) }
        let front = trace.returnPath + trace.received
        self.stage = service.queue.stage(limit: self.limit + front.count + MissingFields.longest)
        await self.write(front[...])
    }

    /// Takes the next octets of the message.
    mutating func append(_ octets: ArraySlice<UInt8>) async {
        guard self.failure == nil else { return }
        self.size += octets.count
        guard self.size <= self.limit else { return await self.fail(Reply.messageTooBig) }
        if !self.isEightBit { self.isEightBit = octets.contains { $0 > 0x7F } }
        let wasOver = self.header.isOver
        let end = self.header.scan(octets)
        if !wasOver { self.returned?.append(octets[..<(end ?? octets.endIndex)]) }
        guard let end, let fields = self.missing?.fields(for: self.header) else { return await self.write(octets) }
        self.returned?.append(fields[...])
        await self.write(octets[..<end])
        await self.write(fields[...])
        await self.write(octets[end...])
    }

    /// Ends the message.
    ///
    /// Throws why it must be refused.
    mutating func finish() async throws -> StagedMessage {
        if self.failure == nil, self.header.receivedFields >= self.hopLimit { await self.fail(Reply.tooManyHops) }
        if !self.header.isOver, let fields = self.missing?.fields(for: self.header), !fields.isEmpty {
            let ending: [UInt8] = (self.header.isAtLineStart ? [] : [13, 10]) + fields
            self.returned?.append(ending[...])
            await self.write(ending[...])
        }
        if let failure = self.failure { throw failure }
        return try await self.stage.finish()
    }

    /// The header as it was stored, with our trace field, for a report of delivery; ask behind ``finish()``.
    var returnedHeader: [UInt8] { self.returned?.octets ?? [] }

    /// Gives the octets up.
    mutating func abandon() async { await self.stage.abandon() }

    /// The message will be refused; what there is of it is of no more use.
    mutating func fail(_ error: any Error) async {
        guard self.failure == nil else { return }
        self.failure = error
        await self.stage.abandon()
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
