// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// HELO, RFC 5321 §4.1.1.1: the greeting of clients that know no extensions.
struct HeloCommand: SMTPCommand {
    static let name = "HELO"

    private let clientName: String

    // helo = "HELO" SP Domain CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        self.clientName = try parser.clientName()
        try parser.end()
    }

    func run(_ view: SMTPView) throws -> Outcome {
        // RFC 2033 §4.1.
        guard view.role != .lmtp else { throw Reply.unknownCommand }
        return Outcome(Reply(250, view.service.options.hostname), .greeted(name: self.clientName, isExtended: false))
    }
}
