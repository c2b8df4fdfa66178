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
                let body = try parameters.body() ?? .sevenBit
                // BINARYMIME is another extension's (RFC 3030 §3), which is not offered: RFC 5321 §4.1.1.11.
                guard body != .binaryMIME else { throw Reply.parametersNotRecognized }
                transaction.body = body
            }
        ]
    }
}
