// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax
import Synchronization

/// What came of a batch.
struct SMTPOutcome: Sendable, Equatable {
    /// Why there was no reply.
    enum Failure: String, Sendable {
        case timeout, closed
    }

    /// The replies as the server wrote them, greeting first.
    var replies: [UInt8] = []
    /// The code of the last reply; nil if there was none.
    var lastCode: Int?
    /// How many units got a positive reply, of how many.
    var doneCount = 0
    var unitCount = 0
    var failure: Failure?
    /// Whether the text of a message was sent, and whether one was taken.
    var hasSentText = false
    var hasDelivered = false
}

/// A batch's side of the conversation: unit, reply, unit, reply, until the first negative one.
struct SMTPDialogue {
    /// What may be different from the original, and what happens on the way.
    struct Rules: Sendable {
        /// Whether refused recipients do not end it, as long as there is one that was not.
        var skipsRecipients = false
        var commandTimeout: Duration
        var textTimeout: Duration
        /// When the whole of it must have ended.
        var deadline: Duration
        /// Is called before the text of a message is sent, which is then sent unless it throws.
        var beforeText: @Sendable () async throws -> Void = {}
    }

    private static let pieceSize = 64 * 1024

    private let rules: Rules
    private let time: TimeSource
    private var replies: AsyncStream<[UInt8]>.Iterator
    private let endReplies: @Sendable () -> Void
    private let send: @Sendable ([UInt8]) -> Void
    private var parser = ReplyParser()
    private(set) var outcome = SMTPOutcome()
    /// Recipients of the transaction: those that were accepted, and those that were not.
    private var recipients = (accepted: 0, refused: 0)

    /// Joins the two directions; after `endReplies` there are no more.
    init(
        rules: Rules,
        time: TimeSource,
        replies: AsyncStream<[UInt8]>,
        endReplies: @escaping @Sendable () -> Void,
        send: @escaping @Sendable ([UInt8]) -> Void
    ) {
        self.rules = rules
        self.time = time
        self.replies = replies.makeAsyncIterator()
        self.endReplies = endReplies
        self.send = send
    }

    mutating func play(_ batch: SMTPBatch) async throws {
        self.outcome.unitCount = batch.units.count
        guard let greeting = await self.takeReply(within: self.rules.commandTimeout), greeting.isPositive else {
            return
        }
        for unit in batch.units {
            if unit.kind == .beginning { self.recipients = (0, 0) }
            let isText = unit.kind == .text || unit.kind == .chunk
            if unit.kind == .data || isText, self.recipients.accepted == 0, self.recipients.refused > 0 { return }
            if isText {
                try await self.rules.beforeText()
                self.outcome.hasSentText = true
            }
            // In pieces, each of which the session can let go of when it has taken it.
            for start in stride(from: unit.octets.startIndex, to: unit.octets.endIndex, by: Self.pieceSize) {
                self.send(Array(unit.octets[start...].prefix(Self.pieceSize)))
            }
            let timeout = isText ? self.rules.textTimeout : self.rules.commandTimeout
            guard let reply = await self.takeReply(within: timeout) else { return }
            if reply.isPositive {
                self.outcome.doneCount += 1
                if unit.kind == .text { self.outcome.hasDelivered = true }
                if unit.kind == .recipient { self.recipients.accepted += 1 }
            } else {
                // With 421 the server hangs up, whatever it was about.
                guard self.rules.skipsRecipients, unit.kind == .recipient, reply.code != 421 else { return }
                self.recipients.refused += 1
            }
            if unit.kind == .quit { return }
        }
        self.send(Array("QUIT\r\n".utf8))
    }

    /// Takes a complete reply; nil if there is none.
    private mutating func takeReply(within timeout: Duration) async -> Reply? {
        let deadline = min(self.time.now() + timeout, self.rules.deadline)
        let isLate = Late()
        let alarm = self.time.setAlarm(deadline) { [endReplies = self.endReplies] in
            isLate.value.store(true, ordering: .relaxed)
            endReplies()
        }
        defer { alarm.cancel() }
        while true {
            do {
                if let reply = try self.parser.next() {
                    self.outcome.lastCode = reply.code
                    return reply
                }
            } catch {
                self.outcome.failure = .closed
                return nil
            }
            guard let octets = await self.replies.next(isolation: #isolation) else {
                self.outcome.failure = isLate.value.load(ordering: .relaxed) ? .timeout : .closed
                return nil
            }
            self.outcome.replies += octets
            self.parser.append(octets)
        }
    }

    private final class Late: Sendable {
        let value = Atomic(false)
    }
}
