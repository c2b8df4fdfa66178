// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection

/// STARTTLS, RFC 9051 §6.2.1.
struct StartTLSCommand: IMAPCommand, IMAPExtension {
    static let name = "STARTTLS"
    static let states: Set<SessionState> = [.notAuthenticated]

    static func capabilities(_ view: SessionView) -> [String] { self.isOffered(view) ? ["STARTTLS"] : [] }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    private static func isOffered(_ view: SessionView) -> Bool {
        view.account == nil && view.service.options.hasTLS && !view.peer.isSecure && view.peer.transport == .socket
    }

    // "STARTTLS"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        guard Self.isOffered(view) else {
            throw Refusal(
                view.peer.isSecure ? "TLS is already on" : "TLS is not available here",
                code: .clientBug,
                isBad: true
            )
        }
        return .effect(.startTLS)
    }
}
