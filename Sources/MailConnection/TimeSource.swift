// SPDX-License-Identifier: Apache-2.0

/// Time as a parameter: sessions and the relay never ask the machine, so tests can say what time it is.
package struct TimeSource: Sendable {
    /// Monotonic time since an arbitrary start; for timers and deadlines.
    package var now: @Sendable () -> Duration
    /// Returns when ``now`` has reached `deadline`; throws `CancellationError` when its task is cancelled.
    package var sleep: @Sendable (_ until: Duration) async throws -> Void
    /// Seconds since 1970-01-01T00:00:00Z; for what is written down.
    ///
    /// It may jump.
    package var unixTime: @Sendable () -> Int64

    package init(
        now: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        unixTime: @escaping @Sendable () -> Int64
    ) {
        self.now = now
        self.sleep = sleep
        self.unixTime = unixTime
    }

    /// The machine's monotonic clock, with `unixTime` for the calendar (the standard library has none of its own).
    package static func system(unixTime: @escaping @Sendable () -> Int64) -> TimeSource {
        let clock = ContinuousClock()
        let start = clock.now
        return TimeSource(
            now: { start.duration(to: clock.now) },
            sleep: { deadline in try await clock.sleep(until: start.advanced(by: deadline)) },
            unixTime: unixTime
        )
    }
}
