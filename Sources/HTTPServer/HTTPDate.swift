// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// The dates of HTTP (RFC 9110 §5.6.7).
enum HTTPDate {
    /// Writes seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT`; years before 1970 and after 9999 are not known.
    ///
    /// IMF-fixdate = day-name "," SP date1 SP time-of-day SP GMT
    static func format(_ time: Int64) -> String {
        let civil = CivilTime(UnixTime(min(max(time, 0), 253_402_300_799)))
        let date = "\(self.two(civil.day)) \(MessageDate.months[civil.month - 1]) \(civil.year)"
        let clock = [civil.hour, civil.minute, civil.second].map(self.two).joined(separator: ":")
        return "\(MessageDate.weekdays[civil.weekday]), \(date) \(clock) GMT"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
