// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQLiteStore: MailQueue {
    package func accept(_ acceptance: Acceptance, report: Acceptance?) async throws -> AcceptanceReceipt {
        let incoming = IncomingAcceptance(acceptance)
        let report = report.map(IncomingAcceptance.init)
        return try await self.write(cost: incoming.cost + (report?.cost ?? 0)) { transaction in
            try transaction.accept(incoming, report: report)
        }
    }

    /// Those longest due come first, so that none waits for ever behind others.
    package func due(
        at time: UnixTime,
        excluding: Set<QueueEntryID>,
        limit: Int
    ) async throws -> [QueueEntry] {
        try await self.read { try $0.due(at: time, excluding: excluding, limit: limit) }
    }

    package func nextAttempt(after time: UnixTime) async throws -> UnixTime? {
        try await self.read { try $0.nextAttempt(after: time) }
    }

    package func record(
        _ outcomes: [DeliveryOutcome],
        of entry: QueueEntryID,
        report: Acceptance?
    ) async throws {
        let report = report.map(IncomingAcceptance.init)
        try await self.write(cost: report?.message.cost ?? 0) { try $0.record(outcomes, of: entry, report: report) }
    }

    package func entries(after: QueueEntryID?, limit: Int) async throws -> [QueueEntry] {
        try await self.read { try $0.entries(after: after, limit: limit) }
    }

    package func entry(_ id: QueueEntryID) async throws -> QueueEntry? { try await self.read { try $0.entry(id) } }

    package func retry(_ id: QueueEntryID?, at time: UnixTime) async throws -> Int {
        try await self.write { try $0.retry(id, at: time) }
    }

    package func hold(_ id: QueueEntryID) async throws { try await self.write { try $0.hold(id) } }

    package func remove(_ id: QueueEntryID) async throws { try await self.write { try $0.giveUp(id) } }
}
