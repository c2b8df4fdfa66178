// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// NOOP, RFC 5321 §4.1.1.9.
struct NoopCommand: SMTPCommand {
    static let name = "NOOP"

    // noop = "NOOP" [ SP String ] CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        guard !parser.isAtEnd else { return }
        _ = try parser.string()
        try parser.end()
    }

    func run(_ view: SMTPView) -> Outcome { Outcome(.ok) }
}
