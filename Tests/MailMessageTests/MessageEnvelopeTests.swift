// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 9051 §7.5.2: ENVELOPE")
struct MessageEnvelopeTests {
    private func envelope(_ header: String) -> MessageEnvelope {
        MessageEnvelope(parsing: message(header)[...])
    }

    private func mailbox(_ local: String) -> Address {
        .mailbox(AddressMailbox(localPart: octets(local), domain: octets("x")))
    }

    @Test func everyField() {
        let envelope = self.envelope(
            """
            Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
            From: a@x
            Sender: b@x
            Reply-To: c@x
            To: d@x
            Cc: e@x
            Bcc: f@x
            Subject: =?utf-8?Q?=C3=9C?=
             two
            In-Reply-To: <1@x>
            Message-ID: <2@x>

            """
        )
        #expect(text(envelope.date) == "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)")
        #expect(text(envelope.subject) == "=?utf-8?Q?=C3=9C?= two")
        #expect(envelope.from == [self.mailbox("a")])
        #expect(envelope.sender == [self.mailbox("b")])
        #expect(envelope.replyTo == [self.mailbox("c")])
        #expect(envelope.to == [self.mailbox("d")])
        #expect(envelope.cc == [self.mailbox("e")])
        #expect(envelope.bcc == [self.mailbox("f")])
        #expect(text(envelope.inReplyTo) == "<1@x>")
        #expect(text(envelope.messageID) == "<2@x>")
        #expect(envelope.sentDate?.time == UnixTime(837_595_405))
    }

    @Test(
        "Sender and Reply-To default to From, absent or empty",
        arguments: ["", "Sender:\nReply-To: \n", "Sender: ,\n"]
    )
    func defaults(fields: String) {
        let envelope = self.envelope("From: a@x, b@x\n" + fields)
        #expect(envelope.sender == [self.mailbox("a"), self.mailbox("b")])
        #expect(envelope.replyTo == envelope.sender)
        let without = self.envelope("To: a@x\n" + fields)
        #expect(without.from.isEmpty && without.sender.isEmpty && without.replyTo.isEmpty)
    }

    @Test func absentIsNotEmpty() {
        #expect(self.envelope("To: a@x\n") == MessageEnvelope(to: [self.mailbox("a")]))
        let empty = self.envelope("Date:\nSubject: \nIn-Reply-To:\nMessage-ID:\n")
        #expect(empty == MessageEnvelope(date: [], subject: [], inReplyTo: [], messageID: []))
    }

    @Test("Repeated fields: the first counts, lists of recipients are joined (RFC 5322 §4.5.3)")
    func repeated() {
        let envelope = self.envelope("From: a@x\nFrom: b@x\nTo: c@x\nTO: d@x\nSubject: 1\nSubject: 2\n")
        #expect(envelope.from == [self.mailbox("a")])
        #expect(envelope.to == [self.mailbox("c"), self.mailbox("d")])
        #expect(text(envelope.subject) == "1")
    }

    @Test func valuesStayOnTheirLine() {
        let envelope = MessageEnvelope(
            parsing: octets("Subject: a\0b\rc\r\n d\r\nFrom: \"a\0\r\n b\" <c@d>\r\nX: a\n")[...]
        )
        #expect(text(envelope.subject) == "abc d")
        #expect(envelope.from.first?.mailbox?.name.flatMap { name in text(name) } == "a b")
    }

    @Test func addressLimit() {
        let list = Array(repeating: "a@x", count: 50).joined(separator: ",")
        let envelope = MessageEnvelope(
            parsing: octets("From: \(list)\r\nTo: \(list)\r\nCc: \(list)\r\n")[...],
            addressLimit: 70
        )
        #expect(envelope.from.count == 50 && envelope.to.count == 20 && envelope.cc.isEmpty)
    }
}
