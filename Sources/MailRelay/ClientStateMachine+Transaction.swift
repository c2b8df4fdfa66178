// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Mail transactions (RFC 5321 §3.3): one after the other, each with as many recipients as the server takes at once.
extension ClientStateMachine {
    /// A command of the transaction, up to DATA.
    enum Step: Sendable, Hashable {
        /// Ends what a refused transaction left behind.
        case reset
        case mail
        /// The recipient at this position.
        case recipient(Int)

        var name: String {
            switch self {
            case .reset: "RSET"
            case .mail: "MAIL"
            case .recipient: "RCPT"
            }
        }
    }

    /// The most recipients that this server takes in one transaction (RFC 5321 §4.5.3.1.8, RFC 9422 §3.2).
    var recipientLimit: Int { min(100, self.server?.recipientLimit ?? 100) }

    /// Whether this server takes another transaction on this connection (RFC 9422 §3.1).
    var takesAnotherTransaction: Bool {
        guard case .ready = self.state else { return false }
        return self.transactions < self.server?.transactionLimit ?? .max
    }

    /// Octets of a group of commands sent without waiting: what fits in any window (RFC 2920 §3.1).
    private static let groupLimit = 4096

    /// Begins a transaction, of at least one recipient; call it when ready.
    mutating func begin(_ transaction: ClientTransaction) -> Action {
        // Those of the message before must not be taken for this one's.
        self.verdicts = [:]
        self.accepted = []
        guard case .ready = self.state, let server = self.server else {
            return self.fail(.outOfStep("not ready for a transaction"))
        }
        self.transaction = transaction
        let recipients = self.eligible(transaction, server)
        guard !recipients.isEmpty else { return .ready }
        self.transactions += 1
        self.steps = (self.needsReset ? [.reset] : []) + [.mail] + recipients.map(Step.recipient)
        self.answered = 0
        self.sent = 0
        self.state = .commands
        return self.sendGroup()
    }

    /// Positions of the recipients for whom it is worth asking; the others fail here.
    private mutating func eligible(_ transaction: ClientTransaction, _ server: EHLOReply) -> [Int] {
        let all = Array(transaction.recipients.indices)
        if let limit = server.sizeLimit, UInt64(clamping: transaction.size) > limit {
            // RFC 1870 §6.1.
            self.decide(
                all,
                .failed(DeliveryStatus(EnhancedStatusCode(5, 3, 4), "the message is larger than the host takes"))
            )
            return []
        }
        guard !server.offers("SMTPUTF8") else { return all }
        // RFC 6531 §3.2, §3.5.
        let refusal = Verdict.failed(
            DeliveryStatus(EnhancedStatusCode(5, 6, 7), "the host does not take internationalized mail (SMTPUTF8)")
        )
        if transaction.needsInternationalization || !transaction.reversePath.isASCII {
            self.decide(all, refusal)
            return []
        }
        self.decide(all.filter { !transaction.recipients[$0].address.isASCII }, refusal)
        return all.filter { transaction.recipients[$0].address.isASCII }
    }

    mutating func decide(_ positions: [Int], _ verdict: Verdict) {
        guard let transaction = self.transaction else { return }
        for position in positions { self.verdicts[transaction.recipients[position].number] = verdict }
    }

    /// Sends the next command, or as many as may go together.
    private mutating func sendGroup() -> Action {
        var octets: [UInt8] = []
        repeat {
            octets += self.line(self.steps[self.sent]).octets
            self.sent += 1
        } while self.server?.offers("PIPELINING") == true && self.sent < self.steps.count
            && octets.count < Self.groupLimit
        return .send(octets)
    }

    private func line(_ step: Step) -> CommandLine {
        guard let transaction = self.transaction, let server = self.server else { return CommandLine(verb: "RSET") }
        switch step {
        case .reset:
            return CommandLine(verb: "RSET")
        case .mail:
            var eligible = transaction
            // Somebody who has failed already must not make the others' mail internationalized.
            eligible.recipients.removeAll { self.verdicts[$0.number] != nil }
            return .mail(from: transaction.reversePath, eligible.mailParameters(for: server))
        case .recipient(let position):
            let recipient = transaction.recipients[position]
            return .recipient(
                .address(recipient.address),
                ClientTransaction.recipientParameters(recipient, for: server)
            )
        }
    }

