// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// SAVEDATE, RFC 8514: when a message came into the mailbox it is in.
enum SaveDate: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["SAVEDATE"] }
    static var fetchItems: [any FetchItem.Type] { [SaveDateItem.self] }
    static var searchKeys: [any SearchKey.Type] { [SaveDateKey.self, SaveDateSupportedKey.self] }
}

/// SAVEDATE, in UTC: the server's own zone says nothing about the message.
struct SaveDateItem: ImmediateFetchItem {
    static let names = ["SAVEDATE"]

    // "SAVEDATE"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { .row }

    // "SAVEDATE" SP (date-time / nil)
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws {
        output.writer.raw("SAVEDATE ")
        output.writer.dateTime(InternalDate(savedAt: try message.stored().saveDate))
    }
}

/// SAVEDBEFORE, SAVEDON and SAVEDSINCE: the save date's day.
struct SaveDateKey: SearchKey {
    static let names = ["SAVEDBEFORE", "SAVEDON", "SAVEDSINCE"]
    private let name: String
    private let date: CalendarDate

    // "SAVEDBEFORE" SP date / "SAVEDON" SP date / "SAVEDSINCE" SP date
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.name = name
        try parser.sp()
        self.date = try parser.date()
    }

    var cost: SearchCost { .row }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let saveDate = message.row?.saveDate else { return false }
        let day = InternalDate(savedAt: saveDate).date
        return switch self.name {
        case "SAVEDBEFORE": day < self.date
        case "SAVEDON": day == self.date
        default: day >= self.date
        }
    }
}

/// SAVEDATESUPPORTED: every mailbox has save dates.
struct SaveDateSupportedKey: SearchKey {
    static let names = ["SAVEDATESUPPORTED"]
    init(_ name: String, _ parser: inout CommandParser) {}
    func matches(_ message: SearchedMessage) -> Bool { true }
}

extension InternalDate {
    fileprivate init(savedAt time: UnixTime) { self.init(unixSeconds: time.rawValue, zone: 0) }
}
