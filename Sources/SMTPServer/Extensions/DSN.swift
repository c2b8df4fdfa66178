// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// DSN, RFC 3461 §4: what the sender wants to hear.
///
/// Kept with the message for the relay; of delivery to somebody here ``DeliveredReport`` tells.
enum DSN: SMTPExtension {
    static let keyword = "DSN"

    /// For our users only: whom another server names as the sender may be anybody, and would get a report of a message
    /// that is not theirs.
    ///
    /// A server that is not offered DSN tells its sender itself (RFC 3461 §5.2.2).
    static func ehloParameters(_ view: SMTPView) -> String? { view.role.isSubmission ? "" : nil }

    static var mailParameters: [String: MailParameterRule] {
        [
            "RET": { parameters, _, transaction in transaction.returnContent = try parameters.returnContent() },
            "ENVID": { parameters, _, transaction in
                transaction.envelopeIdentifier = try parameters.envelopeIdentifier()
            },
        ]
    }

    static var rcptParameters: [String: RcptParameterRule] {
        [
            "NOTIFY": { parameters, recipient in recipient.notify = try parameters.notify() },
            "ORCPT": { parameters, recipient in recipient.originalRecipient = try parameters.originalRecipient() },
        ]
    }
}
