// SPDX-License-Identifier: Apache-2.0

import MailMessage

extension UnixTime {
    /// `2026-11-21T08:00:00Z` (RFC 3339 §5.6).
    var timestamp: String {
        func digits(_ number: Int, _ count: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let time = CivilTime(self)
        return "\(digits(time.year, 4))-\(digits(time.month, 2))-\(digits(time.day, 2))"
            + "T\(digits(time.hour, 2)):\(digits(time.minute, 2)):\(digits(time.second, 2))Z"
    }
}
