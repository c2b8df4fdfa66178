// SPDX-License-Identifier: Apache-2.0

/// What IMAP's ENVELOPE tells of a message's header (RFC 9051 §7.5.2): not the envelope of SMTP.
///
/// Values are those of the header, on one line and not decoded; none holds CR, LF or NUL, any may hold octets above
/// 127. A field that is missing is nil; one that is there but empty is empty. Of fields that come twice the first
/// counts, but the lists of several `To`, `Cc` or `Bcc` are joined (RFC 5322 §4.5.3).
package struct MessageEnvelope: Hashable, Sendable {
    package var date: [UInt8]?
    package var subject: [UInt8]?
    package var from: [Address]
    /// `From`, if there is no `Sender`.
    package var sender: [Address]
    /// `From`, if there is no `Reply-To`.
    package var replyTo: [Address]
    package var to: [Address]
    package var cc: [Address]
    package var bcc: [Address]
    package var inReplyTo: [UInt8]?
    package var messageID: [UInt8]?

    package init(
        date: [UInt8]? = nil,
        subject: [UInt8]? = nil,
        from: [Address] = [],
        sender: [Address] = [],
        replyTo: [Address] = [],
        to: [Address] = [],
        cc: [Address] = [],
        bcc: [Address] = [],
        inReplyTo: [UInt8]? = nil,
        messageID: [UInt8]? = nil
    ) {
        self.date = date
        self.subject = subject
        self.from = from
        self.sender = sender
        self.replyTo = replyTo
        self.to = to
        self.cc = cc
        self.bcc = bcc
        self.inReplyTo = inReplyTo
        self.messageID = messageID
    }

    /// The date that the message says it was sent on, if it can be read.
    package var sentDate: MessageDate? {
        self.date.flatMap { date in MessageDate(parsing: date) }
    }

    /// Reads a header; no more than about `addressLimit` addresses of all lists together.
    package init(parsing header: ArraySlice<UInt8>, addressLimit: Int = .max) {
        self.init()
        var remaining = addressLimit
        func append(_ field: HeaderField, to list: inout [Address]) {
            let addresses = AddressParser.addresses(in: field.value, limit: remaining)
            remaining = max(0, remaining - addresses.count)
            list.append(contentsOf: addresses)
        }
        for field in HeaderParser(header) {
            switch String(decoding: Octets.lowercased(field.name), as: UTF8.self) {
            case "date": self.date = self.date ?? field.unfoldedValue
            case "subject": self.subject = self.subject ?? field.unfoldedValue
            case "in-reply-to": self.inReplyTo = self.inReplyTo ?? field.unfoldedValue
            case "message-id": self.messageID = self.messageID ?? field.unfoldedValue
            case "from" where self.from.isEmpty: append(field, to: &self.from)
            case "sender" where self.sender.isEmpty: append(field, to: &self.sender)
            case "reply-to" where self.replyTo.isEmpty: append(field, to: &self.replyTo)
            case "to": append(field, to: &self.to)
            case "cc": append(field, to: &self.cc)
            case "bcc": append(field, to: &self.bcc)
            default: break
            }
        }
        if self.sender.isEmpty {
            self.sender = self.from
        }
        if self.replyTo.isEmpty {
            self.replyTo = self.from
        }
    }
}
