// SPDX-License-Identifier: Apache-2.0

/// Makes long work stop now and then: for others to go first, and to end when nobody waits for its result any more.
struct WorkBudget {
    /// What takes about a millisecond: tests of a key, or octets looked at.
    private static let limit = 1 << 18

    private var spent = 0

    /// Counts steps; true if it is time for a ``pause()``.
    mutating func spend(_ steps: Int) -> Bool {
        self.spent += min(steps, Self.limit)
        return self.spent >= Self.limit
    }

    /// Lets others go first.
    ///
    /// Throws `CancellationError` when nobody waits any more.
    mutating func pause() async throws {
        self.spent = 0
        try Task.checkCancellation()
        await Task.yield()
    }
}
