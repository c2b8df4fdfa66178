// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import SASLMechanisms

/// AUTHENTICATE, RFC 9051 §6.2.2, with the initial response of RFC 4959.
struct AuthenticateCommand: IMAPCommand, IMAPExtension {
    static let name = "AUTHENTICATE"
    static let states: Set<SessionState> = [.notAuthenticated]

    static func capabilities(_ view: SessionView) -> [String] {
        guard view.account == nil else { return [] }
        return view.service.credentials.mechanisms(for: view.saslPeer).map { "AUTH=\($0)" } + [
            "SASL-IR"
        ]
    }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    private let mechanism: String
    private let initialResponse: [UInt8]?

    // authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mechanism = try parser.capability()
        if parser.atEnd {
            self.initialResponse = nil
        } else {
            try parser.sp()
            self.initialResponse = try parser.initialResponse()
        }
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        .effect(.authenticate(mechanism: self.mechanism, initialResponse: self.initialResponse))
    }
}
