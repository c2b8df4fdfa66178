// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// A queue that cannot always write outcomes down, or has lost the messages, or tells how often it is searched.
struct FailingQueue: MailQueue {
    private let queue: any MailQueue
    private let fails: @Sendable () -> Bool
    private let hasLostOctets: Bool
    private let searched: @Sendable () -> Void

    init(
        _ queue: any MailQueue,
        hasLostOctets: Bool = false,
        fails: @escaping @Sendable () -> Bool = { false },
        searched: @escaping @Sendable () -> Void = {}
    ) {
        self.queue = queue
        self.hasLostOctets = hasLostOctets
        self.searched = searched
        self.fails = fails
    }

    func record(_ outcomes: [DeliveryOutcome], of entry: QueueEntryID, report: Acceptance?) async throws {
        if self.fails() { throw StoreError.full }
        try await self.queue.record(outcomes, of: entry, report: report)
    }

    var feed: ChangeFeed { self.queue.feed }
    func stage(limit: Int, front: Int) -> any MessageStage { self.queue.stage(limit: limit, front: front) }
    func accept(_ acceptance: Acceptance, report: Acceptance?) async throws -> AcceptanceReceipt {
        try await self.queue.accept(acceptance, report: report)
    }
    func due(at time: UnixTime, excluding: Set<QueueEntryID>, limit: Int) async throws -> [QueueEntry] {
        self.searched()
        return try await self.queue.due(at: time, excluding: excluding, limit: limit)
    }
    func nextAttempt(after time: UnixTime) async throws -> UnixTime? { try await self.queue.nextAttempt(after: time) }
    func octets(of blob: BlobID, in range: Range<Int>) async throws -> [UInt8] {
        if self.hasLostOctets { throw StoreError.corrupt("expected all chunks of a message") }
        return try await self.queue.octets(of: blob, in: range)
    }
    func entries(after: QueueEntryID?, limit: Int) async throws -> [QueueEntry] {
        try await self.queue.entries(after: after, limit: limit)
    }
    func entry(_ id: QueueEntryID) async throws -> QueueEntry? { try await self.queue.entry(id) }
    func retry(_ id: QueueEntryID?, at time: UnixTime) async throws -> Int { try await self.queue.retry(id, at: time) }
    func hold(_ id: QueueEntryID) async throws { try await self.queue.hold(id) }
    func remove(_ id: QueueEntryID) async throws { try await self.queue.remove(id) }
}
