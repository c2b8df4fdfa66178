// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax

/// The trace fields that we put before a message (RFC 5321 §4.4).
struct TraceHeader: Sendable {
    /// The `Return-Path` line: for final delivery only, so the relay leaves it out.
    let returnPath: [UInt8]
    /// The `Received` field, and behind it that of ``LoopMarks``.
    let received: [UInt8]

    /// Describes how the message came.
    ///
    /// Everything in it has been through a parser, which is why nothing can end a line here: the client's name, the
    /// paths, the peer's address.
    init(_ view: SMTPView, _ transaction: MailTransaction, id: String, at time: UnixTime) {
        self.returnPath = Array("Return-Path: \(transaction.reversePath)\r\n".utf8)
        var text = "Received: from \(Self.client(view))\r\n"
        text += "\tby \(view.service.options.hostname) with \(Self.protocolName(view, transaction))"
        if let security = view.peer.security { text += " (\(security.version) \(security.cipher))" }
        text += " id \(id)"
        // RFC 5321 §4.4, §7.2: one path at most, and none of several, of which some may be blind copies.
        if transaction.recipients.count == 1, let recipient = transaction.recipients.first {
            text += "\r\n\tfor <\(recipient.address)>"
        }
        text += "; \(MessageDate(time: time).formatted)\r\n"
        self.received = Array(text.utf8) + LoopMarks.field(for: transaction, view.service.rewriting)
    }

    /// What stands behind "from".
    ///
    /// Extended-Domain = Domain / ( Domain FWS "(" TCP-info ")" ) / ( address-literal FWS "(" TCP-info ")" )
    ///
    /// TCP-info = address-literal / ( Domain FWS address-literal )
    private static func client(_ view: SMTPView) -> String {
        let name = view.clientName ?? "unknown"
        guard let address = try? IPAddress(parsing: view.peer.address) else { return name }
        return "\(name) (\(address.unmapped.addressLiteral))"
    }

    /// What stands behind "with": RFC 3848, RFC 6531 §4.3.
    ///
    /// HELO has no words for TLS.
    static func protocolName(_ view: SMTPView, _ transaction: MailTransaction) -> String {
        guard view.isExtended else { return "SMTP" }
        let base =
            view.role == .lmtp
            ? transaction.isInternationalized ? "UTF8LMTP" : "LMTP"
            : transaction.isInternationalized ? "UTF8SMTP" : "ESMTP"
        return base + (view.peer.isSecure ? "S" : "") + (view.account == nil ? "" : "A")
    }
}
