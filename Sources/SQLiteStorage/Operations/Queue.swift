// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// An acceptance as the writer needs it.
struct IncomingAcceptance: Sendable {
    let acceptance: Acceptance
    let message: IncomingMessage
    /// The message as some accounts get it.
    let judged: [AccountID: IncomingMessage]
    let trace: TraceBeginning

    init(_ acceptance: Acceptance) {
        self.acceptance = acceptance
        self.message = IncomingMessage(acceptance.message)
        self.judged = acceptance.judged.compactMapValues { $0.message.map(IncomingMessage.init) }
        self.trace = TraceBeginning(acceptance)
    }

    /// Octets the writer will write.
    var cost: Int { self.judged.values.reduce(self.message.cost) { $0 + $1.cost } }
}

extension Transaction {
    /// Delivers to the local recipients and queues for the remote ones, and accepts the report about it.
    ///
    /// Throws ``StoreError/overQuota`` if one of them has no room.
    func accept(_ incoming: IncomingAcceptance, report: IncomingAcceptance?) throws -> AcceptanceReceipt {
        let trace = try self.beginTrace(of: incoming)
        let receipt = try self.accept(incoming, trace)
        if let report { try self.acceptReport(report, about: trace) }
        return receipt
    }

    /// Accepts a report about a message; nil: about none, or nothing is known of that any more.
    func acceptReport(_ report: IncomingAcceptance, about trace: TraceNumber?) throws {
        _ = try self.accept(report, try self.beginTrace(of: report), isReport: true)
        if let trace { try self.noteReport(report, in: trace) }
    }

    /// `isReport`: limits of the recipients do not matter.
    private func accept(
        _ incoming: IncomingAcceptance,
        _ trace: TraceNumber,
        isReport: Bool = false
    ) throws -> AcceptanceReceipt {
        let acceptance = incoming.acceptance
        let date = MessageDate(time: acceptance.receivedAt)
        var delivered: Set<AccountID> = []
        for account in acceptance.local where delivered.insert(account).inserted {
            guard let inbox = try self.sql.mailbox(named: .inbox, of: account) else {
                throw StoreError.notFound("INBOX of a recipient")
            }
            let judged = acceptance.judged[account]
            let isJunk = acceptance.isJunk || judged?.isJunk == true
            let junk = isJunk ? try self.sql.mailbox(for: .junk, of: account) : nil
            if isReport { self.admitAnything(to: account) } else { try self.admitDelivery(to: account) }
            let message = incoming.judged[account] ?? incoming.message
            let row = NewRow(message, flags: FlagSet(), internalDate: date)
            _ = try self.append([row], to: (junk ?? inbox).id)
            try self.noteDelivery(to: account, (junk ?? inbox).name, judged: judged?.reason, in: trace)
        }
        if let submitter = acceptance.submitter { try self.note(acceptance.trace.recipients, writtenToBy: submitter) }
        for forwarding in acceptance.forwards where !forwarding.recipients.isEmpty {
            let entry = try self.enqueue(incoming, from: forwarding.reversePath, to: forwarding.recipients)
            try self.note(.forwarded, forwarding.recipients, as: entry, forwarding.reversePath, acceptance, in: trace)
        }
        guard !acceptance.remote.isEmpty else { return AcceptanceReceipt(entry: nil) }
        let entry = try self.enqueue(incoming, from: acceptance.reversePath, to: acceptance.remote)
        try self.note(.queued, acceptance.remote, as: entry, nil, acceptance, in: trace)
        return AcceptanceReceipt(entry: entry)
    }

    private func note(
        _ kind: MessageEvent.Kind,
        _ recipients: [RemoteRecipient],
        as entry: QueueEntryID,
        _ reversePath: String?,
        _ acceptance: Acceptance,
        in trace: TraceNumber
    ) throws {
        let event = MessageEvent(
            time: acceptance.receivedAt,
            kind: kind,
            address: BoundedList(recipients.map(\.address)).text,
            entry: entry,
            detail: reversePath,
            until: acceptance.releasedAt
        )
        try self.note(event, in: trace)
    }

    private func enqueue(
        _ incoming: IncomingAcceptance,
        from reversePath: String,
        to recipients: [RemoteRecipient]
    ) throws -> QueueEntryID {
        let acceptance = incoming.acceptance
        let due = acceptance.releasedAt ?? acceptance.receivedAt
        let blob = try self.reference(incoming.message)
        try self.sql.run(
            """
            INSERT INTO queue (blob, size, relay_from, reverse_path, received_at, envelope_id, returns_full,
            is_eight_bit, is_internationalized, requires_tls, released_at, is_on_hold, next_attempt)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
            """,
            .int(blob.rawValue),
            .int(incoming.message.size),
            .int(acceptance.relayFrom),
            .text(reversePath),
            .int(acceptance.receivedAt.rawValue),
            .optional(acceptance.envelopeID),
            .optional(acceptance.returnsFull.map { $0 ? 1 : 0 }),
            .bool(acceptance.isEightBit),
            .bool(acceptance.isInternationalized),
            .bool(acceptance.requiresTLS),
            .optional(acceptance.releasedAt?.rawValue),
            .int(due.rawValue)
        )
        let entry = QueueEntryID(rawValue: self.sql.lastInsertedRow)
        for (number, recipient) in recipients.enumerated() {
            try self.sql.run(
                """
                INSERT INTO queue_recipient (entry, number, local_part, domain, notify, original_recipient, attempts,
                next_attempt, is_delay_reported) VALUES (?, ?, ?, ?, ?, ?, 0, ?, 0)
                """,
                .int(entry.rawValue),
                .int(number),
                .text(recipient.localPart),
                .text(recipient.domain),
                .optional(recipient.notify.map { Int64($0.rawValue) }),
                .optional(recipient.originalRecipient),
                .int(due.rawValue)
            )
        }
        self.touch(.queue)
        return entry
    }

