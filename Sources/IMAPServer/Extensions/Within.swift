// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailMessage
import MailStorage

/// WITHIN, RFC 5032: SEARCH's keys OLDER and YOUNGER.
enum Within: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["WITHIN"] }
}

/// OLDER and YOUNGER: how many seconds ago the internal date was, at least or at most.
struct AgeKey: SearchKey {
    static let names = ["OLDER", "YOUNGER"]
    private let isOlder: Bool
    private let interval: UInt32
    /// The time that the interval leads back to, when the command was read.
    private var time: Int64 = 0

    // search-key =/ ( "OLDER" / "YOUNGER" ) SP nz-number
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.isOlder = name == "OLDER"
        try parser.sp()
        self.interval = try parser.nzNumber()
    }

    var cost: SearchCost { .row }

    func bound(to view: SessionView) -> any SearchKey {
        var key = self
        key.time = view.service.time.unixTime() - Int64(self.interval)
        return key
    }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let date = message.row?.internalDate.time.rawValue else { return false }
        return self.isOlder ? date <= self.time : date >= self.time
    }
}
