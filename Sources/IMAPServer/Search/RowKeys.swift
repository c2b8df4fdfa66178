// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// Which side of a day a date lies on.
private enum DayComparison: Sendable {
    case before, on, since

    func matches(_ day: CalendarDate, _ key: CalendarDate) -> Bool {
        switch self {
        case .before: day < key
        case .on: day == key
        case .since: day >= key
        }
    }
}

/// BEFORE, ON and SINCE: the internal date's day in its own zone, "disregarding time and timezone".
struct InternalDateKey: SearchKey {
    static let names = ["BEFORE", "ON", "SINCE"]
    private let comparison: DayComparison
    private let date: CalendarDate

    // "BEFORE" SP date
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.comparison = name == "BEFORE" ? .before : name == "ON" ? .on : .since
        try parser.sp()
        self.date = try parser.date()
    }

    var cost: SearchCost { .row }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let date = message.row?.internalDate else { return false }
        return self.comparison.matches(InternalDate(date).date, self.date)
    }
}

/// SENTBEFORE, SENTON and SENTSINCE: the day of the Date field.
struct SentDateKey: SearchKey {
    static let names = ["SENTBEFORE", "SENTON", "SENTSINCE"]
    private let comparison: DayComparison
    private let date: CalendarDate

    // "SENTBEFORE" SP date
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.comparison = name == "SENTBEFORE" ? .before : name == "SENTON" ? .on : .since
        try parser.sp()
        self.date = try parser.date()
    }

    var cost: SearchCost { .summary }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let date = message.row?.summary?.envelope.sentDate else { return false }
        return self.comparison.matches(InternalDate(date).date, self.date)
    }
}

/// LARGER and SMALLER.
struct SizeKey: SearchKey {
    static let names = ["LARGER", "SMALLER"]
    private let isLarger: Bool
    private let size: UInt64

    // "LARGER" SP number64
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.isLarger = name == "LARGER"
        try parser.sp()
        self.size = try parser.number64()
    }

    var cost: SearchCost { .row }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let size = message.row?.size else { return false }
        return self.isLarger ? UInt64(size) > self.size : UInt64(size) < self.size
    }
}

extension InternalDate {
    init(_ date: MessageDate) { self.init(unixSeconds: date.time.rawValue, zone: date.zoneOffsetMinutes) }
}

extension MessageDate {
    init(_ date: InternalDate) {
        self.init(time: UnixTime(date.unixSeconds), zoneOffsetMinutes: date.zone)
    }
}
