// SPDX-License-Identifier: Apache-2.0

/// The dates of HTTP (RFC 9110 §5.6.7).
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Writes seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT`; years before 1970 and after 9999 are not known.
    ///
    /// IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT
    static func format(_ time: Int64) -> String {
        let time = min(max(time, 0), 253_402_300_799)
        let day = time / 86_400
        let second = time % 86_400
        // The calendar repeats every 400 years; years begin in March, so that the leap day is the last of a year.
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        let date = "\(Self.two(dayOfMonth)) \(Self.months[Int(month) - 1]) \(year)"
        let clock = [second / 3_600, second / 60 % 60, second % 60].map(Self.two).joined(separator: ":")
        return "\(Self.days[Int(day % 7)]), \(date) \(clock) GMT"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
