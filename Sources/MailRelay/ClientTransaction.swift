// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SMTPSyntax

/// A mail transaction as a client proposes it (RFC 5321 §3.3): everything but the content.
struct ClientTransaction: Sendable {
    struct Recipient: Sendable {
        /// Its number within the queue entry.
        let number: Int
        let address: EmailAddress
        let notify: SMTPSyntax.NotifyConditions?
        let originalRecipient: OriginalRecipient?
    }

    var reversePath: Path
    var recipients: [Recipient]
    /// Octets of the content, as far as known before line ends are made canonical.
    var size: Int
    var isEightBit = false
    /// Whether the header or the reverse-path needs SMTPUTF8, whoever the recipients are.
    ///
    /// Not simply what the submitting client said: some say SMTPUTF8 whenever they can, and mail that needs nothing of
    /// it must reach hosts that do not have it.
    var needsInternationalization = false
    /// REQUIRETLS (RFC 8689): only hosts that have shown who they are, and offer it, get the message.
    ///
    /// With the null reverse-path it is only said where it is offered (§5).
    var requiresTLS = false
    var returnContent: ReturnContent?
    var envelopeIdentifier: String?

    /// Parameters of MAIL that this server understands.
    func mailParameters(for server: EHLOReply) -> [Parameter] {
        var parameters: [Parameter] = []
        if server.offers("SIZE") { parameters.append(.size(UInt64(clamping: self.size))) }
        // Without 8BITMIME (RFC 6152 §3) there the content goes as it is, see Docs.docc.
        if self.isEightBit, server.offers("8BITMIME") { parameters.append(.body(.eightBitMIME)) }
        if self.isInternationalized { parameters.append(.smtpUTF8) }
        if self.requiresTLS, server.offers("REQUIRETLS") { parameters.append(.requireTLS) }
        if server.offers("DSN") {
            if let content = self.returnContent { parameters.append(.returnContent(content)) }
            if let parameter = self.envelopeIdentifier.flatMap(Parameter.envelopeIdentifier) {
                parameters.append(parameter)
            }
        }
        return parameters
    }

    /// Parameters of RCPT that this server understands.
    static func recipientParameters(_ recipient: Recipient, for server: EHLOReply) -> [Parameter] {
        guard server.offers("DSN") else { return [] }
        var parameters: [Parameter] = []
        if let notify = recipient.notify { parameters.append(.notify(notify)) }
        if let parameter = recipient.originalRecipient.flatMap(Parameter.originalRecipient) {
            parameters.append(parameter)
        }
        return parameters
    }

    /// Whether SMTPUTF8 must be said: only when something needs it.
    var isInternationalized: Bool {
        self.needsInternationalization || !self.reversePath.isASCII
            || self.recipients.contains { !$0.address.isASCII }
    }
}

extension ClientTransaction.Recipient {
    /// A recipient of a queue entry; nil if its address is none that a command could hold.
    init?(_ recipient: QueueEntry.Recipient) {
        let remote = recipient.recipient
        guard let address = try? EmailAddress(localPart: remote.localPart, domain: remote.domain) else { return nil }
        self.init(
            number: recipient.number,
            // RFC 6531 asks for SMTPUTF8 because of the local part at most: hosts without it can be reached.
            address: address.withALabels,
            notify: remote.notify.map { SMTPSyntax.NotifyConditions(rawValue: $0.rawValue) },
            originalRecipient: remote.originalRecipient.flatMap(OriginalRecipient.init(decoded:))
        )
    }
}

extension OriginalRecipient {
    /// From `addr-type;address`, decoded, as the queue keeps it.
    init?(decoded text: String) {
        guard let semicolon = text.utf8.firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let type = text[..<semicolon]
        var address = String(text[text.utf8.index(after: semicolon)...])
        if type.utf8.elementsEqual("utf-8".utf8, by: { $0 | 0x20 == $1 }) {
            address = address.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\x{5C}")
        } else {
            address = XText.encode(address)
        }
        guard let recipient = try? OriginalRecipient(value: "\(type);\(address)") else { return nil }
        self = recipient
    }
}
