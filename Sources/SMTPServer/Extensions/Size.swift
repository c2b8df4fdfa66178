// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// SIZE, RFC 1870: a message that is too large is refused before it is sent.
enum Size: SMTPExtension {
    static let keyword = "SIZE"

    static func ehloParameters(_ view: SMTPView) -> String? { String(view.service.options.messageLimit) }

    static var mailParameters: [String: MailParameterRule] {
        [
            "SIZE": { parameters, view, transaction in
                transaction.declaredSize = try parameters.size()
                // RFC 1870 §6.1 (2).
                if let size = transaction.declaredSize, size > UInt64(view.service.options.messageLimit) {
                    throw Reply.messageTooBig
                }
            }
        ]
    }
}
