// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax

/// REQUIRETLS, RFC 8689: a message that must never travel in clear text, or to a host that would not promise the same.
///
/// Kept with the message for the relay and its reports. `TLS-Required: No` (§3), that nothing the recipient's domain says about
/// TLS keeps a message from it, is the relay's business too.
enum RequireTLS: SMTPExtension {
    static let keyword = "REQUIRETLS"

    /// RFC 8689 §2: only under TLS.
    static func ehloParameters(_ view: SMTPView) -> String? { view.peer.isSecure ? "" : nil }

    static var mailParameters: [String: MailParameterRule] {
        ["REQUIRETLS": { parameters, _, transaction in transaction.requiresTLS = try parameters.requireTLS() }]
    }
}
