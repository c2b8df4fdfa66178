// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// NAMESPACE, RFC 9051 §6.3.10, RFC 2342: one personal namespace, one of other users (``OtherUsers``), nothing shared
/// that is nobody's.
struct NamespaceCommand: IMAPCommand {
    static let name = "NAMESPACE"
    static let states = Set<SessionState>.loggedIn

    // namespace = "NAMESPACE"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work {
        .inline { output in
            output.writer.raw("* NAMESPACE ((\"\" \"/\")) ((\"\(OtherUsers.prefix)\" \"/\")) NIL")
            output.writer.crlf()
            return Outcome()
        }
    }
}
