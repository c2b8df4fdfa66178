// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 9051 §5.1 Mailbox Naming")
struct MailboxNameTests {
    @Test(
        "one form for each name",
        arguments: [
            ("INBOX", "INBOX"), ("iNbOx", "INBOX"), ("inbox/Sub", "INBOX/Sub"), ("Inbox/", "INBOX"),
            ("inboxes", "inboxes"),
            ("in", "in"), ("Sub/inbox", "Sub/inbox"), ("a/b/c/", "a/b/c"), (".", "."), ("../..", "../.."),
            ("a b", "a b"),
            ("%", "%"), ("été", "été"), ("\u{202E}x\u{200B}", "\u{202E}x\u{200B}"), (" ", " "),
        ]
    )
    func canonical(_ input: String, _ expected: String) throws {
        let name = try MailboxName(input)
        #expect(Array(name.text.utf8) == octets(expected))
        #expect(try MailboxName(name.text) == name)
        #expect(try MailboxName(name.encoded(as: .modifiedUTF7), encoding: .modifiedUTF7) == name)
        #expect(try MailboxName(name.encoded(as: .utf8), encoding: .utf8) == name)
    }

    @Test(
        "names that cannot be",
        arguments: [
            ("", .empty), ("/", .emptyLevel), ("//", .emptyLevel), ("/a", .emptyLevel), ("a//b", .emptyLevel),
            ("a//", .emptyLevel),
            ("a\0", .controlCharacter), ("a\r", .controlCharacter), ("a\nb", .controlCharacter),
            ("\t", .controlCharacter),
            ("\u{7F}", .controlCharacter), ("\u{85}", .controlCharacter), ("\u{2028}", .controlCharacter),
            ("\u{2029}", .controlCharacter), (String(repeating: "x", count: 1001), .tooLong),
            (String(repeating: "é", count: 501), .tooLong), (String(repeating: "a/", count: 5000), .tooLong),
        ] as [(String, MailboxName.Fault)]
    )
    func faults(_ input: String, _ fault: MailboxName.Fault) {
        #expect(throws: fault) { try MailboxName(input) }
    }

    @Test(
        "octets in no encoding",
        arguments: [
            ([0xFF], .utf8), ([0xC3], .modifiedUTF7), (octets("&AOk"), .modifiedUTF7), (octets("&AGE-"), .modifiedUTF7),
        ] as [([UInt8], MailboxName.Encoding)]
    )
    func wrongEncoding(_ octets: [UInt8], _ encoding: MailboxName.Encoding) {
        #expect(throws: MailboxName.Fault.wrongEncoding) { try MailboxName(octets, encoding: encoding) }
    }

    @Test("the longest names")
    func longest() throws {
        #expect(try MailboxName(String(repeating: "x", count: 1000)).text.utf8.count == 1000)
        #expect(try MailboxName(String(repeating: "a/", count: 500)).text.utf8.count == 999)
    }

    @Test("two spellings of a letter are two names")
    func normalization() throws {
        let (composed, decomposed) = (try MailboxName("\u{E9}"), try MailboxName("e\u{301}"))
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test("hierarchy")
    func hierarchy() throws {
        let name = try MailboxName("a/b\u{301}/\u{301}c")
        #expect(name.parent == (try MailboxName("a/b\u{301}")))
        #expect(name.parent?.parent == (try MailboxName("a")))
        #expect(name.parent?.parent?.parent == nil)
        #expect(name.isInferior(to: try MailboxName("a")))
        #expect(!name.isInferior(to: name))
        #expect(!(try MailboxName("ab").isInferior(to: try MailboxName("a"))))
        #expect(try MailboxName("inbox/x").isInferior(to: .inbox))
        #expect(try MailboxName("inbox").isInbox)
        #expect(!(try MailboxName("inbox/x").isInbox))
    }
}
