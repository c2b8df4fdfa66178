// SPDX-License-Identifier: Apache-2.0

/// CATENATE, RFC 4469: messages made of octets that the client sends and of parts of messages that are there.
///
/// The syntax is that of ``AppendMessages`` and ``MessageURL``, and ``MessageAssembly`` makes the message. URLs name
/// messages of the account that is logged in, and nothing else.
enum Catenate: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["CATENATE"] }
}
