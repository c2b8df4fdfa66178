// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import Testing

@testable import MailRelay

/// Mail transactions as values.
@Suite("RFC 5321 §3.3") struct ClientStateMachineTransactionTests {
    @Test func oneAfterTheOther() throws {
        var dialogue = try Dialogue.ready()
        try dialogue.begin("a@example.net", "b@example.net")
        #expect(dialogue.take() == ["MAIL FROM:<ann@example.org>"])
        try dialogue.hear("250 ok")
        #expect(dialogue.take() == ["RCPT TO:<a@example.net>"])
        try dialogue.hear("250 ok")
        #expect(dialogue.take() == ["RCPT TO:<b@example.net>"])
        try dialogue.hear("251 will forward")
        #expect(dialogue.take() == ["DATA"])
        try dialogue.hear("354 go")
        #expect(dialogue.take() == ["[content]"])
        #expect(dialogue.verdicts(2) == "??")
        try dialogue.hear("250 taken")
        #expect(dialogue.take() == ["[ready]"])
        #expect(dialogue.verdicts(2) == "++")
    }

    @Test func pipelined() throws {
        var dialogue = try Dialogue.ready("PIPELINING", "SIZE 5000")
        try dialogue.begin("a@example.net", "b@example.net", "c@example.net", "d@example.net")
        #expect(dialogue.take().count == 5)
        try dialogue.hear("250 ok", "250 ok", "550 5.1.1 no", "450 4.2.1 later")
        #expect(dialogue.take() == [], "DATA waits for all replies")
        try dialogue.hear("250 ok")
        #expect(dialogue.take() == ["DATA"])
        try dialogue.hear("354 go", "250 taken")
        #expect(dialogue.verdicts(4) == "+x~+")
    }

    /// RFC 2920 §3.1: no group is larger than a window.
    @Test func largeGroups() throws {
        var dialogue = try Dialogue.ready("PIPELINING")
        var all = 0
        try dialogue.begin("x@example.net") { transaction in
            transaction.recipients = (0..<100).compactMap { number in
                (try? EmailAddress(localPart: String(repeating: "l", count: 60) + "\(number)", domain: "example.net"))
                    .map { .init(number: number, address: $0, notify: nil, originalRecipient: nil) }
            }
        }
        while true {
            let group = dialogue.take()
            if group == ["DATA"] { break }
            #expect(group.reduce(0) { $0 + $1.utf8.count + 2 } < 4096 + 200)
            #expect(group.count > 1)
            all += group.count
            for _ in group { try dialogue.hear("250 ok") }
        }
        #expect(all == 101)
    }

    @Test(
        arguments: [
            ("550 5.7.1 no", "xxx", "[ready]", nil), ("450 4.7.1 later", "???", "[failed]", .transaction),
            ("421 bye", "???", "[failed]", .refused), ("354 x", "???", "[failed]", .outOfStep),
        ] as [(String, String, String, SessionFailure.Cause?)]
    )
    func mailRefused(reply: String, verdicts: String, end: String, cause: SessionFailure.Cause?) throws {
        for isPipelining in [false, true] {
            var dialogue = try isPipelining ? Dialogue.ready("PIPELINING") : Dialogue.ready()
            try dialogue.begin("a@example.net", "b@example.net", "c@example.net")
            try dialogue.hear(reply)
            if isPipelining, dialogue.failure == nil {
                try dialogue.hear("503 no MAIL", "250 strange", "503 no MAIL")
            }
            #expect(dialogue.said.last == end)
            #expect(dialogue.failure?.cause == cause)
            #expect(dialogue.verdicts(3) == verdicts)
        }
    }

    /// DATA is not said when nobody is accepted; the next transaction begins with RSET.
    @Test func nobodyAccepted() throws {
        var dialogue = try Dialogue.ready("PIPELINING")
        try dialogue.begin("a@example.net", "b@example.net")
        try dialogue.hear("250 ok", "550 no", "451 later")
        #expect(dialogue.take().last == "[ready]")
        #expect(dialogue.verdicts(2) == "x~")
        try dialogue.begin("c@example.net")
        #expect(dialogue.take() == ["RSET", "MAIL FROM:<ann@example.org>", "RCPT TO:<c@example.net>"])
        try dialogue.hear("250 ok", "250 ok", "250 ok", "354 go", "250 taken")
        #expect(dialogue.verdicts(1) == "+")
        try dialogue.begin("d@example.net")
        #expect(dialogue.take().suffix(2) == ["MAIL FROM:<ann@example.org>", "RCPT TO:<d@example.net>"])
    }

