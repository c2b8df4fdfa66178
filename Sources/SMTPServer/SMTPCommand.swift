// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// One command: its syntax, when it is allowed, and what it does.
///
/// One file each in `Commands/` or `Extensions/`.
///
/// SMTP is strictly one command after the other (RFC 5321 §2.1, RFC 2920 §3.2), so a command simply runs. It sees the
/// session but cannot change it: what is to change is its ``Outcome/effect``, applied in one place. A command that
/// throws has changed nothing.
protocol SMTPCommand: Sendable {
    /// In upper case, as in `RCPT`.
    static var name: String { get }
    /// Whether the client must wait for the reply before it sends anything else (RFC 2920 §3.1).
    static var isLastInGroup: Bool { get }
    /// Whether nobody knows what the next octets are if the arguments cannot be read: the session must end.
    static var announcesOctets: Bool { get }
    /// Reads what follows the verb, up to the end of the line.
    init(_ parser: inout CommandParser) throws(SyntaxError)
    /// Decides. Throws `Reply` for a refusal, `StoreError`, or what went wrong.
    func run(_ view: SMTPView) async throws -> Outcome
}

extension SMTPCommand {
    static var isLastInGroup: Bool { true }
    static var announcesOctets: Bool { false }
}

/// How a command ended well: the reply, and what changes in the session.
struct Outcome: Sendable {
    enum Effect: Sendable {
        case none
        /// EHLO or HELO: the client's name; a transaction in progress is over.
        case greeted(name: String, isExtended: Bool)
        /// MAIL.
        case transaction(MailTransaction)
        /// RCPT.
        case recipient(MailTransaction.Recipient)
        /// RSET: a transaction in progress is over.
        case reset
        /// DATA: the next octets are the message.
        case content
        /// BDAT: the next octets are a chunk, to be taken or, with a refusal, to be passed over.
        case chunk(ChunkCounter, refusal: Reply?)
        case authenticate(mechanism: String, initialResponse: [UInt8]?)
        case startTLS
        /// XCLIENT: the session begins anew for a client at that address and port; nil: as it was.
        case client(address: String?, port: Int?)
        /// The session ends.
        case quit
    }

    /// Nil if the effect replies.
    var reply: Reply?
    var effect: Effect

    init(_ reply: Reply?, _ effect: Effect = .none) {
        self.reply = reply
        self.effect = effect
    }
}
