// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import SASLMechanisms
import SMTPSyntax

/// AUTH, RFC 4954: for our users, where nobody can read along.
///
/// Other servers have nothing to authenticate for.
enum Auth: SMTPExtension {
    static let keyword = "AUTH"

    static func ehloParameters(_ view: SMTPView) -> String? {
        guard view.role.isSubmission, view.allowsPasswords else { return nil }
        return MechanismTable.names(allowsPlaintextPasswords: true).joined(separator: " ")
    }

    /// RFC 4954 §5: read, so that a wrong one is refused, and not believed: we know who has authenticated.
    static var mailParameters: [String: MailParameterRule] {
        ["AUTH": { parameters, _, _ in _ = try parameters.authenticatedSender() }]
    }

    static var commands: [any SMTPCommand.Type] { [AuthCommand.self] }
}

struct AuthCommand: SMTPCommand {
    static let name = "AUTH"

    private let mechanism: String
    /// Nil if there was none; an empty one is not nil.
    private let initialResponse: [UInt8]?

    // AUTH mechanism [initial-response]
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        let (mechanism, response) = try parser.authentication()
        self.mechanism = mechanism
        guard let response else {
            self.initialResponse = nil
            return
        }
        guard let decoded = SASLEncoding.decodeInitialResponse(response) else { throw SyntaxError(expected: "base64") }
        self.initialResponse = decoded
    }

    func run(_ view: SMTPView) throws -> Outcome {
        guard view.role.isSubmission else { throw Reply.commandNotImplemented }
        guard view.isExtended else { throw Reply.helloFirst }
        guard view.account == nil else { throw Reply.alreadyAuthenticated }
        guard view.transaction == nil else { throw Reply.nestedMail }
        guard view.allowsPasswords else {
            if self.initialResponse != nil {
                Logger.current.notice("Credentials came in clear text", metadata: ["peer": "\(view.peer.address)"])
            }
            throw Reply.needsEncryption
        }
        return Outcome(nil, .authenticate(mechanism: self.mechanism, initialResponse: self.initialResponse))
    }
}