    @Test(arguments: ["250 ok", "500 what?"]) func resetOneByOne(reply: String) throws {
        var dialogue = try Dialogue.ready()
        try dialogue.begin("a@example.net")
        try dialogue.hear("250 ok", "550 no")
        try dialogue.begin("b@example.net")
        #expect(dialogue.take().last == "RSET")
        try dialogue.hear(reply)
        #expect(dialogue.take() == (reply == "250 ok" ? ["MAIL FROM:<ann@example.org>"] : ["[failed]"]))
    }

    /// RFC 5321 §4.5.3.1.10: who is too many is left for the next transaction, if there can be one.
    @Test(arguments: ["452 4.5.3 too many", "552 too many"]) func tooManyRecipients(reply: String) throws {
        var dialogue = try Dialogue.ready("PIPELINING")
        try dialogue.begin("a@example.net", "b@example.net")
        try dialogue.hear("250 ok", "250 ok", reply, "354 go", "250 taken")
        #expect(dialogue.verdicts(2) == "+?")
        #expect(dialogue.take().last == "[ready]")
        var none = try Dialogue.ready("PIPELINING")
        try none.begin("a@example.net", "b@example.net")
        try none.hear("250 ok", reply, reply)
        #expect(none.verdicts(2) == (reply.hasPrefix("4") ? "~~" : "xx"))
    }

    @Test(
        arguments: [
            ("451 later", "~x", nil), ("554 no", "xx", nil), ("421 bye", "?x", .refused), ("250 ok", "?x", .outOfStep),
        ] as [(String, String, SessionFailure.Cause?)]
    )
    func dataRefused(reply: String, verdicts: String, cause: SessionFailure.Cause?) throws {
        var dialogue = try Dialogue.ready("PIPELINING")
        try dialogue.begin("a@example.net", "b@example.net")
        try dialogue.hear("250 ok", "250 ok", "550 no", reply)
        #expect(dialogue.verdicts(2) == verdicts)
        #expect(dialogue.failure?.cause == cause)
    }

    @Test(
        arguments: [
            ("250 taken", "+x", nil), ("451 later", "~x", nil), ("552 too large", "xx", nil),
            ("421 bye", "~x", .refused),
            ("354 x", "~x", .outOfStep),
        ] as [(String, String, SessionFailure.Cause?)]
    )
    func finalReplies(reply: String, verdicts: String, cause: SessionFailure.Cause?) throws {
        var dialogue = try Dialogue.ready("PIPELINING")
        try dialogue.begin("a@example.net", "b@example.net")
        try dialogue.hear("250 ok", "250 ok", "550 no", "354 go", reply)
        #expect(dialogue.verdicts(2) == verdicts)
        #expect(dialogue.failure?.cause == cause)
    }

    /// RFC 1047: before the end of the content another host may be asked, after it only time helps.
    @Test func connectionLost() throws {
        for replies in 0...4 {
            var dialogue = try Dialogue.ready()
            try dialogue.begin("a@example.net")
            for reply in ["250 ok", "250 ok", "354 go"].prefix(replies) { try dialogue.hear(reply) }
            dialogue.follow(dialogue.machine.fail(.lost(waitingFor: dialogue.machine.awaited)))
            #expect(dialogue.verdicts(1) == (replies < 3 ? "?" : "~"))
        }
    }

    @Test func refusedWhileSending() throws {
        var dialogue = try Dialogue.ready()
        try dialogue.begin("a@example.net")
        try dialogue.hear("250 ok", "250 ok")
        guard case .content = dialogue.machine.received(Reply(354, "go")) else {
            Issue.record("no content")
            return
        }
        var early = dialogue
        early.follow(early.machine.received(Reply(250, "taken")))
        #expect(early.verdicts(1) == "?", "nobody can have taken it yet")
        #expect(early.failure?.cause == .outOfStep)
        try dialogue.hear("552 too large")
        #expect(dialogue.verdicts(1) == "x")
        #expect(dialogue.failure != nil, "the rest of the content would be taken for commands")
    }

