// SPDX-License-Identifier: Apache-2.0

/// Time as a parameter: sessions and the relay never ask the machine, so tests can say what time it is.
package struct TimeSource: Sendable {
    /// Monotonic time since an arbitrary start; for timers and deadlines.
    package var now: @Sendable () -> Duration
    /// Returns when ``now`` has reached `deadline`; throws `CancellationError` when its task is cancelled.
    package var sleep: @Sendable (_ until: Duration) async throws -> Void
    /// Calls the body when ``now`` has reached the deadline, or up to a second later, unless the alarm is cancelled.
    ///
    /// For what thousands of sessions wait for and nearly never comes: a task that sleeps costs kilobytes.
    package var setAlarm: @Sendable (_ at: Duration, _ body: @escaping @Sendable () -> Void) -> Alarm
    /// Seconds since 1970-01-01T00:00:00Z; for what is written down.
    ///
    /// It may jump.
    package var unixTime: @Sendable () -> Int64

    package init(
        now: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void,
        setAlarm: @escaping @Sendable (Duration, @escaping @Sendable () -> Void) -> Alarm,
        unixTime: @escaping @Sendable () -> Int64
    ) {
        self.now = now
        self.sleep = sleep
        self.setAlarm = setAlarm
        self.unixTime = unixTime
    }
}

/// Something that will be called at a certain time.
package struct Alarm: Sendable {
    /// It will not be called any more, unless it is being called already; what it holds is let go of.
    package let cancel: @Sendable () -> Void

    package init(cancel: @escaping @Sendable () -> Void) { self.cancel = cancel }
}
