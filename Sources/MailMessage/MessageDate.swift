// SPDX-License-Identifier: Apache-2.0

/// A date and time with the zone of whoever wrote it (RFC 5322 §3.3).
package struct MessageDate: Hashable, Sendable {
    /// The moment.
    package let time: UnixTime
    /// Minutes east of UTC, -5999 to 5999: what `+hhmm` can say.
    package let zoneOffsetMinutes: Int

    /// An offset outside of ±5999 is moved to the nearer end.
    package init(time: UnixTime, zoneOffsetMinutes: Int = 0) {
        self.time = time
        self.zoneOffsetMinutes = min(max(zoneOffsetMinutes, -5999), 5999)
    }

    /// The date and the clock in its own zone: what `SENTON` and `ON` compare, "disregarding time and timezone".
    package var civilTime: CivilTime {
        CivilTime(self.time.advanced(by: Int64(self.zoneOffsetMinutes) * 60))
    }

    /// Reads a `Date` field's value; nil unless it holds a date and a time of day that exist.
    ///
    ///     date-time = [day-of-week ","] day month year hour ":" minute [":" second] zone [CFWS]
    ///
    /// With the obsolete forms of RFC 5322 §4.3: comments anywhere, years of two and three digits, alphabetic zones
    /// (military and unknown ones count as `-0000`). The day of the week is not compared. A missing zone is `-0000`;
    /// whatever follows is ignored.
    package init?(parsing value: ArraySlice<UInt8>) {
        var scanner = HeaderScanner(value)
        scanner.skipCFWS()
        if !scanner.take(while: Octets.isLetter).isEmpty {
            scanner.skipCFWS()
            _ = scanner.consume(Octets.comma)
        }
        guard
            let day = scanner.number(maximumDigits: 2)?.value,
            let month = scanner.month(),
            let year = scanner.year(),
            let hour = scanner.number(maximumDigits: 2)?.value,
            scanner.consumeColon(),
            let minute = scanner.number(maximumDigits: 2)?.value
        else { return nil }
        var second = 0
        if scanner.consumeColon() {
            guard let value = scanner.number(maximumDigits: 2)?.value else { return nil }
            second = value
        }
        let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        guard let civil else { return nil }
        let offset = scanner.zone()
        self.init(time: civil.unixTime.advanced(by: Int64(offset) * -60), zoneOffsetMinutes: offset)
    }

    package init?(parsing value: [UInt8]) {
        self.init(parsing: value[...])
    }

    /// As a `Date` field says it: `Wed, 17 Jul 1996 02:23:25 -0700`.
    package var formatted: String {
        let civil = self.civilTime
        let zone = abs(self.zoneOffsetMinutes)
        return MessageDate.weekdays[civil.weekday] + ", \(civil.day) " + MessageDate.months[civil.month - 1]
            + " " + padded(civil.year, to: 4) + " " + padded(civil.hour, to: 2) + ":" + padded(civil.minute, to: 2)
            + ":" + padded(civil.second, to: 2) + (self.zoneOffsetMinutes < 0 ? " -" : " +")
            + padded(zone / 60, to: 2) + padded(zone % 60, to: 2)
    }

    /// `day-name`, from Sunday.
    package static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    /// `month`, from January.
    package static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

/// A number with zeros in front; of a negative one (a year before 0) the sign comes first.
private func padded(_ number: Int, to width: Int) -> String {
    let digits = String(number.magnitude)
    let zeros = String(repeating: "0", count: max(0, width - digits.utf8.count))
    return (number < 0 ? "-" : "") + zeros + digits
}

extension HeaderScanner {
    /// Up to that many digits, and how many there were; all of a longer run is passed and refused.
    fileprivate mutating func number(maximumDigits: Int) -> (value: Int, digits: Int)? {
        self.skipCFWS()
        let digits = self.take(while: Octets.isDigit)
        guard !digits.isEmpty, digits.count <= maximumDigits else { return nil }
        return (digits.reduce(0) { value, digit in value * 10 + Int(digit - 0x30) }, digits.count)
    }

    fileprivate mutating func consumeColon() -> Bool {
        self.skipCFWS()
        return self.consume(Octets.colon)
    }

    /// `month`; longer names count by their first three letters, and a hyphen may stand on either side.
    fileprivate mutating func month() -> Int? {
        self.skipCFWS()
        _ = self.consume(Octets.hyphen)
        self.skipCFWS()
        let name = self.take(while: Octets.isLetter).prefix(3)
        self.skipCFWS()
        _ = self.consume(Octets.hyphen)
        return MessageDate.months.firstIndex { month in Octets.equal(name, ignoringCaseOf: month.utf8) }
            .map { index in index + 1 }
    }

    /// `obs-year`: two digits are 1950 to 2049, three count from 1900.
    fileprivate mutating func year() -> Int? {
        guard let (value, digits) = self.number(maximumDigits: 4) else { return nil }
        switch digits {
        case 4: return value
        case 3: return value + 1900
        case 2: return value + (value < 50 ? 2000 : 1900)
        default: return nil
        }
    }

    /// Minutes east of UTC; 0 for what says nothing.
    ///
    ///     zone = (FWS ("+" / "-") 4DIGIT) / obs-zone
    fileprivate mutating func zone() -> Int {
        self.skipCFWS()
        let isWest = self.current == Octets.hyphen
        if isWest || self.current == UInt8(ascii: "+") {
            self.advance()
            guard let (value, _) = self.number(maximumDigits: 4), value % 100 < 60 else { return 0 }
            let minutes = value / 100 * 60 + value % 100
            return isWest ? -minutes : minutes
        }
        let name = Octets.lowercased(self.take(while: Octets.isLetter))
        guard name.count == 3, name[2] == UInt8(ascii: "t") else { return 0 }
        let standard: Int
        switch name[0] {
        case UInt8(ascii: "e"): standard = -5
        case UInt8(ascii: "c"): standard = -6
        case UInt8(ascii: "m"): standard = -7
        case UInt8(ascii: "p"): standard = -8
        default: return 0
        }
        switch name[1] {
        case UInt8(ascii: "s"): return standard * 60
        case UInt8(ascii: "d"): return (standard + 1) * 60
        default: return 0
        }
    }
}
