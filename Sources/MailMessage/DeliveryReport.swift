// SPDX-License-Identifier: Apache-2.0

/// A delivery status notification: a `multipart/report` of what people read, what programs read, and the message it is
/// about or its header (RFC 3464, RFC 6522).
///
/// Sending it from the null reverse-path, and not answering a report with a report, is up to whoever sends it (RFC 3464
/// §2). Whatever comes from outside (addresses, replies, names) can hold what it likes: it cannot leave its line.
package struct DeliveryReport: Sendable {
    /// What happened to a recipient (RFC 3464 §2.3.3).
    package enum Action: String, Sendable {
        case failed, delayed, delivered, relayed, expanded
    }

    /// What is told of one recipient (RFC 3464 §2.3).
    package struct Recipient: Sendable {
        /// The address that the sender gave in `ORCPT`, decoded, with its type: `rfc822`, `user@example.org`.
        package var original: (type: String, address: String)?
        /// The address that delivery was tried to.
        package var final: String
        package var action: Action
        /// An enhanced status code, `5.1.1` (RFC 3463).
        package var status: String
        /// The host that gave the reply.
        package var remoteMTA: String?
        /// Its reply to SMTP, as it came.
        package var diagnostic: String?
        package var lastAttempt: MessageDate?
        /// Only of delayed ones.
        package var retryUntil: MessageDate?

        package init(
            final: String,
            action: Action,
            status: String,
            original: (type: String, address: String)? = nil,
            remoteMTA: String? = nil,
            diagnostic: String? = nil,
            lastAttempt: MessageDate? = nil,
            retryUntil: MessageDate? = nil
        ) {
            self.final = final
            self.action = action
            self.status = status
            self.original = original
            self.remoteMTA = remoteMTA
            self.diagnostic = diagnostic
            self.lastAttempt = lastAttempt
            self.retryUntil = retryUntil
        }
    }

    /// What of the original message goes along (`RET`, RFC 3461 §4.3).
    package enum Original: Sendable {
        /// Its header, with or without the empty line.
        case header
        case message
    }

    /// Who reports of the mail system at `domain` are from: its postmaster, under a name that people understand.
    package static func mailSystem(localPart: String = "postmaster", domain: String) -> AddressMailbox {
        AddressMailbox(
            name: Array("Mail Delivery System".utf8),
            localPart: Array(localPart.utf8),
            domain: Array(domain.utf8)
        )
    }

    package var from: AddressMailbox
    package var to: AddressMailbox
    package var subject: String
    /// What people read.
    package var text: String
    package var date: MessageDate
    package var messageID: MessageIdentifier
    /// Separates the parts: letters and digits, random enough that the original cannot hold it.
    package var boundary: String
    /// The host that reports.
    package var reportingMTA: String
    /// `ENVID`, decoded.
    package var originalEnvelopeID: String?
    /// When the message came.
    package var arrivalDate: MessageDate?
    package var recipients: [Recipient]
    package var original: Original
    /// Whether the original has octets above 127: then the report has them too and needs 8BITMIME.
    package var isOriginalEightBit = false
    /// Whether the report may hold UTF-8 outside of encoded words, because its own transport knows SMTPUTF8 (RFC 6533).
    ///
    /// If not, addresses with other letters are written in ASCII.
    package var isInternationalized: Bool

    package init(
        from: AddressMailbox,
        to: AddressMailbox,
        subject: String,
        text: String,
        date: MessageDate,
        messageID: MessageIdentifier,
        boundary: String,
        reportingMTA: String,
        recipients: [Recipient],
        original: Original = .header,
        originalEnvelopeID: String? = nil,
        arrivalDate: MessageDate? = nil,
        isInternationalized: Bool = false
    ) {
        self.from = from
        self.to = to
        self.subject = subject
        self.text = text
        self.date = date
        self.messageID = messageID
        self.boundary = boundary
        self.reportingMTA = reportingMTA
        self.recipients = recipients
        self.original = original
        self.originalEnvelopeID = originalEnvelopeID
        self.arrivalDate = arrivalDate
        self.isInternationalized = isInternationalized
    }

    /// The whole report; `content` is what ``original`` says.
    ///
    /// Sets ``isOriginalEightBit`` by itself.
    package func composed(original content: some Collection<UInt8>) -> [UInt8] {
        var report = self
        report.isOriginalEightBit = content.contains { octet in octet > 0x7F }
        return report.opening + content + report.closing
    }

    /// Everything before the original: for originals that are sent without being held in memory.
    package var opening: [UInt8] {
        var composer = Composer()
        self.header(&composer)
        self.humanPart(&composer)
        self.statusPart(&composer)
        self.beginPart(&composer, type: self.originalType)
        if self.isOriginalEightBit {
            composer.field("Content-Transfer-Encoding", "8bit".utf8)
        }
        composer.endHeader()
        return composer.octets
    }

    /// Everything after it.
    package var closing: [UInt8] {
        Array("\r\n--\(self.boundary)--\r\n".utf8)
    }

    private func header(_ composer: inout Composer) {
        composer.field("From", addresses: [.mailbox(self.from)])
        composer.field("To", addresses: [.mailbox(self.to)])
        composer.field("Date", date: self.date)
        composer.field("Message-ID", self.messageID.bracketed)
        composer.field("Subject", text: self.subject)
        // RFC 3834 §5: nobody is to answer.
        composer.field("Auto-Submitted", "auto-replied".utf8)
        composer.field("MIME-Version", "1.0".utf8)
        composer.field(
            "Content-Type",
            "multipart/report; report-type=\"delivery-status\"; boundary=\"\(self.boundary)\"".utf8
        )
        composer.endHeader()
    }

    private func beginPart(_ composer: inout Composer, type: String) {
        composer.append("\r\n--\(self.boundary)\r\n".utf8)
        composer.field("Content-Type", type.utf8)
    }

    private func humanPart(_ composer: inout Composer) {
        self.beginPart(&composer, type: "text/plain; charset=utf-8")
        composer.field("Content-Transfer-Encoding", "quoted-printable".utf8)
        composer.endHeader()
        composer.append(QuotedPrintable.encode(Composer.normalized(self.text)))
    }

    private var originalType: String {
        switch (self.original, self.isInternationalized) {
        case (.header, false): "text/rfc822-headers"
        case (.header, true): "message/global-headers"
        case (.message, false): "message/rfc822"
        case (.message, true): "message/global"
        }
    }

    /// Writes what programs read (RFC 3464 §2.1).
    ///
    ///     delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )
    private func statusPart(_ composer: inout Composer) {
        self.beginPart(
            &composer,
            type: self.isInternationalized ? "message/global-delivery-status" : "message/delivery-status"
        )
        if self.isInternationalized {
            composer.field("Content-Transfer-Encoding", "8bit".utf8)
        }
        composer.endHeader()
        if let originalEnvelopeID = self.originalEnvelopeID {
            composer.field("Original-Envelope-Id", self.ascii(originalEnvelopeID).utf8)
        }
        composer.field("Reporting-MTA", "dns; \(self.ascii(self.reportingMTA))".utf8)
        if let arrivalDate = self.arrivalDate {
            composer.field("Arrival-Date", date: arrivalDate)
        }
        for recipient in self.recipients {
            composer.endHeader()
            self.fields(of: recipient, &composer)
        }
    }

    private func fields(of recipient: Recipient, _ composer: inout Composer) {
        if let original = recipient.original {
            composer.field("Original-Recipient", self.address(original.address, type: original.type).utf8)
        }
        composer.field("Final-Recipient", self.address(recipient.final, type: "rfc822").utf8)
        composer.field("Action", recipient.action.rawValue.utf8)
        composer.field("Status", self.ascii(recipient.status).utf8)
        if let remoteMTA = recipient.remoteMTA {
            composer.field("Remote-MTA", "dns; \(self.ascii(remoteMTA))".utf8)
        }
        if let diagnostic = recipient.diagnostic {
            composer.field("Diagnostic-Code", "smtp; \(self.ascii(diagnostic))".utf8)
        }
        if let lastAttempt = recipient.lastAttempt {
            composer.field("Last-Attempt-Date", date: lastAttempt)
        }
        if let retryUntil = recipient.retryUntil, recipient.action == .delayed {
            composer.field("Will-Retry-Until", date: retryUntil)
        }
    }

    /// `address-type ";" generic-address`; one with other letters than ASCII has the type `utf-8` (RFC 6533 §3).
    private func address(_ address: String, type: String) -> String {
        guard !address.utf8.allSatisfy({ octet in octet < 0x80 }) else {
            return self.ascii(type) + "; " + address
        }
        guard !self.isInternationalized else { return "utf-8; " + address }
        var escaped = ""
        for scalar in address.unicodeScalars {
            // utf-8-addr-xtext = 1*(QCHAR / EmbeddedUnicodeChar)
            switch scalar {
            case "\\", "+", "=":
                escaped += "\\x{" + String(scalar.value, radix: 16, uppercase: true) + "}"
            case "!"..."~":
                escaped.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                escaped += "\\x{" + (digits.utf8.count < 2 ? "0" : "") + digits + "}"
            }
        }
        return "utf-8; " + escaped
    }

    /// Text for a field that has no way to hold anything but ASCII: other octets become "?", unless UTF-8 may be sent.
    private func ascii(_ text: String) -> String {
        guard !self.isInternationalized else { return text }
        return String(decoding: text.utf8.map { octet in octet < 0x80 ? octet : Octets.question }, as: UTF8.self)
    }
}
