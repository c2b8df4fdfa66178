// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// QUIT, RFC 5321 §4.1.1.10.
struct QuitCommand: SMTPCommand {
    static let name = "QUIT"

    // quit = "QUIT" CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func run(_ view: SMTPView) -> Outcome { Outcome(.closing(view.service.options.hostname), .quit) }
}
