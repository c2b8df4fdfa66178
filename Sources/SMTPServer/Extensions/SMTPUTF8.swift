// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// SMTPUTF8, RFC 6531: addresses and header fields in UTF-8.
enum SMTPUTF8: SMTPExtension {
    static let keyword = "SMTPUTF8"

    static var mailParameters: [String: MailParameterRule] {
        [
            "SMTPUTF8": { parameters, _, transaction in
                transaction.isInternationalized = try parameters.smtpUTF8()
            }
        ]
    }
}
