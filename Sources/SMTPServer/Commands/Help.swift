// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// HELP, RFC 5321 §4.1.1.8.
struct HelpCommand: SMTPCommand {
    static let name = "HELP"

    // help = "HELP" [ SP String ] CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) {}

    func run(_ view: SMTPView) -> Outcome {
        Outcome(
            Reply(
                214,
                EnhancedStatusCode(2, 0, 0),
                ["Commands: " + ExtensionTable.verbs(for: view).joined(separator: " "), "See RFC 5321"]
            )
        )
    }
}