    // MARK: Extensions

    @Test func parameters() throws {
        var dialogue = try Dialogue.ready("PIPELINING", "SIZE", "8BITMIME", "DSN", "SMTPUTF8")
        let original = try #require(OriginalRecipient(decoded: "rfc822;a+b@example.net"))
        try dialogue.begin("a@example.net", "b@example.net") {
            $0.isEightBit = true
            $0.returnContent = .headers
            $0.envelopeIdentifier = "id=1"
            $0.recipients = [
                .init(
                    number: 0,
                    address: $0.recipients[0].address,
                    notify: [.success, .delay],
                    originalRecipient: original
                ),
                .init(number: 1, address: $0.recipients[1].address, notify: .never, originalRecipient: nil),
            ]
        }
        #expect(
            dialogue.take() == [
                "MAIL FROM:<ann@example.org> SIZE=1234 BODY=8BITMIME RET=HDRS ENVID=id+3D1",
                "RCPT TO:<a@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@example.net",
                "RCPT TO:<b@example.net> NOTIFY=NEVER",
            ]
        )
    }

    @Test func messageLargerThanTaken() throws {
        for (limit, isTaken) in [(1233, false), (1234, true), (0, true)] {
            var dialogue = try Dialogue.ready("SIZE \(limit)")
            try dialogue.begin("a@example.net")
            #expect((dialogue.take() != ["[ready]"]) == isTaken)
            #expect(dialogue.verdicts(1) == (isTaken ? "?" : "x"))
        }
    }

    /// SMTPUTF8 only where something needs it.
    @Test func internationalizedMail() throws {
        var plain = try Dialogue.ready("SMTPUTF8")
        try plain.begin("a@example.net")
        #expect(plain.take() == ["MAIL FROM:<ann@example.org>"])
        for isOffered in [true, false] {
            var dialogue = try isOffered ? Dialogue.ready("SMTPUTF8", "PIPELINING") : Dialogue.ready("PIPELINING")
            try dialogue.begin("ä@example.net", "b@example.net")
            #expect(
                dialogue.take()
                    == (isOffered
                        ? [
                            "MAIL FROM:<ann@example.org> SMTPUTF8", "RCPT TO:<ä@example.net>",
                            "RCPT TO:<b@example.net>",
                        ] : ["MAIL FROM:<ann@example.org>", "RCPT TO:<b@example.net>"])
            )
            #expect(dialogue.verdicts(2) == (isOffered ? "??" : "x?"))
        }
        var header = try Dialogue.ready("PIPELINING")
        try header.begin("a@example.net") { $0.needsInternationalization = true }
        #expect(header.take() == ["[ready]"])
        #expect(header.verdicts(1) == "x")
        #expect(header.machine.verdicts[0]?.status.code == EnhancedStatusCode(5, 6, 7))
    }

    @Test func limits() throws {
        let dialogue = try Dialogue.ready("LIMITS RCPTMAX=7 MAILMAX=1")
        #expect(dialogue.machine.recipientLimit == 7)
        var one = dialogue
        #expect(one.machine.takesAnotherTransaction)
        try one.begin("a@example.net")
        #expect(!one.machine.takesAnotherTransaction)
        #expect(try Dialogue.ready("LIMITS RCPTMAX=1000").machine.recipientLimit == 100)
    }

    @Test(
        arguments: [
            ("rfc822;a@b", "rfc822;a@b"), ("RFC822;a+b=c", "rfc822;a+2Bb+3Dc"),
            ("utf-8;ä\\b@c", "utf-8;\\x{E4}\\x{5C}b@c"),
            ("x400;a b", "x400;a+20b"), ("nothing", nil), (";a", nil), ("a b;c", nil),
        ] as [(String, String?)]
    ) func originalRecipients(text: String, value: String?) {
        #expect(OriginalRecipient(decoded: text)?.value == value)
    }
}
