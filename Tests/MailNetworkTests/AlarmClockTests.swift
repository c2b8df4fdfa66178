// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Testing

@testable import MailNetwork

@Suite(.timeLimit(.minutes(20))) struct AlarmClockTests {
    private final class Held: Sendable {}

    /// What rings, in this order.
    private static func rung(_ count: Int, _ set: (@escaping @Sendable (Int) -> Void) -> Void) async -> [Int] {
        let (numbers, ring) = AsyncStream.makeStream(of: Int.self)
        set { ring.yield($0) }
        var rung: [Int] = []
        for await number in numbers {
            rung.append(number)
            if rung.count == count { break }
        }
        return rung
    }

    @Test func whatIsDueRingsAndNothingElse() async {
        let clock = AlarmClock { .seconds(100) }
        var later: [Alarm] = []
        let rung = await Self.rung(3) { ring in
            later.append(clock.set(at: .seconds(7200)) { ring(7200) })
            later.append(clock.set(at: .seconds(3700)) { ring(3700) })
            for second in [30, 20, 10] { _ = clock.set(at: .seconds(second)) { ring(second) } }
        }
        #expect(Set(rung) == [10, 20, 30])
        for alarm in later { alarm.cancel() }
    }

    @Test func oneThatIsSetLaterMayRingSooner() async {
        let start = ContinuousClock.now
        let clock = AlarmClock { start.duration(to: .now) }
        let rung = await Self.rung(2) { ring in
            let cancelled = clock.set(at: .seconds(2)) { ring(0) }
            _ = clock.set(at: .seconds(2)) { ring(2) }
            cancelled.cancel()
            cancelled.cancel()
            _ = clock.set(at: .milliseconds(400)) { ring(1) }
        }
        #expect(rung == [1, 2])
        #expect(start.duration(to: .now) >= .seconds(2))
    }

    @Test func aCancelledOneLetsGoOfWhatItHolds() {
        let clock = AlarmClock { .zero }
        var held: Held? = Held()
        weak let released = held
        let alarm = clock.set(at: .seconds(3600)) { [held] in _ = held }
        held = nil
        #expect(released != nil)
        alarm.cancel()
        #expect(released == nil)
    }

    @Test func whoDozesAwakesBeforeTheDeadlineOrAtOnce() async throws {
        let start = ContinuousClock.now
        let clock = AlarmClock { start.duration(to: .now) }
        try await clock.doze(until: .zero)
        try await clock.doze(until: .seconds(2))
        #expect(clock.count == 0)
        try await clock.doze(until: .milliseconds(2500))
        #expect(start.duration(to: .now) >= .milliseconds(500))
    }

    @Test func whoDozesIsForgottenOnceItIsCancelled() async throws {
        let clock = AlarmClock { .zero }
        let dozing = Task { try await clock.doze(until: .seconds(3600)) }
        while clock.count == 0 { await Task.yield() }
        dozing.cancel()
        await #expect(throws: CancellationError.self) { try await dozing.value }
        #expect(clock.count == 0)
    }
}
