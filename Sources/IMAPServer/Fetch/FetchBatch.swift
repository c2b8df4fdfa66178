// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// How many messages to read from the store at once, and how much of each.
///
/// A client that reads slowly must not make the server keep much for it: whatever the messages are, one batch has at most
/// ``contentBudget`` octets of them. Of small messages many are read at once, of large ones few.
struct FetchBatch: Sendable {
    private static let contentBudget = 128 * 1024
    private static let largest = 64

    private let needs: FetchNeeds
    private var position = 0
    private(set) var size: Int

    init(needs: FetchNeeds) {
        self.needs = needs
        self.size = needs.contains(.content) ? 16 : Self.largest
    }

    /// What to read of each message.
    var parts: MessageParts {
        MessageParts(
            summary: self.needs.contains(.summary),
            contentUpTo: self.needs.contains(.content) ? Self.contentBudget / self.size : 0,
            digest: self.needs.contains(.digest)
        )
    }

    /// The next messages; nil at the end.
    mutating func next(of uids: [UID]) -> [UID]? {
        guard self.position < uids.count else { return nil }
        let end = min(self.position + self.size, uids.count)
        defer { self.position = end }
        return Array(uids[self.position..<end])
    }

    /// Chooses the next size, so that messages like these would fill half of the budget.
    mutating func note(_ rows: [StoredMessage]) {
        guard self.needs.contains(.content), !rows.isEmpty else { return }
        let octets = rows.reduce(0) { $0 + min($1.size, Self.contentBudget) }
        self.size = min(max(Self.contentBudget / 2 * rows.count / max(octets, 1), 2), Self.largest)
    }
}
