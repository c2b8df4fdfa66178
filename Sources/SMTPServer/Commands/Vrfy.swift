// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// VRFY, RFC 5321 §4.1.1.6: the same answer for everybody, because who has a mailbox here is nobody's business
/// (RFC 5321 §7.3).
struct VrfyCommand: SMTPCommand {
    static let name = "VRFY"

    // vrfy = "VRFY" SP String CRLF ; and SMTPUTF8 behind it (RFC 6531 §3.1)
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        guard !parser.isAtEnd else { throw SyntaxError(expected: "String") }
    }

    func run(_ view: SMTPView) throws -> Outcome { Outcome(.cannotVerify) }
}

/// EXPN, RFC 5321 §4.1.1.7: there are no mailing lists to expand.
struct ExpnCommand: SMTPCommand {
    static let name = "EXPN"

    // expn = "EXPN" SP String CRLF
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        guard !parser.isAtEnd else { throw SyntaxError(expected: "String") }
    }

    func run(_ view: SMTPView) throws -> Outcome { throw Reply.commandNotImplemented }
}
