// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SMTPSyntax

/// What the sender of a message is told about recipients here that have it, if that was asked for with `NOTIFY=SUCCESS`
/// (RFC 3461 §5.2.3, RFC 3464).
///
/// The relay tells of the others. Accepted in one transaction with the message: no delivery without its report, no
/// report without the delivery.
struct DeliveredReport: Sendable {
    let service: SMTPService
    let transaction: MailTransaction
    /// When the message came, and was delivered.
    let arrival: UnixTime

    /// The report, ready to be accepted; nil if nobody is to be told.
    ///
    /// `header` is the message's: RET is about failures only (RFC 3461 §4.3), so the whole message never goes along.
    /// Throws ``StoreError``.
    func staged(header: [UInt8]) async throws -> Acceptance? {
        let recipients = self.transaction.deliveriesToReport
        guard let sender = self.transaction.reversePath.address, !recipients.isEmpty else { return nil }
        return try await self.service.queue.stage(
            report: self.report(of: recipients, to: sender),
            original: header,
            route: try await self.service.directory.route(localPart: sender.localPart, domain: sender.domain),
            at: self.arrival,
            id: self.service.identifier(octets: 8),
            requiresTLS: self.transaction.requiresTLS
        )
    }

    private func report(of recipients: [MailTransaction.Recipient], to sender: EmailAddress) -> DeliveryReport {
        let hostname = self.service.options.hostname
        let time = MessageDate(time: self.arrival)
        return DeliveryReport(
            from: DeliveryReport.mailSystem(domain: hostname),
            to: AddressMailbox(localPart: Array(sender.localPart.utf8), domain: Array(sender.domain.utf8)),
            subject: "Mail was delivered",
            text: """
                This is the mail system at \(hostname).

                Your message was delivered to:

                \(recipients.map { "  \($0.address)\n" }.joined())
                The header of your message is attached.

                """,
            date: time,
            messageID: .generate(
                time: self.arrival,
                random: self.service.random(12),
                domain: Array(hostname.utf8)
            ),
            boundary: self.service.identifier(octets: 16),
            reportingMTA: hostname,
            recipients: recipients.map { recipient in
                DeliveryReport.Recipient(
                    final: recipient.address.description,
                    action: recipient.isSentOn ? .expanded : .delivered,
                    status: EnhancedStatusCode(2, 0, 0).description,
                    original: recipient.originalRecipient.map { ($0.addressType, $0.address) },
                    lastAttempt: time
                )
            },
            originalEnvelopeID: self.transaction.envelopeIdentifier,
            arrivalDate: time,
            // RFC 6533: only who has such an address can be sent such a report.
            isInternationalized: !sender.isASCII
        )
    }
}
