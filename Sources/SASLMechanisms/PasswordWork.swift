// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// The place where passwords are checked: a few threads of its own, because each check takes milliseconds of computing
/// that no event loop and no cooperative thread may be kept from its other connections for.
///
/// Work waits in line; when the line is too long, more is refused, so that a flood of guesses costs bounded memory and
/// nobody waits for minutes.
package final class PasswordWork: Sendable {
    /// The line is full.
    package struct Busy: Error {}

    private let queues: [DispatchQueue]
    private let limit: Int
    /// How many are running or waiting.
    private let pending = Atomic<Int>(0)
    /// Whose turn it is among the queues.
    ///
    /// Pieces of work are alike, so turns share them out well enough.
    private let turn = Atomic<Int>(0)

    /// Makes the threads.
    ///
    /// - Parameters:
    ///   - width: how many passwords are checked at the same time; at least 1. More than there are processors is of no
    ///     use.
    ///   - waiting: how many more may wait; at least 0. With the default, the last waits a few seconds on two
    ///     processors.
    package init(width: Int, waiting: Int = 200) {
        precondition(width > 0 && waiting >= 0, "there must be somebody to work")
        self.queues = (0..<width).map { DispatchQueue(label: "letterhouse.password-work.\($0)") }
        self.limit = width + waiting
    }

    /// Runs `body` on one of the threads.
    ///
    /// - Throws: ``Busy`` at once if the line is full; else what `body` throws.
    package func run<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        guard self.pending.add(1, ordering: .relaxed).newValue <= self.limit else {
            self.pending.subtract(1, ordering: .relaxed)
            throw Busy()
        }
        let turn = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        let queue = self.queues[Int(UInt(bitPattern: turn) % UInt(self.queues.count))]
        return try await withCheckedThrowingContinuation { continuation in
            queue.async {
                let outcome = Swift.Result { try body() }
                self.pending.subtract(1, ordering: .relaxed)
                continuation.resume(with: outcome)
            }
        }
    }
}
