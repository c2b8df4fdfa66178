// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 9051 §2.3.3 Internal Date")
struct InternalDateTests {
    @Test(
        "moments",
        arguments: [
            (0, 0, #"" 1-Jan-1970 00:00:00 +0000""#), (-1, 0, #""31-Dec-1969 23:59:59 +0000""#),
            (837_596_665, -420, #""17-Jul-1996 02:44:25 -0700""#), (951_782_400, 0, #""29-Feb-2000 00:00:00 +0000""#),
            (951_782_400, -1, #""28-Feb-2000 23:59:00 -0001""#), (4_107_542_400, 0, #"" 1-Mar-2100 00:00:00 +0000""#),
            (1_709_164_800, 345, #""29-Feb-2024 05:45:00 +0545""#),
            (2_147_483_648, 1439, #""20-Jan-2038 03:13:08 +2359""#),
        ] as [(Int64, Int, String)]
    )
    func moments(_ seconds: Int64, _ zone: Int, _ expected: String) {
        let date = InternalDate(unixSeconds: seconds, zone: zone)
        #expect(written { $0.dateTime(date) } == expected)
        #expect(parse(expected) { try $0.dateTime() } == date)
    }

    @Test("every moment comes back", arguments: UInt64(1)...300)
    func roundTrip(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let date = InternalDate(
            unixSeconds: .random(in: -62_167_000_000...253_402_000_000, using: &random),
            zone: .random(in: -1439...1439, using: &random)
        )
        #expect(parse(written { $0.dateTime(date) }) { try $0.dateTime() } == date)
    }

    @Test(
        "what is no date of four digits still has 28 octets",
        arguments: [
            (Int64.min, 0, #"" 1-Jan-0000 00:00:00 +0000""#), (.max, 0, #""31-Dec-9999 23:59:59 +0000""#),
            (.min, -1439, #"" 1-Jan-0000 00:00:00 -2359""#), (.max, 1439, #""31-Dec-9999 23:59:59 +2359""#),
            (0, 1440, #"" 1-Jan-1970 00:00:00 +0000""#), (0, .min, #"" 1-Jan-1970 00:00:00 +0000""#),
        ] as [(Int64, Int, String)]
    )
    func extremes(_ seconds: Int64, _ zone: Int, _ expected: String) {
        #expect(written { $0.dateTime(InternalDate(unixSeconds: seconds, zone: zone)) } == expected)
    }

    @Test("the day is that of the zone")
    func day() throws {
        let date = try #require(parse(#"" 1-Mar-2024 00:30:00 +0100""#) { try $0.dateTime() })
        #expect(date.date == CalendarDate(year: 2024, month: 3, day: 1))
        #expect(date.unixSeconds == 1_709_249_400)
    }

    @Test("days follow each other through four centuries")
    func calendar() throws {
        var previous = try #require(CalendarDate(year: 1899, month: 12, day: 31))
        var count = 0
        for year in 1900...2300 {
            for month in 1...12 {
                for day in 1...31 {
                    guard let date = CalendarDate(year: year, month: month, day: day) else { continue }
                    // One expectation a day would take longer than all else.
                    guard date > previous, date.daysSince1970 == previous.daysSince1970 + 1,
                        date.components == (year, month, day)
                    else {
                        Issue.record("\(year)-\(month)-\(day)")
                        return
                    }
                    previous = date
                    count += 1
                }
            }
        }
        #expect(count == 401 * 365 + 97)
    }

    @Test(
        "days that are none",
        arguments: [
            (2023, 2, 29), (2100, 2, 29), (2024, 4, 31), (2024, 0, 1), (2024, 13, 1), (2024, 1, 0), (2024, 1, 32),
            (-1, 1, 1),
            (10_000, 1, 1), (.min, .min, .min), (.max, .max, .max),
        ]
    )
    func noDays(_ year: Int, _ month: Int, _ day: Int) {
        #expect(CalendarDate(year: year, month: month, day: day) == nil)
    }
}
