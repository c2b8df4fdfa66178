// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// DATA, RFC 5321 §4.1.1.4: the message comes next, up to a line with a single dot.
struct DataCommand: SMTPCommand {
    static let name = "DATA"

    // data = "DATA" CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func run(_ view: SMTPView) throws -> Outcome {
        guard let transaction = view.transaction else { throw Reply.mailFirst }
        // RFC 3030 §2, §3.
        guard !view.hasChunks else { throw Reply.chunksBegun }
        guard transaction.body != .binaryMIME else { throw Reply.binaryNeedsChunks }
        // RFC 2920 §3.2 (3): not one octet is taken without a recipient.
        guard !transaction.recipients.isEmpty else {
            // RFC 2033 §4.2.
            throw view.role == .lmtp ? Reply.noRecipientsHere : Reply.noValidRecipients
        }
        guard !transaction.mustComeAgain else { throw Reply.greylisted }
        return Outcome(.startMailInput, .content)
    }
}
