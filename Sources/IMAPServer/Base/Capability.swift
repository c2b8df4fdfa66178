// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// CAPABILITY, RFC 9051 §6.1.1.
struct CapabilityCommand: IMAPCommand {
    static let name = "CAPABILITY"
    static let states = Set<SessionState>.any

    // capability = "CAPABILITY"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) -> Work {
        let capabilities = ExtensionTable.capabilities(view)
        return .inline { output in
            output.writer.raw("* CAPABILITY \(capabilities.joined(separator: " "))")
            output.writer.crlf()
            return Outcome()
        }
    }
}
