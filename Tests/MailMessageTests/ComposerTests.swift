// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("Composing messages")
struct ComposerTests {
    private func field(_ write: (inout Composer) -> Void) -> String {
        var composer = Composer()
        write(&composer)
        return String(decoding: composer.octets, as: UTF8.self)
    }

    @Test(arguments: [
        ("a", "Subject: a\r\n"), ("", "Subject: \r\n"), ("  a   b  ", "Subject: a b\r\n"),
        ("Ü", "Subject: =?utf-8?B?w5w=?=\r\n"),
        (
            String(repeating: "word ", count: 20),
            "Subject:" + String(repeating: " word", count: 14) + "\r\n" + String(repeating: " word", count: 6) + "\r\n"
        ),
    ])
    func subjects(text: String, expected: String) {
        #expect(self.field { composer in composer.field("Subject", text: text) } == expected)
    }

    @Test(
        "S-19: no value ends its line",
        arguments: ["\r\n", "\r", "\n", "\0", "\u{0B}", "\r\n\r\n", "\u{2028}", "\n\r"]
    )
    func injection(separator: String) {
        let hostile = "a\(separator)Bcc: victim@example.org"
        let mailbox = AddressMailbox(name: octets(hostile), localPart: octets(hostile), domain: octets(hostile))
        let fields = self.field { composer in
            composer.field("Subject", text: hostile)
            composer.field("X-Raw", octets(hostile))
            composer.field("To", addresses: [.groupStart(octets(hostile)), .mailbox(mailbox), .groupEnd])
        }
        #expect(HeaderParser(octets(fields)).map { field in text(field.name) } == ["Subject", "X-Raw", "To"])
        #expect(fields.utf8.allSatisfy { octet in octet != 0 })
        let lines = fields.utf8.split(separator: 10, omittingEmptySubsequences: false)
        #expect(lines.dropLast().allSatisfy { line in line.last == 13 && line.count(where: { $0 == 13 }) == 1 })
    }

    @Test("RFC 5322 §2.1.1: no line has more than 998 characters", arguments: [77, 900, 901, 998, 5000])
    func longWords(count: Int) {
        let word = String(repeating: "a", count: count)
        let field = self.field { composer in composer.field("Subject", text: "b \(word) c") }
        #expect(field.utf8.split(separator: 10).allSatisfy { line in line.count <= 999 })
        #expect(field.utf8.count { octet in octet == UInt8(ascii: "a") } == count)
    }

    @Test func addresses() {
        let plain = AddressMailbox(name: octets("Joe Doe"), localPart: octets("joe"), domain: octets("example.org"))
        let quoted = AddressMailbox(name: octets("Doe, \"J\""), localPart: octets("a b"), domain: octets("example.org"))
        let encoded = AddressMailbox(name: octets("Jörg"), localPart: octets("j"), domain: octets("example.org"))
        let bare = AddressMailbox(localPart: octets("x"), domain: octets("y"))
        let list: [Address] = [
            .mailbox(plain), .groupStart(octets("g.1")), .mailbox(quoted), .mailbox(encoded), .groupEnd,
            .groupStart(octets("h")), .groupEnd, .mailbox(bare),
        ]
        let field = self.field { composer in composer.field("To", addresses: list) }
        #expect(
            field == """
                To: Joe Doe <joe@example.org>, "g.1": "Doe, \\"J\\"" <"a b"@example.org>,\r
                 =?utf-8?B?SsO2cmc=?= <j@example.org>;, h: ;, x@y\r

                """
        )
        let value = HeaderParser(octets(field)).first { _ in true }?.value ?? []
        #expect(AddressParser.addresses(in: value).count == list.count)
        #expect(AddressParser.addresses(in: value)[2].mailbox?.name == quoted.name)
    }

    @Test(arguments: [
        ("a", "a\r\n"), ("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd\r\n"), ("", ""), ("\n\n", "\r\n\r\n"), ("a\r\n", "a\r\n"),
    ])
    func lines(text: String, expected: String) {
        #expect(self.field { composer in composer.lines(text) } == expected)
    }
}
