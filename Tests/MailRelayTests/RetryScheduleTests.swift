// SPDX-License-Identifier: Apache-2.0

import MailMessage
import TestSupport
import Testing

@testable import MailRelay

@Suite("RFC 5321 §4.5.4.1") struct RetryScheduleTests {
    @Test(
        arguments: [
            (-1, 300), (0, 300), (1, 300), (2, 600), (3, 1200), (4, 2400), (5, 4800), (6, 9600), (7, 14400), (8, 14400),
            (Int.max, 14400),
        ] as [(Int, Int64)]
    ) func pauses(attempts: Int, seconds: Int64) {
        #expect(RetrySchedule().pause(afterAttempts: attempts) == seconds)
    }

    @Test(arguments: [1, 4, 9]) func jitterStaysWithinItsBounds(attempts: Int) {
        var random = SeededGenerator(seed: 1)
        let schedule = RetrySchedule()
        let pause = schedule.pause(afterAttempts: attempts)
        let times = (0..<1000).map { _ in
            schedule.nextAttempt(afterAttempts: attempts, at: UnixTime(1000), using: &random).rawValue - 1000
        }
        #expect(times.allSatisfy { (pause * 9 / 10...pause * 11 / 10).contains($0) })
        #expect(Set(times).count > 20, "it is random")
    }

    @Test func isAlwaysLater() {
        var random = SeededGenerator(seed: 1)
        for schedule in [
            RetrySchedule(pauses: [], laterPause: 0, jitter: 200),
            RetrySchedule(pauses: [-5], laterPause: 1, jitter: 100),
            RetrySchedule(pauses: [.max], laterPause: 1, jitter: 90),
        ] {
            for attempts in 0..<3 {
                let next = schedule.nextAttempt(afterAttempts: attempts, at: UnixTime(.max / 2), using: &random)
                #expect(next > UnixTime(.max / 2))
            }
        }
    }

    /// Five days hold about 35 attempts, the first hour four.
    @Test func givesUpAfterEnoughAttempts() {
        var random = SeededGenerator(seed: 1)
        var schedule = RetrySchedule()
        schedule.jitter = 0
        var time = UnixTime(0)
        var times: [Int64] = []
        while time < UnixTime(5 * 86_400) {
            times.append(time.rawValue)
            time = schedule.nextAttempt(afterAttempts: times.count, at: time, using: &random)
        }
        #expect(times.count == 35)
        #expect(times.filter { $0 <= 3600 } == [0, 300, 900, 2100])
    }
}
