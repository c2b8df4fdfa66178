// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// MODSEQ, RFC 7162 §3.1.4.2: the mod-sequence of the message's last change.
struct ModSeqItem: ImmediateFetchItem {
    static let names = ["MODSEQ"]

    init() {}

    // fetch-mod-sequence = "MODSEQ"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { .flags }

    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) {
        output.writer.modSeq(message.slot.modSeq)
    }
}

extension ResponseWriter {
    /// Writes the mod-sequence of a message.
    ///
    ///     fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"
    mutating func modSeq(_ modSeq: ModSeq) {
        self.raw("MODSEQ (")
        self.number(UInt64(clamping: modSeq.rawValue))
        self.raw(")")
    }
}
