// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// FLAGS: as they are now, not as they were when the client was last told.
struct FlagsItem: ImmediateFetchItem {
    static let names = ["FLAGS"]

    init() {}

    // "FLAGS"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { .flags }

    // "FLAGS" SP "(" [flag-fetch *(SP flag-fetch)] ")"
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) {
        output.writer.raw("FLAGS ")
        output.writer.append(
            output.flagLists.list(of: message.slot, in: message.index, isRecent: message.isRecent)
        )
    }
}
