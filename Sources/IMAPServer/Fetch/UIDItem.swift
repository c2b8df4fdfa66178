// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// UID.
struct UIDItem: ImmediateFetchItem {
    static let names = ["UID"]

    init() {}

    // "UID"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { [] }

    // "UID" SP uniqueid
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) {
        output.writer.raw("UID ")
        output.writer.number(message.uid.rawValue)
    }
}
