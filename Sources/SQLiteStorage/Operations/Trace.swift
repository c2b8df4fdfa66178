// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// The number of a message's row in `trace`.
struct TraceNumber: RawRepresentable, Hashable, Sendable {
    let rawValue: Int64
}

/// What of an acceptance goes into `trace`, made before the writer's turn.
struct TraceBeginning: Sendable {
    enum Role: Int, Sendable {
        case reversePath, author, recipient, forwarded
    }

    /// Longer ones are not worth their place: nobody asks for them.
    private static let longestText = 1_000
    /// Of one message.
    private static let mostAddresses = 100
    private static let mostReasons = 20

    let facts: TraceFacts
    let messageID: String?
    let addresses: [(role: Role, address: String)]

    init(_ acceptance: Acceptance) {
        self.facts = acceptance.trace
        let envelope = acceptance.message.summary.envelope
        self.messageID = MessageIdentifier.list(in: (envelope.messageID ?? [])[...]).first.flatMap { identifier in
            identifier.octets.count <= Self.longestText ? String(decoding: identifier.octets, as: UTF8.self) : nil
        }
        // Of the first ones only: a stranger may name very many.
        var known: Set<String> = []
        var addresses: [(role: Role, address: String)] = []
        func add(_ address: String, _ role: Role) {
            guard addresses.count < Self.mostAddresses, !address.isEmpty, address.utf8.count <= Self.longestText else {
                return
            }
            if known.insert(address).inserted { addresses.append((role, address)) }
        }
        // First, so that they are recipients even where somebody writes to himself.
        for address in acceptance.trace.recipients { add(address, .recipient) }
        add(acceptance.reversePath, .reversePath)
        if let author = envelope.from.lazy.compactMap(\.mailbox).first {
            add(String(decoding: author.addrSpec, as: UTF8.self), .author)
        }
        for recipient in acceptance.forwards.flatMap(\.recipients) + acceptance.remote {
            add(recipient.address, .forwarded)
        }
        self.addresses = addresses
    }

    /// As the table has them.
    var results: String? { self.facts.results.map(Self.bounded) }

    var reasons: String? {
        let reasons = self.facts.reasons.prefix(Self.mostReasons).map { reason in
            Self.bounded(reason).replacing("\n", with: " ")
        }
        return reasons.isEmpty ? nil : reasons.joined(separator: "\n")
    }

    private static func bounded(_ text: String) -> String {
        text.utf8.count <= self.longestText ? text : String(text.unicodeScalars.prefix(self.longestText / 4)) + "..."
    }
}

extension RemoteRecipient {
    /// For people.
    var address: String { "\(self.localPart)@\(self.domain)" }
}

extension Transaction {
    /// Begins the story of a message.
    func beginTrace(of incoming: IncomingAcceptance) throws -> TraceNumber {
        let (acceptance, trace) = (incoming.acceptance, incoming.trace)
        let client = trace.facts.client
        try self.sql.run(
            """
            INSERT INTO trace (id, message_id, received_at, reverse_path, size, is_junk, service, client_address,
            client_name, protocol, tls, account, results, reasons) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .optional(trace.facts.id),
            .optional(trace.messageID),
            .int(acceptance.receivedAt.rawValue),
            .text(acceptance.reversePath),
            .int(incoming.message.size),
            .bool(acceptance.isJunk),
            .optional(client?.service),
            .optional(client?.address),
            .optional(client?.name),
            .optional(client?.protocolName),
            .optional(client?.tls),
            .optional(client?.account),
            .optional(trace.results),
            .optional(trace.reasons)
        )
        let number = TraceNumber(rawValue: self.sql.lastInsertedRow)
        for (position, (role, address)) in trace.addresses.enumerated() {
            try self.sql.run(
                "INSERT INTO trace_address (message, number, role, address) VALUES (?, ?, ?, ?)",
                .int(number.rawValue),
                .int(position),
                .int(role.rawValue),
                .text(address)
            )
        }
        return number
    }

    /// Writes down that something has happened to a message.
    func note(_ event: MessageEvent, in trace: TraceNumber) throws {
        try self.sql.run(
            """
            INSERT INTO trace_event (message, at, kind, address, entry, detail, tls, until)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            .int(trace.rawValue),
            .int(event.time.rawValue),
            .text(event.kind.rawValue),
            .optional(event.address),
            .optional(event.entry?.rawValue),
            .optional(event.detail),
            .optional(event.tls),
            .optional(event.until?.rawValue)
        )
    }

    /// Writes down that a message was put into a mailbox, and before that how the account's filter has judged it.
    func noteDelivery(
        to account: AccountID,
        _ mailbox: String,
        judged: String? = nil,
        in trace: TraceNumber
    ) throws {
        let address = try self.sql.first(
            "SELECT local_part || '@' || domain FROM account WHERE id = ?",
            .int(account.rawValue)
        ) { $0.optionalText(0) }
        if let judged {
            try self.note(
                MessageEvent(time: self.now, kind: .judged, address: address ?? nil, detail: judged),
                in: trace
            )
        }
        try self.note(
            MessageEvent(time: self.now, kind: .delivered, address: address ?? nil, detail: mailbox),
            in: trace
        )
    }

    /// Writes down how an attempt ended for one recipient, before that is known otherwise.
    func note(_ outcome: DeliveryOutcome, of entry: QueueEntryID, in trace: TraceNumber) throws {
        let recipient = try self.sql.first(
            "SELECT local_part || '@' || domain, last_reply FROM queue_recipient WHERE entry = ? AND number = ?",
            .int(entry.rawValue),
            .int(outcome.recipient)
        ) { (address: $0.text(0), lastReply: $0.optionalText(1)) }
        guard let recipient else { return }
        var event = MessageEvent(
            time: self.now,
            kind: .relayed,
            address: recipient.address,
            detail: outcome.reply,
            tls: outcome.tls
        )
        switch outcome.result {
        case .delivered: break
        // The accounts have lines of their own.
        case .deliveredHere: return
        case .failed: event.kind = .failed
        case .deferred(let time, _):
            event.kind = outcome.isAttempt ? .deferred : .postponed
            event.until = time
            // Where nobody was asked, there may be a great many, which say nothing new.
            if !outcome.isAttempt, recipient.lastReply == outcome.reply { return }
        }
        try self.note(event, in: trace)
    }

    /// Writes down that a report about a message was accepted.
    func noteReport(_ report: IncomingAcceptance, in trace: TraceNumber) throws {
        try self.note(MessageEvent(time: self.now, kind: .reported, detail: report.trace.facts.id), in: trace)
    }

    /// Writes down what an operator does with an entry.
    func note(_ kind: MessageEvent.Kind, of entry: QueueEntryID) throws {
        guard let trace = try self.sql.trace(of: entry) else { return }
        try self.note(MessageEvent(time: self.now, kind: kind, entry: entry), in: trace)
    }
}

extension SQL {
    /// The message that is, or was, that queue entry; nil if nothing is known of it any more.
    func trace(of entry: QueueEntryID) throws -> TraceNumber? {
        try self.first("SELECT message FROM trace_event WHERE entry = ? LIMIT 1", .int(entry.rawValue)) {
            TraceNumber(rawValue: $0.int64(0))
        }
    }
}
