// SPDX-License-Identifier: Apache-2.0

/// Times as programs write them for each other.
extension UnixTime {
    /// `2026-11-21T08:00:00Z` (RFC 3339 §5.6).
    package var timestamp: String {
        func digits(_ number: Int, _ count: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let time = CivilTime(self)
        return "\(digits(time.year, 4))-\(digits(time.month, 2))-\(digits(time.day, 2))"
            + "T\(digits(time.hour, 2)):\(digits(time.minute, 2)):\(digits(time.second, 2))Z"
    }

    /// Reads that, with any offset, and with fractions of a second, which are dropped.
    ///
    ///     date-time = full-date "T" full-time
    package init?(timestamp: String) {
        var rest = Array(timestamp.utf8)[...]
        func number(_ count: Int) -> Int? {
            let digits = rest.prefix(count)
            guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            rest = rest.dropFirst(count)
            return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func skip(_ characters: StaticString) -> UInt8? {
            guard let first = rest.first, characters.description.utf8.contains(first) else { return nil }
            rest = rest.dropFirst()
            return first
        }
        guard let year = number(4), skip("-") != nil, let month = number(2), skip("-") != nil, let day = number(2),
            skip("Tt ") != nil, let hour = number(2), skip(":") != nil, let minute = number(2), skip(":") != nil,
            let second = number(2),
            let time = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        else { return nil }
        if skip(".") != nil { rest = rest.drop { (0x30...0x39).contains($0) } }
        guard let sign = skip("Zz+-") else { return nil }
        var offset = 0
        if sign != UInt8(ascii: "Z"), sign | 0x20 != UInt8(ascii: "z") {
            guard let hours = number(2), skip(":") != nil, let minutes = number(2), hours < 24, minutes < 60 else {
                return nil
            }
            offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "+") ? -60 : 60)
        }
        guard rest.isEmpty else { return nil }
        self = time.unixTime.advanced(by: Int64(offset))
    }
}
