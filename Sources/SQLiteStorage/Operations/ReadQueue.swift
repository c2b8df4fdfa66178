// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQL {
    private static var entryColumns: String {
        """
        SELECT id, blob, size, relay_from, reverse_path, received_at, envelope_id, returns_full, is_eight_bit,
        is_internationalized, requires_tls, released_at, is_on_hold FROM queue
        """
    }

    func due(at time: UnixTime, excluding: Set<QueueEntryID>, limit: Int) throws -> [QueueEntry] {
        guard limit > 0 else { return [] }
        // Out of the index alone, for what is excluded may be much.
        var ids: [QueueEntryID] = []
        try self.eachWhile(
            "SELECT id FROM queue WHERE next_attempt <= ? ORDER BY next_attempt, id",
            .int(time.rawValue)
        ) { row in
            let id = QueueEntryID(rawValue: row.int64(0))
            if !excluding.contains(id) { ids.append(id) }
            return ids.count < limit
        }
        return try ids.compactMap(self.entry)
    }

    func nextAttempt(after time: UnixTime) throws -> UnixTime? {
        try self.first(
            "SELECT next_attempt FROM queue WHERE next_attempt > ? ORDER BY next_attempt LIMIT 1",
            .int(time.rawValue)
        ) { UnixTime(rawValue: $0.int64(0)) }
    }

    func entries(after: QueueEntryID?, limit: Int) throws -> [QueueEntry] {
        try self.all(
            "\(Self.entryColumns) WHERE id > ? ORDER BY id LIMIT ?",
            .int(after?.rawValue ?? 0),
            .int(max(limit, 0)),
            read: self.entry
        )
    }

    func entry(_ id: QueueEntryID) throws -> QueueEntry? {
        try self.first("\(Self.entryColumns) WHERE id = ?", .int(id.rawValue), read: self.entry)
    }

    private func entry(_ row: SQLRow) throws -> QueueEntry {
        let id = row.int64(0)
        let recipients = try self.all(
            """
            SELECT number, local_part, domain, notify, original_recipient, attempts, next_attempt, last_reply,
            is_delay_reported FROM queue_recipient WHERE entry = ? ORDER BY number
            """,
            .int(id)
        ) { row in
            QueueEntry.Recipient(
                number: row.int(0),
                recipient: RemoteRecipient(
                    localPart: row.text(1),
                    domain: row.text(2),
                    notify: row.optionalInt64(3).map { NotifyConditions(rawValue: UInt8(clamping: $0)) },
                    originalRecipient: row.optionalText(4)
                ),
                attempts: row.int(5),
                nextAttempt: UnixTime(rawValue: row.int64(6)),
                lastReply: row.optionalText(7),
                isDelayReported: row.bool(8)
            )
        }
        return QueueEntry(
            id: QueueEntryID(rawValue: id),
            blob: BlobID(rawValue: row.int64(1)),
            size: row.int(2),
            relayFrom: row.int(3),
            reversePath: row.text(4),
            receivedAt: UnixTime(rawValue: row.int64(5)),
            envelopeID: row.optionalText(6),
            returnsFull: row.optionalInt64(7).map { $0 != 0 },
            isEightBit: row.bool(8),
            isInternationalized: row.bool(9),
            requiresTLS: row.bool(10),
            releasedAt: row.optionalInt64(11).map(UnixTime.init(rawValue:)),
            isOnHold: row.bool(12),
            recipients: recipients
        )
    }
}