    /// Writes down how an attempt ended.
    ///
    /// What is done leaves the entry, an entry that is empty leaves the queue.
    func record(_ outcomes: [DeliveryOutcome], of entry: QueueEntryID, report: IncomingAcceptance?) throws {
        let trace = try self.sql.trace(of: entry)
        try self.deliver(entry, to: outcomes, trace)
        for outcome in outcomes {
            if let trace { try self.note(outcome, of: entry, in: trace) }
            switch outcome.result {
            case .delivered, .deliveredHere, .failed:
                try self.sql.run(
                    "DELETE FROM queue_recipient WHERE entry = ? AND number = ?",
                    .int(entry.rawValue),
                    .int(outcome.recipient)
                )
            case .deferred(let time, let isDelayReported):
                try self.sql.run(
                    """
                    UPDATE queue_recipient SET attempts = attempts + 1, next_attempt = ?, last_reply = ?,
                    is_delay_reported = ? WHERE entry = ? AND number = ?
                    """,
                    .int(time.rawValue),
                    .text(outcome.reply),
                    .bool(isDelayReported),
                    .int(entry.rawValue),
                    .int(outcome.recipient)
                )
            }
        }
        try self.schedule(entry)
        if let report { try self.acceptReport(report, about: trace) }
    }

    /// Delivers a queued message to the accounts among the outcomes, each once.
    private func deliver(_ entry: QueueEntryID, to outcomes: [DeliveryOutcome], _ trace: TraceNumber?) throws {
        var accounts: Set<AccountID> = []
        for case .deliveredHere(let new) in outcomes.map(\.result) { accounts.formUnion(new) }
        guard !accounts.isEmpty else { return }
        let row = try self.sql.first("SELECT blob, size FROM queue WHERE id = ?", .int(entry.rawValue)) {
            MessageRow(
                blob: BlobID(rawValue: $0.int64(0)),
                size: $0.int(1),
                internalDate: MessageDate(time: self.now)
            )
        }
        guard let row else { throw StoreError.notFound("queue entry \(entry.rawValue)") }
        for account in accounts.sorted(by: { $0.rawValue < $1.rawValue }) {
            guard let inbox = try self.sql.mailbox(named: .inbox, of: account) else {
                throw StoreError.notFound("INBOX of a recipient")
            }
            self.admitAnything(to: account)
            try self.append(row, to: inbox.id)
            if let trace { try self.noteDelivery(to: account, inbox.name, in: trace) }
        }
    }

    /// Makes every waiting recipient due at `time` and takes entries off hold; all entries but those that their senders
    /// want held until later, or one, whatever its sender wants.
    func retry(_ id: QueueEntryID?, at time: UnixTime) throws -> Int {
        let (which, value) =
            id.map { ("= ?2", $0.rawValue) }
            ?? ("IN (SELECT id FROM queue WHERE released_at IS NULL OR released_at <= ?2)", time.rawValue)
        try self.sql.run(
            "UPDATE queue_recipient SET next_attempt = ?1 WHERE entry \(which)",
            .int(time.rawValue),
            .int(value)
        )
        try self.sql.run(
            "UPDATE queue SET is_on_hold = 0, next_attempt = ?1 WHERE id \(which)",
            .int(time.rawValue),
            .int(value)
        )
        let count = self.sql.changes
        if let id, count == 0 { throw StoreError.notFound("queue entry \(id.rawValue)") }
        try self.sql.run(
            """
            INSERT INTO trace_event (message, at, kind, entry)
            SELECT message, ?1, '\(MessageEvent.Kind.retried.rawValue)', entry FROM trace_event
            WHERE kind IN ('\(MessageEvent.Kind.queued.rawValue)', '\(MessageEvent.Kind.forwarded.rawValue)')
            AND entry IN (SELECT id FROM queue WHERE id \(which))
            """,
            .int(self.now.rawValue),
            .int(value)
        )
        self.touch(.queue)
        return count
    }

    func hold(_ id: QueueEntryID) throws {
        try self.sql.run("UPDATE queue SET is_on_hold = 1, next_attempt = NULL WHERE id = ?", .int(id.rawValue))
        guard self.sql.changes == 1 else { throw StoreError.notFound("queue entry \(id.rawValue)") }
        try self.note(.held, of: id)
        self.touch(.queue)
    }

    /// What an operator has given up.
    func giveUp(_ id: QueueEntryID) throws {
        try self.removeEntry(id)
        try self.note(.removed, of: id)
    }

    private func removeEntry(_ id: QueueEntryID) throws {
        let blob = try self.sql.first("SELECT blob FROM queue WHERE id = ?", .int(id.rawValue)) {
            BlobID(rawValue: $0.int64(0))
        }
        guard let blob else { throw StoreError.notFound("queue entry \(id.rawValue)") }
        try self.sql.run("DELETE FROM queue WHERE id = ?", .int(id.rawValue))
        try self.release(blob)
        self.touch(.queue)
    }

    /// Sets the entry's next attempt from its recipients'; removes it if it has none.
    private func schedule(_ entry: QueueEntryID) throws {
        let next = try self.sql.first(
            "SELECT min(next_attempt) FROM queue_recipient WHERE entry = ?",
            .int(entry.rawValue)
        ) { $0.optionalInt64(0) }
        guard let next = next ?? nil else { return try self.removeEntry(entry) }
        try self.sql.run(
            "UPDATE queue SET next_attempt = CASE is_on_hold WHEN 0 THEN ? END WHERE id = ?",
            .int(next),
            .int(entry.rawValue)
        )
    }
}
