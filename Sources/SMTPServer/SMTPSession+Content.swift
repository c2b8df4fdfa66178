// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SenderAuthentication

/// The message, as it comes behind DATA or in chunks, and what becomes of it.
extension SMTPSession {
    /// Ends the transaction without a message (RFC 5321 §4.1.1.5).
    mutating func dropMessage() async {
        await self.reception?.abandon()
        self.reception = nil
        await self.milters?.endMessage()
        self.view.endTransaction()
        self.lineEnds = LineEndCheck()
    }

    // MARK: DATA

    /// Takes what there is of the message; false when more is needed.
    mutating func takeContent(_ decoder: DotStuffing.Decoder) async throws -> Bool {
        var decoder = decoder
        self.lastActivity = self.service.time.now()
        while let event = self.framer.nextContent(&decoder) {
            switch event {
            case .content(let octets):
                await self.reception?.append(octets)
            case .end:
                self.expecting = .command
                try await self.endMessage()
                return true
            case .refused(let fault):
                self.expecting = .command
                await self.refuseMessage(.contentRefused(fault), isOffence: true, forEach: true)
                return true
            }
        }
        self.expecting = .content(decoder)
        return false
    }

    // MARK: BDAT

    mutating func beginChunk(_ counter: ChunkCounter, _ refusal: Reply?) async throws {
        // RFC 3030 §2 wants a refused chunk to be taken; what nobody would ever take is not waited for.
        guard counter.size <= UInt64(clamping: self.service.options.messageLimit) else {
            return await self.refuseMessage(refusal ?? .messageTooBig, closing: true)
        }
        if refusal == nil, self.reception == nil, let transaction = self.view.transaction {
            self.reception = await MessageReception(self.view, transaction, self.milters)
            self.view.hasChunks = true
        }
        self.expecting = .chunk(counter, refusal: refusal)
    }

    /// Takes what there is of the chunk; false when more is needed.
    mutating func takeChunk(_ counter: ChunkCounter, _ refusal: Reply?) async throws -> Bool {
        var counter = counter
        self.lastActivity = self.service.time.now()
        while let octets = self.framer.nextChunk(&counter) {
            guard refusal == nil else { continue }
            // What is binary has no lines; the reception looks at what comes of it.
            if self.view.transaction?.body != .binaryMIME { self.lineEnds.check(octets) }
            await self.reception?.append(octets)
        }
        guard counter.isComplete else {
            self.expecting = .chunk(counter, refusal: refusal)
            return false
        }
        self.expecting = .command
        if let refusal {
            if counter.isLast { self.view.chunkFailure = nil }
            self.refuse(refusal)
            return true
        }
        if counter.isLast { self.lineEnds.finish() }
        if let fault = self.lineEnds.fault {
            // Not an offence: where a chunk ends is clear, and large hosts send such for their users.
            await self.refuseMessage(.contentRefused(fault), closing: true, forEach: counter.isLast)
        } else if counter.isLast {
            try await self.endMessage()
        } else if let failure = self.reception?.failure {
            let reply = try self.reply(to: failure)
            await self.refuseMessage(reply)
            self.view.chunkFailure = reply
        } else {
            self.say(Reply(250, EnhancedStatusCode(2, 0, 0), "\(counter.size) octets received"))
        }
        return true
    }

    // MARK: The end

    /// Makes the message durable and says so; from 250 on it is ours (RFC 5321 §6.1).
    ///
    /// Between the end of the message and the reply there is one transaction of the store (and the report that goes into
    /// it), and before it what the name system says about the message's signatures, for which it has a few seconds: a
    /// client that waits too long sends the message again (RFC 1047).
    private mutating func endMessage() async throws {
        guard var reception = self.reception, let transaction = self.view.transaction else { return }
        self.reception = nil
        do {
            let message = try await reception.finish()
            guard !reception.isDiscarded else { return try await self.discardMessage(reception) }
            let accepted = try await self.acceptUnreturned(message, transaction, reception)
            let replies = accepted.replies
            self.observe(reception, accepted.stored)
            // Those who got it have it with a field of their own each.
            if !accepted.isOriginal { await reception.abandon() }
            await self.dropMessage()
            for reply in replies { self.say(reply) }
            self.forgive()
            Metrics.count(message: self.view.role, .accepted)
            Metrics.count(acceptedOctets: reception.size)
            for reply in Set(replies) {
                Logger.current.info("Message accepted", metadata: self.metadata(reply, id: reception.id))
            }
        } catch {
            await reception.abandon()
            if reception.isRefusedForSender { self.observe(reception, nil) }
            await self.refuseMessage(try self.reply(to: error), forEach: true)
        }
        self.lastActivity = self.service.time.now()
        // Not with the replies to what was pipelined behind it (RFC 2920 §3.2 allows that): were we to end before they
        // are due, the client would send the message again.
        try await self.flush()
    }

    private func observe(_ reception: MessageReception, _ message: StagedMessage?) {
        guard let verdict = reception.sender, let observer = self.service.observer else { return }
        observer.tell(ArrivalObserver.Arrival(verdict: verdict, message: message, isJunk: reception.isJunk))
    }

    /// A filter wants the message to be thrown away, and nobody to be told.
    private mutating func discardMessage(_ reception: MessageReception) async throws {
        var reception = reception
        await reception.abandon()
        let reply = Reply.accepted(id: reception.id, entry: nil)
        await self.dropMessage()
        self.say(reply)
        Metrics.count(message: self.view.role, .accepted)
        Logger.current.info(
            "Message discarded: a filter wants it so",
            metadata: self.metadata(reply, id: reception.id)
        )
        self.lastActivity = self.service.time.now()
        try await self.flush()
    }

