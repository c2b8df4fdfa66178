// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §7.5.2 ENVELOPE")
struct FetchEnvelopeTests {
    @Test("the example of §8")
    func example() async throws {
        let message = FetchFixture(
            """
            Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)
            From: Terry Gray <gray@cac.washington.edu>
            Subject: IMAP4rev2 WG mtg summary and minutes
            To: imap@cac.washington.edu
            cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>
            Message-Id: <B27397-0100000@cac.washington.edu>
            MIME-Version: 1.0
            Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

            text

            """
        )
        #expect(
            try await message.item("ENVELOPE") == #"ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "#
                + #""IMAP4rev2 WG mtg summary and minutes" "#
                + #"(("Terry Gray" NIL "gray" "cac.washington.edu")) "#
                + #"(("Terry Gray" NIL "gray" "cac.washington.edu")) "#
                + #"(("Terry Gray" NIL "gray" "cac.washington.edu")) "#
                + #"((NIL NIL "imap" "cac.washington.edu")) "#
                + #"((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) "#
                + #"NIL NIL "<B27397-0100000@cac.washington.edu>")"#
        )
    }

    @Test(
        "missing, empty, groups, quoting",
        arguments: [
            ("", "NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL"),
            // Empty is not missing, but a list without addresses is NIL.
            ("Subject:\nDate: \nIn-Reply-To:\nTo:\nCc: ,\n", #""" "" NIL NIL NIL NIL NIL NIL "" NIL"#),
            (
                "From: a@x\nSender:\nReply-To: b@y\n",
                #"NIL NIL ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) ((NIL NIL "b" "y")) NIL NIL NIL NIL NIL"#
            ),
            (
                "To: undisclosed-recipients:;\n",
                #"NIL NIL NIL NIL NIL ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL"#
            ),
            (
                "To: A: a@x, b@y;, C: ;, d@z\n",
                #"NIL NIL NIL NIL NIL ((NIL NIL "A" NIL)(NIL NIL "a" "x")(NIL NIL "b" "y")(NIL NIL NIL NIL)"#
                    + #"(NIL NIL "C" NIL)(NIL NIL NIL NIL)(NIL NIL "d" "z")) NIL NIL NIL NIL"#
            ),
            // NIL for the host would begin a group.
            ("To: root\n", #"NIL NIL NIL NIL NIL ((NIL NIL "root" "")) NIL NIL NIL NIL"#),
            ("To: <@a,@b:c@d>\n", #"NIL NIL NIL NIL NIL ((NIL "@a,@b" "c" "d")) NIL NIL NIL NIL"#),
            ("Subject: say \"hi\" \\o/\n", #"NIL "say \"hi\" \\o/" NIL NIL NIL NIL NIL NIL NIL NIL"#),
            ("Subject: =?utf-8?q?caf=C3=A9?=\n", #"NIL "=?utf-8?q?caf=C3=A9?=" NIL NIL NIL NIL NIL NIL NIL NIL"#),
            ("Subject: caf\u{E9}\n", "NIL {5}\r\ncaf\u{C3}\u{A9} NIL NIL NIL NIL NIL NIL NIL NIL"),
        ] as [(String, String)]
    )
    func fields(_ header: String, _ expected: String) async throws {
        let fixture = FetchFixture(header + "\ntext\n")
        #expect(try await fixture.item("ENVELOPE") == "ENVELOPE (\(expected))")
    }
}
