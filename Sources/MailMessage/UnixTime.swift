// SPDX-License-Identifier: Apache-2.0

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
package struct UnixTime: RawRepresentable, Hashable, Comparable, Sendable {
    package var rawValue: Int64

    package init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    package init(_ seconds: Int64) {
        self.rawValue = seconds
    }

    package static func < (left: UnixTime, right: UnixTime) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The time this many seconds later (or, negative, earlier); the ends of the range instead of an overflow.
    package func advanced(by seconds: Int64) -> UnixTime {
        let (sum, overflow) = self.rawValue.addingReportingOverflow(seconds)
        guard overflow else { return UnixTime(sum) }
        return UnixTime(seconds < 0 ? .min : .max)
    }
}

/// A moment as a calendar and a wall clock show it, in the proleptic Gregorian calendar.
package struct CivilTime: Hashable, Sendable {
    package var year: Int
    /// 1-12.
    package var month: Int
    /// 1-31.
    package var day: Int
    /// 0-23.
    package var hour: Int
    /// 0-59.
    package var minute: Int
    /// 0-60; 60 only as given to ``init(year:month:day:hour:minute:second:)``, a leap second.
    package var second: Int

    /// Checks every field against its range, the day against its month.
    ///
    /// Years are 0-9999: what four digits can write.
    package init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        guard
            (0...9999).contains(year), (1...12).contains(month), day >= 1,
            day <= CivilTime.days(in: month, of: year), (0...23).contains(hour), (0...59).contains(minute),
            (0...60).contains(second)
        else { return nil }
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// The UTC calendar at a time; any time, also of years beyond 9999.
    package init(_ time: UnixTime) {
        let (day, secondOfDay) = CivilTime.split(time.rawValue)
        // Days are counted in eras of 400 years that begin on a 1st of March, so that the leap day ends a year.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        self.day = Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1)
        self.month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
        self.year = Int(yearOfEra + era * 400) + (self.month <= 2 ? 1 : 0)
        self.hour = Int(secondOfDay / 3600)
        self.minute = Int(secondOfDay / 60 % 60)
        self.second = Int(secondOfDay % 60)
    }

    /// The time at which the UTC calendar shows this.
    package var unixTime: UnixTime {
        UnixTime(self.dayNumber * 86_400 + Int64(self.hour * 3600 + self.minute * 60 + self.second))
    }

    /// Days since 1970-01-01: what searches by date compare.
    package var dayNumber: Int64 {
        let year = Int64(self.month <= 2 ? self.year - 1 : self.year)
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let marchMonth = Int64(self.month > 2 ? self.month - 3 : self.month + 9)
        let dayOfYear = (153 * marchMonth + 2) / 5 + Int64(self.day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// 0 for Sunday to 6 for Saturday.
    package var weekday: Int {
        // 1970-01-01 was a Thursday.
        let day = (self.dayNumber + 4) % 7
        return Int(day < 0 ? day + 7 : day)
    }

    /// How many days a month (1-12) of a year has.
    package static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2:
            year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11:
            30
        default:
            31
        }
    }

    /// Whole days and the seconds of the day, which are never negative.
    private static func split(_ seconds: Int64) -> (day: Int64, secondOfDay: Int64) {
        let (day, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        return rest < 0 ? (day - 1, rest + 86_400) : (day, rest)
    }
}
