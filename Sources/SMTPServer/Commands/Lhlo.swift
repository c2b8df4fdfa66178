// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// LHLO, RFC 2033 §4.1: EHLO of LMTP, and there only.
struct LhloCommand: SMTPCommand {
    static let name = "LHLO"

    private let hello: EhloCommand

    // "LHLO" with the syntax of EHLO
    init(_ parser: inout CommandParser) throws(SyntaxError) { self.hello = try EhloCommand(&parser) }

    func run(_ view: SMTPView) throws -> Outcome {
        guard view.role == .lmtp else { throw Reply.unknownCommand }
        return self.hello.outcome(view)
    }
}
