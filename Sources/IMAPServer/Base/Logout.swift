// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// LOGOUT, RFC 9051 §6.1.3.
struct LogoutCommand: IMAPCommand {
    static let name = "LOGOUT"
    static let states = Set<SessionState>.any

    // "LOGOUT"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work { .effect(.logout) }
}
