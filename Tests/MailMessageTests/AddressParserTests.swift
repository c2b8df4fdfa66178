// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 5322 §3.4: addresses")
struct AddressParserTests {
    /// Each address as IMAP's ENVELOPE would show it, `-` for NIL.
    private func list(_ value: String) -> [String] {
        AddressParser.addresses(in: octets(value)).map { address in
            switch address {
            case .mailbox(let mailbox):
                [mailbox.name, mailbox.route, mailbox.localPart, mailbox.domain]
                    .map { octets in text(octets) ?? "-" }.joined(separator: "|")
            case .groupStart(let name):
                "-|-|\(text(name) ?? "")|-"
            case .groupEnd:
                "-|-|-|-"
            }
        }
    }

    @Test(
        "Examples of appendix A",
        arguments: [
            ("John Doe <jdoe@machine.example>", ["John Doe|-|jdoe|machine.example"]),
            (
                "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
                ["Mary Smith|-|mary|x.test", "-|-|jdoe|example.org", "Who?|-|one|y.test"]
            ),
            (
                "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
                ["-|-|boss|nil.test", "Giant; \"Big\" Box|-|sysservices|example.net"]
            ),
            (
                "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
                [
                    "-|-|A Group|-", "Ed Jones|-|c|a.test", "-|-|joe|where.test", "John|-|jdoe|one.test", "-|-|-|-",
                ]
            ),
            ("Undisclosed recipients:;", ["-|-|Undisclosed recipients|-", "-|-|-|-"]),
            (
                "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
                ["Pete|-|pete|silly.test"]
            ),
            (
                "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
                    + "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
                [
                    "-|-|A Group|-", "Chris Jones|-|c|public.example", "-|-|joe|example.org", "John|-|jdoe|one.test",
                    "-|-|-|-",
                ]
            ),
            (
                "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
                ["-|-|Hidden recipients|-", "-|-|-|-"]
            ),
            ("Joe Q. Public <john.q.public@example.com>", ["Joe Q. Public|-|john.q.public|example.com"]),
            (
                "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
                ["Mary Smith|@node.test|mary|example.net", "-|-|jdoe|test.example"]
            ),
        ]
    )
    func examples(value: String, expected: [String]) {
        #expect(self.list(value) == expected)
    }

    @Test(
        "Obsolete and broken forms",
        arguments: [
            ("", []),
            (" ,, ,", []),
            (";", []),
            ("user@example.org (Some (nice) \\(one\\))", ["Some (nice) (one)|-|user|example.org"]),
            ("(a) user@example.org", ["a|-|user|example.org"]),
            ("<@a.test,@b.test:user@c.test>", ["-|@a.test,@b.test|user|c.test"]),
            ("\"john smith\"@example.org", ["-|-|john smith|example.org"]),
            ("john . \"q\" . smith@example.org", ["-|-|john.q.smith|example.org"]),
            ("user@[192.0.2.1]", ["-|-|user|[192.0.2.1]"]),
            ("user@[IPv6: 2001:db8::1]", ["-|-|user|[IPv6:2001:db8::1]"]),
            ("<>", ["-|-||"]),
            ("Name <>", ["Name|-||"]),
            ("root", ["-|-|root|"]),
            ("Name <root>", ["Name|-|root|"]),
            ("user@example.org <user@example.org>", ["user@example.org|-|user|example.org"]),
            ("John Smith john@example.org", ["John Smith|-|john|example.org"]),
            ("<a@b@c>", ["-|-|a@b|c"]),
            ("Name <user@example.org", ["Name|-|user|example.org"]),
            ("Name <user@example.org, b@c", ["Name|-|user|example.org", "-|-|b|c"]),
            ("\"Name <user@example.org>", ["-|-|Name <user@example.org>|"]),
            ("(never ends <user@example.org>", []),
            ("[list] Name <a@b>", ["[list] Name|-|a|b"]),
            ("=?utf-8?Q?J=C3=B6rg?= <j@example.org>", ["=?utf-8?Q?J=C3=B6rg?=|-|j|example.org"]),
            ("Jörg <jörg@example.org>", ["Jörg|-|jörg|example.org"]),
            ("a@b c@d", ["-|-|a|b", "-|-|c|d"]),
            (")a@b", ["-|-|a|b"]),
            ("@", ["-|-||"]),
            ("a@", ["-|-|a|"]),
            ("a\0b@c\r\n .d", ["a|-|b|c.d"]),
        ]
    )
    func broken(value: String, expected: [String]) {
        #expect(self.list(value) == expected)
    }

    @Test(
        "Groups always end, and never nest",
        arguments: [
            ("a: b@c", ["-|-|a|-", "-|-|b|c", "-|-|-|-"]),
            ("a: b: c@d; ;", ["-|-|a|-", "-|-|-|-", "-|-|b|-", "-|-|c|d", "-|-|-|-"]),
            ("a:;b:;", ["-|-|a|-", "-|-|-|-", "-|-|b|-", "-|-|-|-"]),
            (":;", ["-|-||-", "-|-|-|-"]),
        ]
    )
    func groups(value: String, expected: [String]) {
        #expect(self.list(value) == expected)
    }

    @Test("I-09: long lists are linear", .timeLimit(.minutes(20)))
    func longLists() {
        let count = 100_000
        for unit in ["a@b,", "a:", "(", "a <", "\"", "<@a,", "a@", "a ", "((a)", ".", "a\\", ";", "a:;"] {
            let value = repeated(unit, count: count)
            #expect(AddressParser.addresses(in: value).count <= 2 * count + 1)
        }
        let list = repeated("a@b,", count: count)
        #expect(AddressParser.addresses(in: list).count == count)
        #expect(AddressParser.addresses(in: list, limit: 100).count == 100)
    }

    @Test(arguments: [
        ("john", "john@example.org"), ("john.q", "john.q@example.org"), ("john smith", "\"john smith\"@example.org"),
        ("a\"b\\", "\"a\\\"b\\\\\"@example.org"), ("", "\"\"@example.org"), (".a", "\".a\"@example.org"),
        ("a..b", "\"a..b\"@example.org"), ("a\r\nb", "\"ab\"@example.org"),
    ])
    func addrSpec(localPart: String, expected: String) {
        let mailbox = AddressMailbox(localPart: octets(localPart), domain: octets("example.org"))
        #expect(text(mailbox.addrSpec) == expected)
    }
}