    /// What comes of accepting a message.
    private struct Accepted {
        var replies: [Reply]
        /// The message as somebody has got it; its octets stay.
        var stored: StagedMessage
        /// Whether that is the message as it was received.
        var isOriginal: Bool
    }

    /// Accepts the message for those recipients for whom it has not come back.
    private func acceptUnreturned(
        _ message: StagedMessage,
        _ transaction: MailTransaction,
        _ reception: MessageReception
    ) async throws -> Accepted {
        guard !reception.returned.isEmpty else { return try await self.accept(message, transaction, reception) }
        var others = transaction
        others.recipients.removeAll { reception.returned.contains($0.address) }
        var accepted = try await self.accept(message, others, reception)
        guard self.view.role == .lmtp else { return accepted }
        var rest = accepted.replies[...]
        accepted.replies = transaction.recipients.compactMap {
            reception.returned.contains($0.address) ? .sentOnBefore : rest.popFirst()
        }
        return accepted
    }

    /// Accepts the message for all recipients, in one transaction of the store: one reply, or in LMTP one for each.
    ///
    /// In LMTP, if that fails, each recipient is tried alone (RFC 2033 §4.2): then there may be negative replies among
    /// them, but not only. Throws why nobody gets the message.
    private func accept(
        _ message: StagedMessage,
        _ transaction: MailTransaction,
        _ reception: MessageReception
    ) async throws -> Accepted {
        do {
            var accepted = try await self.acceptOnce(message, transaction, reception)
            if self.view.role == .lmtp, let reply = accepted.replies.first {
                accepted.replies = Array(repeating: reply, count: transaction.recipients.count)
            }
            return accepted
        } catch let error as StoreError where self.view.role == .lmtp && transaction.recipients.count > 1 {
            var replies: [Reply] = []
            var result: Accepted?
            // Together they would have got it once, however often they were named.
            var (accounts, addresses): (Set<AccountID>, Set<EmailAddress>) = ([], [])
            for recipient in transaction.recipients {
                guard let recipient = recipient.without(accounts, addresses) else {
                    replies.append(.accepted(id: reception.id, entry: nil))
                    continue
                }
                var single = transaction
                single.recipients = [recipient]
                do {
                    let accepted = try await self.acceptOnce(message, single, reception)
                    replies += accepted.replies
                    if accepted.isOriginal || result == nil { result = accepted }
                    guard case .local(let new, let forward) = recipient.destination else { continue }
                    accounts.formUnion(new)
                    addresses.formUnion(forward?.addresses ?? [])
                } catch {
                    replies.append(try self.reply(to: error))
                }
            }
            guard var result else { throw error }
            result.replies = replies
            return result
        }
    }

    private func acceptOnce(
        _ message: StagedMessage,
        _ transaction: MailTransaction,
        _ reception: MessageReception
    ) async throws -> Accepted {
        var acceptance = transaction.acceptance(
            of: message,
            relayFrom: reception.relayFrom,
            isEightBit: reception.isEightBit,
            at: UnixTime(self.service.time.unixTime())
        )
        acceptance.isJunk = reception.isJunk
        // Whoever is only said to have sent it must not hear of where it was sent on to: that would be backscatter. Where
        // nobody has asked who sent it, nobody knows.
        let isSenderShown = self.view.role.isSubmission || reception.sender?.showsReversePath == true
        if !isSenderShown { acceptance.reportsNoForwards() }
        acceptance.trace = TraceFacts(self.view, transaction, reception)
        acceptance.submitter = self.view.account?.id
        let copies = await self.judge(acceptance, from: reception.shownAuthor)
        acceptance.judged = copies.deliveries
        do {
            let report = try await DeliveredReport(
                service: self.service,
                transaction: transaction,
                arrival: acceptance.receivedAt
            ).staged(header: reception.returnedHeader)
            let receipt = try await self.service.queue.accept(acceptance, report: report)
            if report != nil { Metrics.countReport() }
            copies.count()
            return Accepted(
                replies: [Reply.accepted(id: reception.id, entry: receipt.entry)],
                stored: copies.only ?? message,
                isOriginal: copies.only == nil
            )
        } catch {
            await copies.abandon()
            throw error
        }
    }

    /// The message is not ours; the transaction is over.
    ///
    /// `isOffence`: nobody sends such a message by accident, and the session ends with it. `forEach`: the message has come to
    /// its end, so that LMTP wants a reply for each recipient.
    private mutating func refuseMessage(
        _ reply: Reply,
        closing: Bool = false,
        isOffence: Bool = false,
        forEach: Bool = false
    ) async {
        Metrics.count(message: self.view.role, .refused)
        Logger.current.info("Message refused", metadata: self.metadata(reply, id: self.reception?.id))
        let others = forEach && self.view.role == .lmtp ? (self.view.transaction?.recipients.count ?? 1) - 1 : 0
        await self.dropMessage()
        for _ in 0..<max(others, 0) { self.say(reply) }
        if isOffence {
            self.expel(reply)
        } else if closing || reply.code == 421 {
            self.end(reply)
        } else {
            self.refuse(reply)
        }
    }

    private func metadata(_ reply: Reply, id: String?) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["peer": "\(self.view.peer.address)", "reply": "\(reply)"]
        if let id { metadata["queue_id"] = "\(id)" }
        if let account = self.view.account { metadata["account"] = "\(account.address)" }
        return metadata
    }
}
