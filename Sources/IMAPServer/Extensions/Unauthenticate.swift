// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailStorage

/// UNAUTHENTICATE, RFC 8437: back to before the login, on the same connection.
///
/// It is offered only where the settings say so, as RFC 8437 §8 demands that it can be left out.
struct UnauthenticateCommand: IMAPCommand, IMAPExtension {
    static let name = "UNAUTHENTICATE"
    static let states = Set<SessionState>.loggedIn
    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil || view.isCompressed ? [] : [Self.name]
    }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    // "UNAUTHENTICATE"
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        guard view.offers(Self.name) else { throw Refusal("Expected a command", code: .clientBug, isBad: true) }
        return .effect(.unauthenticated)
    }
}

extension IMAPSession {
    /// Forgets who has logged in and all that came of it; TLS stays (RFC 8437 §3).
    mutating func unauthenticate() {
        // Where compressed octets end and others begin cannot be told; the command must not be refused (RFC 8437 §3).
        guard !self.view.isCompressed else { return self.bye("Connect again: compression cannot end") }
        self.select(nil)
        self.stopNotifications()
        self.stopWatchingCredential()
        if let account = self.view.account {
            Logger.current.info("Logged out", metadata: ["account": "\(account.address)"])
        }
        self.view = SessionView(service: self.service, peer: self.view.peer)
        self.live.note(self.view)
        self.framer.limits = .unauthenticated
        self.output.encoding = self.view.nameEncoding
    }
}
