// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// EHLO, RFC 5321 §4.1.1.1.
struct EhloCommand: SMTPCommand {
    static let name = "EHLO"

    private let clientName: String

    // ehlo = "EHLO" SP ( Domain / address-literal ) CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        self.clientName = try parser.clientName()
        try parser.end()
    }

    func run(_ view: SMTPView) throws -> Outcome {
        // RFC 2033 §4.1.
        guard view.role != .lmtp else { throw Reply.unknownCommand }
        return self.outcome(view)
    }

    /// What is offered does not depend on the client's name, which is never echoed.
    func outcome(_ view: SMTPView) -> Outcome {
        let lines = [view.service.options.hostname] + ExtensionTable.ehloLines(view)
        return Outcome(Reply(250, nil, lines), .greeted(name: self.clientName, isExtended: true))
    }
}
