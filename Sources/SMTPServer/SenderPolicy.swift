// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication

/// What is asked about those who bring mail, and what follows from the answer.
package struct SenderPolicy: Sendable {
    package let authenticator: SenderAuthenticator
    /// Whether what the author's domain wants done with forged mail is done (RFC 7489 §6.6.4); else it is only told.
    let enforces: Bool
    /// Addresses about whose mail nobody asks: our own machines'.
    let isExempt: @Sendable (IPAddress) -> Bool
    /// How long the questions about the client may take together: the client waits for 354, which it does for two minutes
    /// (RFC 5321 §4.5.3.2.4); RFC 7208 §4.6.4 wants at least so much.
    var hostTimeout: Duration = .seconds(20)
    /// How long those about the message may take together.
    ///
    /// The client waits to hear that it is delivered, and must not wait long (RFC 1047).
    var messageTimeout: Duration = .seconds(10)

    /// Makes a policy.
    package init(
        authenticator: SenderAuthenticator,
        enforces: Bool,
        isExempt: @escaping @Sendable (IPAddress) -> Bool
    ) {
        self.authenticator = authenticator
        self.enforces = enforces
        self.isExempt = isExempt
    }
}
