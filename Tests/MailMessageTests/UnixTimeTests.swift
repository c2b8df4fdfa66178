// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("Civil time")
struct UnixTimeTests {
    @Test(arguments: [
        (0, 1970, 1, 1, 0, 0, 0, 4),
        (-1, 1969, 12, 31, 23, 59, 59, 3),
        (951_782_400, 2000, 2, 29, 0, 0, 0, 2),
        (1_709_164_799, 2024, 2, 28, 23, 59, 59, 3),
        (4_107_542_400, 2100, 3, 1, 0, 0, 0, 1),
        (-2_208_988_800, 1900, 1, 1, 0, 0, 0, 1),
        (-62_167_219_200, 0, 1, 1, 0, 0, 0, 6),
        (253_402_300_799, 9999, 12, 31, 23, 59, 59, 5),
    ])
    func conversion(
        seconds: Int64,
        year: Int,
        month: Int,
        day: Int,
        hour: Int,
        minute: Int,
        second: Int,
        weekday: Int
    ) throws {
        let civil = CivilTime(UnixTime(seconds))
        #expect(
            civil == CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        )
        #expect(civil.weekday == weekday)
        #expect(civil.unixTime == UnixTime(seconds))
    }

    @Test func everyDayOfFourCenturiesFollowsTheOneBefore() throws {
        var expected = try #require(CivilTime(year: 1900, month: 1, day: 1))
        let first = expected.dayNumber
        for day in first..<(first + 146_097) {
            let civil = CivilTime(UnixTime(day * 86_400))
            guard civil == expected, civil.dayNumber == day else {
                Issue.record("day \(day) is \(civil)")
                return
            }
            expected.day += 1
            if expected.day > CivilTime.days(in: expected.month, of: expected.year) {
                expected.day = 1
                expected.month += 1
            }
            if expected.month > 12 {
                expected.month = 1
                expected.year += 1
            }
        }
    }

    @Test(arguments: [
        (2023, 2, 29, 0, 0, 0), (2024, 13, 1, 0, 0, 0), (2024, 0, 1, 0, 0, 0), (2024, 4, 31, 0, 0, 0),
        (2024, 1, 0, 0, 0, 0), (2024, 1, 1, 24, 0, 0), (2024, 1, 1, 0, 60, 0), (2024, 1, 1, 0, 0, 61),
        (-1, 1, 1, 0, 0, 0), (10_000, 1, 1, 0, 0, 0), (1900, 2, 29, 0, 0, 0),
    ])
    func whatNoCalendarHas(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        #expect(
            CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second) == nil
        )
    }

    @Test(arguments: [Int64.min, .max, .min + 1])
    func theEndsOfTheRange(seconds: Int64) {
        let civil = CivilTime(UnixTime(seconds))
        #expect((1...12).contains(civil.month) && (1...31).contains(civil.day) && (0...6).contains(civil.weekday))
        #expect(UnixTime(seconds).advanced(by: seconds) == UnixTime(seconds < 0 ? .min : .max))
    }

    @Test(
        "RFC 3339 §5.6",
        arguments: [
            ("2016-04-01T00:00:00Z", Int64(1_459_468_800)), ("2016-04-01t01:30:00.75+01:30", 1_459_468_800),
            ("2016-03-31 23:00:00-01:00", 1_459_468_800), ("1970-01-01T00:00:00z", 0), ("2016-04-01T00:00:00", nil),
            ("2016-4-01T00:00:00Z", nil), ("2016-04-31T00:00:00Z", nil), ("2016-04-01T24:00:00Z", nil),
            ("2016-04-01T00:00:00ZZ", nil), ("2016-04-01T00:00:00+1:00", nil), ("2016-04-01", nil), ("", nil),
        ]
    )
    func timestamps(text: String, seconds: Int64?) {
        #expect(UnixTime(timestamp: text)?.rawValue == seconds)
        if let seconds { #expect(UnixTime(timestamp: UnixTime(seconds).timestamp)?.rawValue == seconds) }
    }
}
