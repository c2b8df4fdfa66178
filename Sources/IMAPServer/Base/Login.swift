// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailConnection
import SASLMechanisms

/// LOGIN, RFC 9051 §6.2.3: the PLAIN mechanism in other words, and verified by it.
struct LoginCommand: IMAPCommand, IMAPExtension {
    static let name = "LOGIN"
    static let states: Set<SessionState> = [.notAuthenticated]

    /// Clients must not send a password where anyone can read it (RFC 9051 §6.2.3).
    static func capabilities(_ view: SessionView) -> [String] {
        view.account == nil && !view.allowsPlaintextPasswords ? ["LOGINDISABLED"] : []
    }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    private let userName: [UInt8]
    private let password: [UInt8]

    // login = "LOGIN" SP userid SP password
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.userName = try parser.astring()
        try parser.sp()
        self.password = try parser.astring()
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        guard view.allowsPlaintextPasswords else {
            // Whose it is should change it: anybody on the way may have read it.
            Logger.current.notice("Credentials came in clear text", metadata: ["peer": "\(view.peer.address)"])
            throw Refusal("Turn TLS on before you send a password", code: .privacyRequired)
        }
        return .effect(.logIn(message: [0] + self.userName + [0] + self.password))
    }
}
