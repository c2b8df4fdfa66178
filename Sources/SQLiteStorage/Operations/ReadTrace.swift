// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    /// The most events of one message that are read.
    private static let eventLimit = 10_000

    func stories(of name: String, limit: Int) throws -> [MessageStory] {
        var numbers = try self.traces("SELECT number FROM trace WHERE id = ? ORDER BY number DESC LIMIT ?", name, limit)
        if numbers.isEmpty, let entry = Int64(name), let trace = try self.trace(of: QueueEntryID(rawValue: entry)) {
            numbers = [trace]
        }
        if numbers.isEmpty {
            let identifier = name.hasPrefix("<") && name.hasSuffix(">") ? String(name.dropFirst().dropLast()) : name
            numbers = try self.traces(
                "SELECT number FROM trace WHERE message_id = ? ORDER BY number DESC LIMIT ?",
                identifier,
                limit
            )
        }
        return try numbers.compactMap { number in
            guard var story = try self.story(number) else { return nil }
            story.events = try self.events(of: number)
            return story
        }
    }

    func stories(with address: String, limit: Int) throws -> [MessageStory] {
        try self.traces(
            "SELECT DISTINCT message FROM trace_address WHERE address = ? ORDER BY message DESC LIMIT ?",
            address,
            limit
        ).compactMap(self.story)
    }

    private func traces(_ text: String, _ key: String, _ limit: Int) throws -> [TraceNumber] {
        try self.all(text, .text(key), .int(max(limit, 0))) { TraceNumber(rawValue: $0.int64(0)) }
    }

    /// Without its events.
    private func story(_ number: TraceNumber) throws -> MessageStory? {
        let recipients = try self.all(
            "SELECT address FROM trace_address WHERE message = ? AND role = ? ORDER BY number",
            .int(number.rawValue),
            .int(TraceBeginning.Role.recipient.rawValue)
        ) { $0.text(0) }
        return try self.first(
            """
            SELECT received_at, reverse_path, size, message_id, is_junk, id, results, reasons, client_address,
            client_name, service, protocol, tls, account FROM trace WHERE number = ?
            """,
            .int(number.rawValue)
        ) { row in
            MessageStory(
                receivedAt: UnixTime(rawValue: row.int64(0)),
                reversePath: row.text(1),
                size: row.int(2),
                messageID: row.optionalText(3),
                isJunk: row.bool(4),
                facts: TraceFacts(
                    id: row.optionalText(5),
                    client: row.isNull(10)
                        ? nil
                        : TraceFacts.Client(
                            address: row.text(8),
                            name: row.optionalText(9),
                            service: row.text(10),
                            protocolName: row.text(11),
                            tls: row.optionalText(12),
                            account: row.optionalText(13)
                        ),
                    recipients: recipients,
                    results: row.optionalText(6),
                    reasons: row.optionalText(7)?.split(separator: "\n").map(String.init) ?? []
                )
            )
        }
    }

    private func events(of number: TraceNumber) throws -> [MessageEvent] {
        try self.all(
            """
            SELECT at, kind, address, entry, detail, tls, until FROM trace_event WHERE message = ? ORDER BY number
            LIMIT ?
            """,
            .int(number.rawValue),
            .int(Self.eventLimit)
        ) { row in
            guard let kind = MessageEvent.Kind(rawValue: row.text(1)) else {
                throw StoreError.corrupt("expected a kind of event that is known")
            }
            return MessageEvent(
                time: UnixTime(rawValue: row.int64(0)),
                kind: kind,
                address: row.optionalText(2),
                entry: row.optionalInt64(3).map(QueueEntryID.init(rawValue:)),
                detail: row.optionalText(4),
                tls: row.optionalText(5),
                until: row.optionalInt64(6).map(UnixTime.init(rawValue:))
            )
        }
    }
}
