// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// NAMESPACE, RFC 9051 §6.3.10: one personal namespace, nothing of other users, nothing shared.
struct NamespaceCommand: IMAPCommand {
    static let name = "NAMESPACE"
    static let states = Set<SessionState>.loggedIn

    // namespace = "NAMESPACE"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work {
        .inline { output in
            output.writer.raw("* NAMESPACE ((\"\" \"/\")) NIL NIL")
            output.writer.crlf()
            return Outcome()
        }
    }
}
