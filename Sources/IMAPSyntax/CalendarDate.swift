// SPDX-License-Identifier: Apache-2.0

/// A day of the Gregorian calendar, without time or zone.
///
///     date-text       = date-day "-" date-month "-" date-year
package struct CalendarDate: Hashable, Comparable, Sendable {
    static let monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Days after 1 January 1970.
    package let daysSince1970: Int

    /// The day of that date; nil if there is none in the calendar or the year is not within 0...9999.
    package init?(year: Int, month: Int, day: Int) {
        guard 0...9999 ~= year, 1...12 ~= month, 1...31 ~= day else { return nil }
        // The year begins in March here, so that the leap day is its last: days before month m are (153m + 2) / 5.
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        self.daysSince1970 = era * 146_097 + dayOfEra - 719_468
        guard self.components == (year, month, day) else { return nil }
    }

    /// The day a number of days after 1 January 1970, within the years 0...9999.
    package init(daysSince1970: Int) {
        self.daysSince1970 = min(max(daysSince1970, Self.dayRange.lowerBound), Self.dayRange.upperBound)
    }

    /// 1 January 0000 and 31 December 9999.
    private static let dayRange = -719_528...2_932_896

    /// The year, the month from 1 and the day of the month.
    package var components: (year: Int, month: Int, day: Int) {
        let days = self.daysSince1970 + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }

    package static func < (left: CalendarDate, right: CalendarDate) -> Bool {
        left.daysSince1970 < right.daysSince1970
    }
}
