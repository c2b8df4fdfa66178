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
        return view.service.credentials.mechanisms(for: view.saslPeer).joined(separator: " ")
    }

    /// RFC 4954 §5: read, so that a wrong one is refused, and not believed: we know who has authenticated.
    static var mailParameters: [String: MailParameterRule] {
        ["AUTH": { parameters, _, _ in _ = try parameters.authenticatedSender() }]
    }

    static var commands: [any SMTPCommand.Type] { [AuthCommand.self] }
}

/// AUTH, RFC 4954 §4: begins an exchange.
struct AuthCommand: SMTPCommand {
    static let name = "AUTH"

    private let mechanism: String
    /// As it was sent; nil if there was none.
    private let initialResponse: ArraySlice<UInt8>?

    // AUTH mechanism [initial-response]
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        (self.mechanism, self.initialResponse) = try parser.authentication()
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
        return Outcome(nil, .authenticate(mechanism: self.mechanism, initialResponse: try self.decodedResponse()))
    }

    /// The initial response; nil if there was none, an empty one is not nil.
    ///
    /// RFC 4954 §4: what is not base64 gets the same answer as it does behind a challenge.
    private func decodedResponse() throws -> [UInt8]? {
        guard let response = self.initialResponse else { return nil }
        guard let decoded = SASLEncoding.decodeInitialResponse(response) else {
            throw Reply(SASLFailure.malformed(expected: "base64"))
        }
        return decoded
    }
}
