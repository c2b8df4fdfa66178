// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// What a parameter of MAIL means: it is read into the transaction.
///
/// Throws `SyntaxError`, or `Reply` for a refusal.
typealias MailParameterRule = @Sendable (Parameters, SMTPView, inout MailTransaction) throws -> Void
/// What a parameter of RCPT means.
typealias RcptParameterRule = @Sendable (Parameters, inout MailTransaction.Recipient) throws -> Void

/// A service extension: exactly what RFC 5321 §2.2.2 says one consists of.
///
/// EHLO's reply, the commands there are, and which parameters MAIL and RCPT take follow from ``ExtensionTable``.
protocol SMTPExtension: Sendable {
    /// As in EHLO's reply: `SIZE`.
    static var keyword: String { get }
    /// What stands behind the keyword, empty for nothing; nil: not offered now, and its parameters are refused.
    static func ehloParameters(_ view: SMTPView) -> String?
    /// By keyword, in upper case.
    static var mailParameters: [String: MailParameterRule] { get }
    /// By keyword, in upper case.
    static var rcptParameters: [String: RcptParameterRule] { get }
    static var commands: [any SMTPCommand.Type] { get }
}

extension SMTPExtension {
    static func ehloParameters(_ view: SMTPView) -> String? { "" }
    static var mailParameters: [String: MailParameterRule] { [:] }
    static var rcptParameters: [String: RcptParameterRule] { [:] }
    static var commands: [any SMTPCommand.Type] { [] }
}
