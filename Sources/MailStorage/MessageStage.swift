// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Takes the octets of one message as they arrive, so that a large one never sits in memory.
///
/// A stage belongs to one task. What it has taken survives nothing: only ``MailStore/append(_:to:)`` or
/// ``MailQueue/accept(_:)`` makes it last. A stage that is dropped unfinished is cleared away by the store.
package protocol MessageStage {
    /// Octets taken so far.
    var size: Int { get }
    /// Takes the next octets; suspends while the store is behind. Throws ``StoreError``.
    mutating func append(_ octets: ArraySlice<UInt8>) async throws
    /// Takes the message out of memory when all its octets have come: it has to wait for others. Throws ``StoreError``.
    ///
    /// Only ``finish()`` or ``abandon()`` may follow.
    mutating func moveToStore() async throws
    /// Ends the message, with `front` before everything that was taken. The stage is of no more use after it.
    ///
    /// `front` is what can be said of a message only when all of it has come, such as a signature: whole fields, at most
    /// as long as the stage was told, and empty only if it was told of none. What was taken begins with a field too.
    /// Throws ``StoreError``.
    mutating func finish(front: [UInt8]) async throws -> StagedMessage
    /// Gives the octets up, also after ``finish()``; what has been made to last meanwhile stays.
    mutating func abandon() async
}

extension MessageStage {
    /// Nothing, for a stage that keeps nothing in memory, or is never made to wait.
    package mutating func moveToStore() async throws {}

    /// Ends a message that nothing comes before.
    package mutating func finish() async throws -> StagedMessage { try await self.finish(front: []) }
}

/// A message that has arrived completely, not yet part of any mailbox or queue.
package struct StagedMessage: Sendable {
    /// Where its octets wait.
    package enum Content: Sendable {
        /// In memory: small.
        case octets([UInt8])
        /// In the store, under this number.
        case blob(BlobID)
    }

    package let content: Content
    package let size: Int
    /// SHA-256 of the octets, 32 octets.
    package let digest: [UInt8]
    package let summary: MessageSummary

    package init(content: Content, size: Int, digest: [UInt8], summary: MessageSummary) {
        self.content = content
        self.size = size
        self.digest = digest
        self.summary = summary
    }
}

/// Where messages can be staged.
package protocol MessageStaging: Sendable {
    /// Begins a message of which at most `limit` octets are expected, and `front` more that come before them but are known
    /// at the end only: see ``MessageStage/finish(front:)``.
    func stage(limit: Int, front: Int) -> any MessageStage
}

extension MessageStaging {
    /// Begins a message of which at most `limit` octets are expected, in their order.
    package func stage(limit: Int) -> any MessageStage { self.stage(limit: limit, front: 0) }
}
