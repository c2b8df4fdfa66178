// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage

/// ENVELOPE: who, when and what about, from the header (RFC 9051 §7.5.2).
struct EnvelopeItem: ImmediateFetchItem {
    static let names = ["ENVELOPE"]

    init() {}

    // "ENVELOPE"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { [.row, .summary] }

    // "ENVELOPE" SP envelope
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws {
        output.writer.raw("ENVELOPE ")
        output.writer.envelope(try message.summary().envelope)
    }
}

extension ResponseWriter {
    // envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP env-bcc SP
    //            env-in-reply-to SP env-message-id ")"
    mutating func envelope(_ envelope: MessageEnvelope) {
        self.raw("(")
        self.nstring(envelope.date?[...])
        self.sp()
        self.nstring(envelope.subject?[...])
        for list in [envelope.from, envelope.sender, envelope.replyTo, envelope.to, envelope.cc, envelope.bcc] {
            self.sp()
            self.addresses(list)
        }
        self.sp()
        self.nstring(envelope.inReplyTo?[...])
        self.sp()
        self.nstring(envelope.messageID?[...])
        self.raw(")")
    }

    // env-to = "(" 1*address ")" / nil
    private mutating func addresses(_ list: [Address]) {
        // Never "()": Apple Mail's parser fails on it.
        guard !list.isEmpty else { return self.raw("NIL") }
        self.raw("(")
        for address in list { self.address(address) }
        self.raw(")")
    }

    // address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
    private mutating func address(_ address: Address) {
        switch address {
        case .mailbox(let mailbox):
            self.raw("(")
            self.nstring(mailbox.name?[...])
            self.sp()
            self.nstring(mailbox.route?[...])
            self.sp()
            self.string(mailbox.localPart[...])
            self.sp()
            // An empty one is `""`: NIL would begin a group.
            self.string(mailbox.domain[...])
            self.raw(")")
        case .groupStart(let name):
            self.raw("(NIL NIL ")
            self.string(name[...])
            self.raw(" NIL)")
        case .groupEnd:
            self.raw("(NIL NIL NIL NIL)")
        }
    }
}
