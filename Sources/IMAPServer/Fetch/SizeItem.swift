// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// RFC822.SIZE: exactly as many octets as `BODY[]` has (RFC 9051 §2.3.4).
struct SizeItem: ImmediateFetchItem {
    static let names = ["RFC822.SIZE"]

    init() {}

    // "RFC822.SIZE"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { .row }

    // "RFC822.SIZE" SP number64
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws {
        output.writer.raw("RFC822.SIZE ")
        output.writer.number(UInt64(clamping: try message.stored().size))
    }
}
