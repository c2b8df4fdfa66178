// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore
import NIOPosix
import Synchronization

/// Rings the alarms of all sessions.
///
/// Nearly all of them are cancelled: so each is an entry in the table of the second in which it is due, which is cheap
/// to take out again, and only the earliest of these seconds is known to an event loop.
package final class AlarmClock: Sendable {
    private typealias Alarms = [UInt64: @Sendable () -> Void]

    private struct State {
        var lastNumber: UInt64 = 0
        /// By the second in which they are due, rounded up.
        var alarms: [Int64: Alarms] = [:]
        /// What will ring those of the earliest second.
        var bell: (second: Int64, scheduled: Scheduled<Void>)?
    }

    private let now: @Sendable () -> Duration
    private let eventLoop: any EventLoop
    private let state = Mutex(State())

    /// `now` is the time in which deadlines are given.
    package init(now: @escaping @Sendable () -> Duration) {
        self.now = now
        self.eventLoop = NIOSingletons.posixEventLoopGroup.any()
    }

    /// Calls `body` when `deadline` has come, or up to a second later, on an event loop: it must be short.
    package func set(at deadline: Duration, _ body: @escaping @Sendable () -> Void) -> Alarm {
        let (seconds, attoseconds) = deadline.components
        let due = attoseconds > 0 ? seconds + 1 : seconds
        let number = self.state.withLock { state in
            state.lastNumber += 1
            state.alarms[due, default: [:]][state.lastNumber] = body
            if due < state.bell?.second ?? .max { self.wait(until: due, &state) }
            return state.lastNumber
        }
        return Alarm { self.cancel(number, due: due) }
    }

    /// How many alarms are set.
    var count: Int { self.state.withLock { state in state.alarms.values.reduce(0) { $0 + $1.count } } }

    /// Returns a second or two before `deadline`, or at once if there is no more time than that until it.
    ///
    /// For limits in time, of which nearly all are cancelled: a task that the standard library let sleep until then stays
    /// in memory until then, even when it is cancelled, and with hundreds of messages a second that is hundreds of
    /// megabytes. Throws `CancellationError` when its task is cancelled.
    package func doze(until deadline: Duration) async throws {
        let end = deadline - .seconds(2)
        guard end > self.now() else { return }
        let (rung, ring) = AsyncStream.makeStream(of: Never.self)
        let alarm = self.set(at: end) { ring.finish() }
        defer { alarm.cancel() }
        // It ends, too, when the task is cancelled.
        for await _ in rung {}
        try Task.checkCancellation()
    }

    private func cancel(_ number: UInt64, due: Int64) {
        // Let go of outside the lock: what it holds may end with it.
        let body = self.state.withLock { state in
            let body = state.alarms[due]?.removeValue(forKey: number)
            if state.alarms[due]?.isEmpty == true { state.alarms[due] = nil }
            return body
        }
        _ = body
    }

    private func wait(until second: Int64, _ state: inout State) {
        state.bell?.scheduled.cancel()
        let (seconds, attoseconds) = max(.seconds(second) - self.now(), .zero).components
        // A nanosecond more than is left, for what is cut off.
        let pause = TimeAmount.seconds(seconds) + .nanoseconds(attoseconds / 1_000_000_000 + 1)
        state.bell = (second, self.eventLoop.scheduleTask(in: pause) { self.ring() })
    }

    private func ring() {
        let now = self.now().components.seconds
        let due = self.state.withLock { state in
            let due = state.alarms.filter { $0.key <= now }
            for second in due.keys { state.alarms[second] = nil }
            state.bell = nil
            if let next = state.alarms.keys.min() { self.wait(until: next, &state) }
            return due
        }
        for (_, alarms) in due.sorted(by: { $0.key < $1.key }) {
            for (_, body) in alarms.sorted(by: { $0.key < $1.key }) { body() }
        }
    }
}

extension TimeSource {
    /// The machine's monotonic clock, with `unixTime` for the calendar (the standard library has none of its own).
    package static func system(unixTime: @escaping @Sendable () -> Int64) -> TimeSource {
        let clock = ContinuousClock()
        let start = clock.now
        let now: @Sendable () -> Duration = { start.duration(to: clock.now) }
        let alarms = AlarmClock(now: now)
        return TimeSource(
            now: now,
            sleep: { deadline in
                try await alarms.doze(until: deadline)
                try await clock.sleep(until: start.advanced(by: deadline))
            },
            setAlarm: { deadline, body in alarms.set(at: deadline, body) },
            unixTime: unixTime
        )
    }
}
