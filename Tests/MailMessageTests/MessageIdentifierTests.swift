// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 5322 §3.6.4: message identifiers")
struct MessageIdentifierTests {
    @Test(arguments: [
        ("<1234@local.machine.example>", ["1234@local.machine.example"]),
        ("<a@b> <c@d>\r\n\t<e@f>", ["a@b", "c@d", "e@f"]),
        ("<a@b>,<c@d>", ["a@b", "c@d"]),
        ("Your message of \"Mon <x@y>\" <a@b> (<no@no>)", ["a@b"]),
        ("<a(comment)@b>", ["a@b"]),
        ("< a @ b >", ["a@b"]),
        ("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>", ["01KF8JCEOCBS0045PS@xxx.yyy.com"]),
        ("<\"a b\"@c>", ["\"a b\"@c"]),
        ("<1234@[127.0.0.1]>", ["1234@[127.0.0.1]"]),
        ("<no-at-sign>", ["no-at-sign"]),
        ("<a@b <c@d>", ["a@b", "c@d"]),
        ("<a@b", ["a@b"]),
        ("<>", []), ("", []), ("<", []), ("a@b", []), ("<<<>>>", []),
    ])
    func list(value: String, expected: [String]) {
        let identifiers = MessageIdentifier.list(in: octets(value)[...])
        #expect(identifiers.map { identifier in text(identifier.octets) } == expected)
    }

    @Test func generated() {
        let identifier = MessageIdentifier.generate(
            time: UnixTime(1_700_000_000),
            random: [0, 1, 0xAB, 0xFF],
            domain: octets("mail.example")
        )
        #expect(text(identifier.bracketed) == "<s44we8.0001abff@mail.example>")
        #expect(MessageIdentifier.list(in: identifier.bracketed[...]) == [identifier])
    }

    @Test(
        "I-08: long References are linear",
        .timeLimit(.minutes(20)),
        arguments: ["<a@b>", "<", "<a", "(", "\"", "<\"a"]
    )
    func long(unit: String) {
        let value = repeated(unit, count: 100_000)
        #expect(MessageIdentifier.list(in: value[...]).count <= 100_000)
    }
}
