// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Synchronization

/// Something for the writer to do, and who waits for it.
struct Job: Sendable {
    /// Ends the job: with an error, or well.
    typealias Answer = @Sendable ((any Error)?) -> Void
    /// Does the work in the group's transaction; may be called again if that came to nothing.
    typealias Body = @Sendable (Transaction) -> Outcome

    /// How the work went, and what to call once it is known whether it was committed.
    struct Outcome {
        let error: (any Error)?
        let answer: Answer
    }

    enum Work: Sendable {
        case write(Body)
        /// Runs between two groups, when everything that was answered, and nothing else, is in the file.
        case between(@Sendable (SQL) -> Void)
    }

    /// Octets it will write, roughly.
    let cost: Int
    let work: Work
    /// Ends the job without having run it.
    let answer: Answer
    private let cancellation: Cancellation?

    init(cost: Int = 0, cancellation: Cancellation? = nil, _ work: Work, answer: @escaping Answer) {
        self.cost = cost
        self.cancellation = cancellation
        self.work = work
        self.answer = answer
    }

    /// Whether nobody wants it any more.
    var isCancelled: Bool { self.cancellation?.isCancelled ?? false }

    /// Tells a job that waits that its caller has been cancelled.
    final class Cancellation: Sendable {
        private let flag = Atomic(false)
        var isCancelled: Bool { self.flag.load(ordering: .relaxed) }
        func cancel() { self.flag.store(true, ordering: .relaxed) }
    }
}

extension Writer {
    /// Runs `body` as one transaction that has happened, durably, when this returns.
    ///
    /// Cancelling drops the job only if it has not begun. Throws what `body` throws, or ``StoreError``.
    func write<Value: Sendable>(
        cost: Int = 0,
        _ body: @escaping @Sendable (Transaction) throws -> Value
    ) async throws -> Value {
        try await self.perform(cost: cost) { continuation in
            .write { transaction in
                do {
                    let value = try transaction.inSavepoint(body)
                    return Job.Outcome(error: nil) { failure in
                        if let failure {
                            continuation.resume(throwing: StoreError.of(failure))
                        } else {
                            continuation.resume(returning: value)
                        }
                    }
                } catch {
                    return Job.Outcome(error: error) { _ in continuation.resume(throwing: StoreError.of(error)) }
                }
            }
        }
    }

    /// Runs `body` on the writer's thread between two groups.
    func between<Value: Sendable>(_ body: @escaping @Sendable (SQL) throws -> Value) async throws -> Value {
        try await self.perform(cost: 0) { continuation in
            .between { sql in
                continuation.resume(with: Result { try body(sql) }.mapError { StoreError.of($0) })
            }
        }
    }

    private func perform<Value: Sendable>(
        cost: Int,
        _ work: (CheckedContinuation<Value, any Error>) -> Job.Work
    ) async throws -> Value {
        let cancellation = Job.Cancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let job = Job(cost: cost, cancellation: cancellation, work(continuation)) { error in
                    continuation.resume(throwing: StoreError.of(error ?? CancellationError()))
                }
                self.submit(job)
            }
        } onCancel: {
            cancellation.cancel()
        }
    }
}
