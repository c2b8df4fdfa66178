// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// Reads a day, as SEARCH takes it.
    ///
    ///     date            = date-text / DQUOTE date-text DQUOTE
    ///     date-text       = date-day "-" date-month "-" date-year
    ///     date-day        = 1*2DIGIT
    package mutating func date() throws(SyntaxError) -> CalendarDate {
        let isQuoted = self.accept(.quote)
        let date = try self.calendarDate()
        if isQuoted { try self.expect(.quote, "DQUOTE") }
        return date
    }

    /// Reads the date and time of APPEND.
    ///
    ///     date-time       = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
    ///     date-day-fixed  = (SP DIGIT) / 2DIGIT
    ///     time            = 2DIGIT ":" 2DIGIT ":" 2DIGIT
    ///
    /// QUIRK: Apple Mail and others send a day of one digit without the space before it; it is taken.
    package mutating func dateTime() throws(SyntaxError) -> InternalDate {
        try self.expect(.quote, "date-time")
        if self.accept(.space), self.offset + 1 < self.octets.count, self.octets[self.offset + 1].isDigit {
            throw self.expected("date-day-fixed")
        }
        let date = try self.calendarDate()
        try self.sp()
        let start = self.offset
        let hour = try self.twoDigits("time")
        try self.expect(UInt8(ascii: ":"), "time")
        let minute = try self.twoDigits("time")
        try self.expect(UInt8(ascii: ":"), "time")
        let second = try self.twoDigits("time")
        // 60 is a leap second.
        guard hour < 24, minute < 60, second <= 60 else { throw SyntaxError(expected: "time", offset: start) }
        try self.sp()
        let zone = try self.zone()
        try self.expect(.quote, "DQUOTE")
        return InternalDate(date, secondOfDay: (hour * 60 + minute) * 60 + second, zone: zone)
    }

    /// Reads a time zone in minutes east of Greenwich.
    ///
    ///     zone            = ("+" / "-") 4DIGIT
    private mutating func zone() throws(SyntaxError) -> Int {
        let start = self.offset
        let isWest = self.accept(UInt8(ascii: "-"))
        if !isWest { try self.expect(UInt8(ascii: "+"), "zone") }
        let hours = try self.twoDigits("zone")
        let minutes = try self.twoDigits("zone")
        guard hours < 24, minutes < 60 else { throw SyntaxError(expected: "zone", offset: start) }
        return isWest ? -(hours * 60 + minutes) : hours * 60 + minutes
    }

    /// Reads a day that exists.
    ///
    ///     date-month      = "Jan" / "Feb" / "Mar" / "Apr" / "May" / "Jun" /
    ///                       "Jul" / "Aug" / "Sep" / "Oct" / "Nov" / "Dec"
    ///     date-year       = 4DIGIT
    private mutating func calendarDate() throws(SyntaxError) -> CalendarDate {
        let start = self.offset
        var day = try self.digit("date-day")
        if let second = self.peek(), second.isDigit { day = day * 10 + (try self.digit("date-day")) }
        try self.expect(UInt8(ascii: "-"), "\"-\"")
        guard let month = CalendarDate.monthNames.firstIndex(where: { self.peek(keyword: $0) }) else {
            throw self.expected("date-month")
        }
        self.offset += 3
        try self.expect(UInt8(ascii: "-"), "\"-\"")
        let year = try self.twoDigits("date-year") * 100 + self.twoDigits("date-year")
        guard let date = CalendarDate(year: year, month: month + 1, day: day) else {
            throw SyntaxError(expected: "a day that exists", offset: start)
        }
        return date
    }

    private mutating func twoDigits(_ production: String) throws(SyntaxError) -> Int {
        try self.digit(production) * 10 + self.digit(production)
    }

    private mutating func digit(_ production: String) throws(SyntaxError) -> Int {
        guard let digit = self.peek(), digit.isDigit else { throw self.expected(production) }
        self.offset += 1
        return Int(digit & 0x0F)
    }
}
