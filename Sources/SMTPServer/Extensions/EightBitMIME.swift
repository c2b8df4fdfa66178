// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// 8BITMIME, RFC 6152: octets above 127 in the message.
///
/// They are stored as they come.
enum EightBitMIME: SMTPExtension {
    static let keyword = "8BITMIME"

    static var mailParameters: [String: MailParameterRule] {
        [
            "BODY": { parameters, _, transaction in
                transaction.body = try parameters.body() ?? .sevenBit
            }
        ]
    }
}
