// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization

/// A clock that stands still until a test moves it.
///
/// Whoever sleeps until a moment that has passed does not sleep at all, so it does not matter whether a session begins
/// to sleep before or after the test moves the clock.
package final class TestClock: Sendable {
    private struct Sleeper {
        enum Waiting {
            case task(CheckedContinuation<Void, any Error>)
            case alarm(@Sendable () -> Void)
        }

        let deadline: Duration
        let waiting: Waiting

        func wake() {
            switch self.waiting {
            case .task(let continuation): continuation.resume()
            case .alarm(let body): body()
            }
        }

        func cancel() {
            if case .task(let continuation) = self.waiting { continuation.resume(throwing: CancellationError()) }
        }
    }

    private struct State {
        var now = Duration.zero
        var lastNumber = 0
        var sleepers: [Int: Sleeper] = [:]
        var watchers: [Int: CheckedContinuation<Duration?, Never>] = [:]
    }

    /// What ``TimeSource/unixTime`` is when the clock stands at zero: 2026-01-01T00:00:00Z unless said otherwise.
    package let unixStart: Int64
    private let state = Mutex(State())

    package init(unixStart: Int64 = 1_767_225_600) {
        self.unixStart = unixStart
    }

    package var now: Duration { self.state.withLock { $0.now } }

    /// The clock for what is being tested.
    package var timeSource: TimeSource {
        TimeSource(
            now: { self.now },
            sleep: { deadline in try await self.sleep(until: deadline) },
            setAlarm: { deadline, body in self.setAlarm(at: deadline, body) },
            unixTime: { self.unixStart + self.now.components.seconds }
        )
    }

    /// Moves the clock and wakes those whose time has come, earliest first.
    package func advance(by duration: Duration) {
        let due = self.state.withLock { state in
            state.now += duration
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for number in due.keys { state.sleepers[number] = nil }
            return due.sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }.map(\.value)
        }
        for sleeper in due { sleeper.wake() }
    }

    /// The earliest moment somebody sleeps until; waits until somebody sleeps.
    ///
    /// Throws ``NobodySleeps`` when that takes longer, in real time, than ``ReceivedOctets/safetyLimit``.
    package func nextDeadline() async throws -> Duration {
        try await withThrowingTaskGroup { group in
            group.addTask { await self.watch() }
            group.addTask {
                try? await Task.sleep(for: ReceivedOctets.safetyLimit)
                return nil
            }
            let deadline = try await group.next() ?? nil
            group.cancelAll()
            guard let deadline else { throw NobodySleeps() }
            return deadline
        }
    }

    /// Nobody waits for the clock.
    package struct NobodySleeps: Error {}

    /// The earliest moment somebody sleeps until, as soon as somebody does; nil if the task is cancelled before.
    private func watch() async -> Duration? {
        let number = self.nextNumber()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome: Duration?? = self.state.withLock { state in
                    if let deadline = state.sleepers.values.map(\.deadline).min() { return deadline }
                    if Task.isCancelled { return .some(nil) }
                    state.watchers[number] = continuation
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let watcher = self.state.withLock { state in state.watchers.removeValue(forKey: number) }
            watcher?.resume(returning: nil)
        }
    }

    private func nextNumber() -> Int {
        self.state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
    }

    private func sleep(until deadline: Duration) async throws {
        let number = self.nextNumber()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                self.add(Sleeper(deadline: deadline, waiting: .task(continuation)), number)
            }
        } onCancel: {
            self.cancel(number)
        }
    }

    private func setAlarm(at deadline: Duration, _ body: @escaping @Sendable () -> Void) -> Alarm {
        let number = self.nextNumber()
        self.add(Sleeper(deadline: deadline, waiting: .alarm(body)), number)
        return Alarm { self.cancel(number) }
    }

    private func cancel(_ number: Int) {
        self.state.withLock { state in state.sleepers.removeValue(forKey: number) }?.cancel()
    }

    private func add(_ sleeper: Sleeper, _ number: Int) {
        enum Decision { case wake, cancel, wait([CheckedContinuation<Duration?, Never>]) }
        let decision: Decision = self.state.withLock { state in
            if Task.isCancelled, case .task = sleeper.waiting { return .cancel }
            if sleeper.deadline <= state.now { return .wake }
            state.sleepers[number] = sleeper
            defer { state.watchers = [:] }
            return .wait(Array(state.watchers.values))
        }
        switch decision {
        case .wake: sleeper.wake()
        case .cancel: sleeper.cancel()
        case .wait(let watchers): for watcher in watchers { watcher.resume(returning: sleeper.deadline) }
        }
    }
}
