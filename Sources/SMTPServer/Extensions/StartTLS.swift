// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax

/// STARTTLS, RFC 3207.
enum StartTLS: SMTPExtension {
    static let keyword = "STARTTLS"

    /// RFC 3207 §4.2: not again once TLS is on.
    static func ehloParameters(_ view: SMTPView) -> String? {
        guard view.service.options.hasTLS, view.role != .lmtp else { return nil }
        return !view.peer.isSecure && view.peer.transport == .socket ? "" : nil
    }

    static var commands: [any SMTPCommand.Type] { [StartTLSCommand.self] }
}

/// STARTTLS, RFC 3207 §4.
struct StartTLSCommand: SMTPCommand {
    static let name = "STARTTLS"

    // "STARTTLS", with no parameters
    init(_ parser: inout CommandParser) throws(SyntaxError) { try parser.end() }

    func run(_ view: SMTPView) throws -> Outcome {
        guard !view.peer.isSecure else { throw Reply.alreadySecure }
        guard StartTLS.ehloParameters(view) != nil else { throw Reply.commandNotImplemented }
        return Outcome(nil, .startTLS)
    }
}
