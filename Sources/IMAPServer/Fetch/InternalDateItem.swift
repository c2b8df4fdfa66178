// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// INTERNALDATE: when the message came, in the zone it was given in.
struct InternalDateItem: ImmediateFetchItem {
    static let names = ["INTERNALDATE"]

    init() {}

    // "INTERNALDATE"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { .row }

    // "INTERNALDATE" SP date-time
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws {
        output.writer.raw("INTERNALDATE ")
        output.writer.dateTime(InternalDate(try message.stored().internalDate))
    }
}
