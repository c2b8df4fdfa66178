// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SMTPSyntax

/// What the sender of one message is told about some of its recipients (RFC 3461 §5.2, §6; RFC 3464).
struct BounceReport: Sendable {
    /// What is told of one recipient.
    struct Item: Sendable {
        let recipient: QueueEntry.Recipient
        let action: DeliveryReport.Action
        let status: DeliveryStatus
    }

    let entry: QueueEntry
    let items: [Item]
    let options: RelayService.Options
    let now: UnixTime
    /// The domain whose postmaster answers for the report, unless the options name one.
    let domain: String

    // MARK: Who is told what

    /// RFC 3461 §5.2.6: unless the sender said otherwise.
    static func wantsFailure(_ recipient: QueueEntry.Recipient) -> Bool {
        recipient.recipient.notify?.contains(.failure) ?? true
    }

    /// RFC 3461 §5.2.5.
    static func wantsDelay(_ recipient: QueueEntry.Recipient) -> Bool {
        recipient.recipient.notify?.contains(.delay) ?? true
    }

    /// RFC 3461 §5.2.2 (b): only if asked for, and only where nobody behind us would tell.
    static func wantsRelayed(_ recipient: QueueEntry.Recipient) -> Bool {
        recipient.recipient.notify?.contains(.success) ?? false
    }

    // MARK: The report

    /// Whether the whole message goes along: RET, which is about failures only (RFC 3461 §4.3).
    private var returnsFull: Bool {
        // RFC 8689 §5: what must not be read by others is not returned either.
        self.entry.returnsFull == true && !self.entry.requiresTLS && self.items.contains { $0.action == .failed }
            && self.entry.size - self.entry.relayFrom <= self.options.fullReportLimit
    }

    /// What of the message goes along; nil if the store has lost it.
    ///
    /// Throws ``StoreError`` if it cannot be read now.
    func original(from queue: any MailQueue) async throws -> [UInt8]? {
        let content = QueuedContent(self.entry, in: queue)
        do {
            return self.returnsFull ? try await content.prefix(content.size) : try await content.header()
        } catch StoreError.corrupt, StoreError.notFound, StoreError.expunged {
            return nil
        }
    }

    /// The report.
    func report(to sender: EmailAddress, hasOriginal: Bool, random: RandomSource) -> DeliveryReport {
        let postmaster = self.options.postmaster
        var report = DeliveryReport(
            from: DeliveryReport.mailSystem(
                localPart: postmaster?.localPart ?? "postmaster",
                domain: postmaster?.domain ?? self.domain
            ),
            to: AddressMailbox(localPart: Array(sender.localPart.utf8), domain: Array(sender.domain.utf8)),
            subject: self.subject,
            text: self.text(hasOriginal: hasOriginal),
            date: MessageDate(time: self.now),
            messageID: .generate(
                time: self.now,
                random: random.octets(12),
                domain: Array(self.options.hostname.utf8)
            ),
            boundary: random.hexadecimal(16),
            reportingMTA: self.options.hostname,
            recipients: self.items.map(self.recipient),
            original: self.returnsFull && hasOriginal ? .message : .header
        )
        report.originalEnvelopeID = self.entry.envelopeID
        report.arrivalDate = MessageDate(time: self.entry.receivedAt)
        // RFC 6533: only who has such an address can be sent such a report.
        report.isInternationalized = !sender.isASCII
        return report
    }

    private func recipient(_ item: Item) -> DeliveryReport.Recipient {
        let remote = item.recipient.recipient
        var recipient = DeliveryReport.Recipient(
            final: Self.address(remote),
            action: item.action,
            status: item.status.code.description
        )
        recipient.original = Self.original(remote)
        recipient.diagnostic = item.status.reply.map { "\($0)" }
        // RFC 3464 §2.3.5: only where the reply is theirs.
        recipient.remoteMTA =
            item.status.reply == nil
            ? nil : item.status.host.map { String(decoding: $0.utf8.prefix { $0 != 0x20 }, as: UTF8.self) }
        recipient.lastAttempt = MessageDate(time: self.now)
        recipient.retryUntil = MessageDate(time: self.entry.expiry(self.options))
        return recipient
    }

    private static func address(_ recipient: RemoteRecipient) -> String {
        (try? EmailAddress(localPart: recipient.localPart, domain: recipient.domain))?.description
            ?? "\(recipient.localPart)@\(recipient.domain)"
    }

    private static func original(_ recipient: RemoteRecipient) -> (type: String, address: String)? {
        guard let text = recipient.originalRecipient, let semicolon = text.utf8.firstIndex(of: UInt8(ascii: ";"))
        else { return nil }
        return (String(text[..<semicolon]), String(text[text.utf8.index(after: semicolon)...]))
    }

    // MARK: What people read

    private func has(_ action: DeliveryReport.Action) -> Bool { self.items.contains { $0.action == action } }

    private var subject: String {
        if self.has(.failed) { return "Undelivered mail" }
        if self.has(.delayed) { return "Delayed mail, still being tried" }
        return self.has(.relayed) ? "Mail was passed on" : "Mail was delivered"
    }

    private func text(hasOriginal: Bool) -> String {
        var text = "This is the mail system at \(self.options.hostname).\n"
        let retryUntil = MessageDate(time: self.entry.expiry(self.options)).formatted
        let sections: [(DeliveryReport.Action, String)] = [
            (.failed, "Your message could not be delivered to:"),
            (
                .delayed,
                "Your message has not been delivered yet to the following. It will be tried until\n\(retryUntil);"
                    + " you need not send it again:"
            ),
            (.delivered, "Your message was delivered to:"),
            (.relayed, "Your message was passed on to a host that sends no confirmations, for:"),
        ]
        for (action, sentence) in sections where self.has(action) {
            text += "\n\(sentence)\n"
            for item in self.items where item.action == action {
                text += "\n  \(Self.address(item.recipient.recipient))\n    \(item.status.description)\n"
            }
        }
        guard hasOriginal else { return text + "\nYour message itself cannot be read any more.\n" }
        return text + "\n\(self.returnsFull ? "Your message" : "The header of your message") is attached.\n"
    }
}

extension QueueEntry {
    /// When the message is given up.
    func expiry(_ options: RelayService.Options) -> UnixTime {
        self.begin.advanced(by: options.lifetime.components.seconds)
    }

    /// From when on the message is tried.
    var begin: UnixTime { max(self.releasedAt ?? self.receivedAt, self.receivedAt) }
}
