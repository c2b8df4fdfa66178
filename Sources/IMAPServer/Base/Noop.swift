// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// NOOP, RFC 9051 §6.1.2: what there is to tell is told at its end, as at any command's.
struct NoopCommand: IMAPCommand {
    static let name = "NOOP"
    static let states = Set<SessionState>.any

    // "NOOP"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work { .effect(.none, .nothing) }
}

/// CHECK, RFC 3501 §6.4.1: everything is on disk already, so it is a NOOP.
struct CheckCommand: IMAPCommand {
    static let name = "CHECK"
    static let states: Set<SessionState> = [.selected]

    // "CHECK"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work { .effect(.none, .nothing) }
}