    // MARK: MAIL and RCPT

    mutating func stepAnswered(_ reply: Reply) -> Action {
        guard self.answered < self.sent else {
            return self.fail(.outOfStep("more replies came than commands were sent"))
        }
        guard reply.severity != .positiveIntermediate else {
            return self.fail(.outOfStep("unexpected reply: \(reply)"))
        }
        let step = self.steps[self.answered]
        self.answered += 1
        switch step {
        case .reset:
            guard reply.isPositive else { return self.fail(.outOfStep("unexpected reply: \(reply)")) }
            self.needsReset = false
        case .mail:
            if reply.isPositive { self.needsReset = true } else { self.mailRefused(reply) }
        case .recipient(let position):
            if self.needsReset { self.recipientAnswered(position, reply) }
        }
        if self.answered < self.sent { return .wait }
        guard self.needsReset || step == .reset else { return self.afterRefusedMail(reply) }
        if self.sent < self.steps.count { return self.sendGroup() }
        guard !self.accepted.isEmpty else {
            self.state = .ready
            return .ready
        }
        self.state = .data
        return .send(CommandLine(verb: "DATA").octets)
    }

    /// MAIL was refused, and so is, implicitly, everything that went along with it.
    private mutating func mailRefused(_ reply: Reply) {
        guard let transaction = self.transaction else { return }
        let open = transaction.recipients.indices.filter { self.verdicts[transaction.recipients[$0].number] == nil }
        // What is transient leaves the recipients undecided, so that another host can be asked.
        if reply.severity == .permanentNegative { self.decide(open, .failed(DeliveryStatus(reply))) }
        self.refusal = reply
    }

    /// The group with the refused MAIL is answered.
    private mutating func afterRefusedMail(_ last: Reply) -> Action {
        let reply = self.refusal ?? last
        self.refusal = nil
        guard reply.severity == .permanentNegative else {
            return self.fail(SessionFailure(cause: .transaction, status: DeliveryStatus(reply)))
        }
        self.state = .ready
        return .ready
    }

    private mutating func recipientAnswered(_ position: Int, _ reply: Reply) {
        if reply.isPositive {
            self.accepted.append(position)
        } else if reply.code == 452 || reply.code == 552, !self.accepted.isEmpty {
            // RFC 5321 §4.5.3.1.10: too many at once (552 from old servers). Left for the next transaction.
        } else {
            self.decide([position], Verdict(reply, knowsDSN: false))
        }
    }

    // MARK: DATA, content, and the end

    mutating func dataAnswered(_ reply: Reply) -> Action {
        switch reply.severity {
        case .positiveIntermediate:
            self.state = .content
            return .content
        case .positiveCompletion:
            return self.fail(.outOfStep("unexpected reply: \(reply)"))
        case .transientNegative, .permanentNegative:
            self.decide(self.accepted, Verdict(reply, knowsDSN: false))
            self.state = .ready
            return .ready
        }
    }

    /// The host speaks while the content is being sent: a refusal counts, anything else cannot be believed.
    mutating func contentInterrupted(_ reply: Reply) -> Action {
        guard !reply.isPositive else { return self.fail(.outOfStep("a reply came before the end of the message")) }
        self.decide(self.accepted, Verdict(reply, knowsDSN: false))
        return self.fail(SessionFailure(cause: .transaction, status: DeliveryStatus(reply)))
    }

    /// The content and its end are on their way.
    mutating func contentSent() -> Action {
        self.state = .final
        return .wait
    }

    /// The reply that decides who is responsible for the message (RFC 5321 §6.1).
    mutating func finished(_ reply: Reply) -> Action {
        guard reply.severity != .positiveIntermediate else {
            return self.fail(.outOfStep("unexpected reply: \(reply)"))
        }
        self.decide(self.accepted, Verdict(reply, knowsDSN: self.server?.offers("DSN") ?? false))
        // RFC 5321 §4.1.1.4: whatever the reply, the transaction is over.
        self.needsReset = false
        self.state = .ready
        return .ready
    }
}
