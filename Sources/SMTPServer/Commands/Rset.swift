// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// RSET, RFC 5321 §4.1.1.5: gives the mail transaction up.
struct RsetCommand: SMTPCommand {
    static let name = "RSET"
    static let isLastInGroup = false

    // rset = "RSET" CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func run(_ view: SMTPView) -> Outcome { Outcome(.ok, .reset) }
}
