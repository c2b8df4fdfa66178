// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// When a message that could not be relayed is tried again (RFC 5321 §4.5.4.1).
///
/// Often at first, since most failures are short, then ever more seldom.
package struct RetrySchedule: Sendable, Hashable {
    /// The pauses after the first attempts, in seconds.
    package var pauses: [Int64]
    /// The pause after all further ones, in seconds.
    package var laterPause: Int64
    /// By how many percent a pause is longer or shorter by chance, 0...90, so that what failed together does not come
    /// back together.
    package var jitter: Int64

    /// Five minutes, doubling up to 2 h 40 min, then every four hours, give or take a tenth.
    package init(
        pauses: [Int64] = [300, 600, 1_200, 2_400, 4_800, 9_600],
        laterPause: Int64 = 14_400,
        jitter: Int64 = 10
    ) {
        self.pauses = pauses
        self.laterPause = laterPause
        self.jitter = jitter
    }

    /// A month, in seconds: longer than any message is kept.
    private static let longestPause: Int64 = 30 * 86_400

    /// The pause after so many failed attempts (at least 1), in seconds, without jitter; at least 1, at most a month.
    package func pause(afterAttempts attempts: Int) -> Int64 {
        let index = max(attempts, 1) - 1
        let pause = index < self.pauses.count ? self.pauses[index] : self.laterPause
        return min(max(pause, 1), Self.longestPause)
    }

    /// When to try again after so many failed attempts, the last of which was at `time`.
    ///
    /// Later than `time` in any case.
    package func nextAttempt(
        afterAttempts attempts: Int,
        at time: UnixTime,
        using random: inout some RandomNumberGenerator
    ) -> UnixTime {
        let pause = self.pause(afterAttempts: attempts)
        let spread = pause * min(max(self.jitter, 0), 90) / 100
        return time.advanced(by: pause + (spread > 0 ? Int64.random(in: -spread...spread, using: &random) : 0))
    }
}
