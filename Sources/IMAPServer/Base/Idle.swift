// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// IDLE, RFC 9051 §6.3.13.
///
/// It ends with the client's `DONE`, never by the server's own decision.
struct IdleCommand: IMAPCommand {
    static let name = "IDLE"
    static let states = Set<SessionState>.loggedIn

    // idle = "IDLE" CRLF "DONE"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work { .effect(.idle) }
}
