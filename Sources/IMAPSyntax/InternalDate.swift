// SPDX-License-Identifier: Apache-2.0

/// When a message came, and in which time zone that was written down (RFC 9051 §2.3.3).
///
/// Both are kept, so that COPY, MOVE and FETCH give back what APPEND was given.
///
///     date-time       = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
package struct InternalDate: Hashable, Sendable {
    /// Seconds after 1970-01-01 00:00 UTC.
    package let unixSeconds: Int64
    /// Minutes east of Greenwich, within -1439...1439.
    package let zone: Int

    /// A moment in a zone; a zone that does not exist counts as UTC.
    package init(unixSeconds: Int64, zone: Int = 0) {
        self.unixSeconds = unixSeconds
        self.zone = -1439...1439 ~= zone ? zone : 0
    }

    /// A time of a day, as a clock in the zone shows it.
    init(_ date: CalendarDate, secondOfDay: Int, zone: Int) {
        self.init(unixSeconds: Int64(date.daysSince1970 * 86_400 + secondOfDay - zone * 60), zone: zone)
    }

    /// The day in the zone: BEFORE, ON and SINCE compare it, "disregarding time and timezone" (RFC 9051 §6.4.4).
    package var date: CalendarDate { CalendarDate(daysSince1970: Int(self.local.days)) }

    /// The second of that day.
    package var secondOfDay: Int { Int(self.local.seconds) }

    /// Days and seconds by the zone's clock; outside the years 0...9999 the first or last second of them.
    private var local: (days: Int64, seconds: Int64) {
        let first: Int64 = -719_528 * 86_400
        let last: Int64 = 2_932_897 * 86_400 - 1
        // Moments near the ends of Int64 are no dates, but must not trap either.
        let seconds = min(max(min(max(self.unixSeconds, first), last) + Int64(self.zone) * 60, first), last)
        let secondOfDay = (seconds % 86_400 + 86_400) % 86_400
        return ((seconds - secondOfDay) / 86_400, secondOfDay)
    }
}
