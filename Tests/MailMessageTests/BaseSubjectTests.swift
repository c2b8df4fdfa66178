// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 5256 §2.1: base subject")
struct BaseSubjectTests {
    @Test(arguments: [
        ("", "", false), ("a", "a", false), ("  a \t\r\n b ", "a b", false),
        ("Re: a", "a", true), ("RE:a", "a", true), ("re : a", "a", true), ("Re[5]: a", "a", true),
        ("Fw: a", "a", true), ("Fwd: a", "a", true), ("fwd [x] : a", "a", true),
        ("Re: Fwd: Re: a", "a", true), ("[list] Re: [list] a", "a", true), ("[a][b] [c] re: d", "d", true),
        ("[list] a", "a", false), ("[a] [b] c", "c", false), ("[list]", "[list]", false), ("[a] [b]", "[b]", false),
        ("Re: [list]", "[list]", true), ("[a] Re: [b] [c]", "[c]", true),
        ("a (fwd)", "a", true), ("a (FWD) (fwd) ", "a", true), ("(fwd)", "", true), ("a(fwd)b", "a(fwd)b", false),
        ("[fwd: a]", "a", true), ("[Fwd: Re: a (fwd)]", "a", true), ("[fwd: [fwd: a]]", "a", true),
        ("[fwd:]", "", true),
        ("Re: [fwd: a]", "a", true), ("[fwd: a", "[fwd: a", false),
        ("Reply: a", "Reply: a", false), ("Re a", "Re a", false), ("re", "re", false), ("Re:", "", true),
        ("AW: a", "AW: a", false), ("fwdx: a", "fwdx: a", false), ("[a[b] re: c", "[a[b] re: c", false),
        ("=?utf-8?Q?Re=3A_=C3=9C?=", "Ü", true), ("Re: =?utf-8?Q?=C3=9C?= (fwd)", "Ü", true),
    ])
    func examples(subject: String, base: String, isReplyOrForward: Bool) {
        let result = BaseSubject(octets(subject))
        #expect(result.text == base)
        #expect(result.isReplyOrForward == isReplyOrForward)
    }

    @Test(
        "Hostile subjects are linear",
        .timeLimit(.minutes(20)),
        arguments: [
            ("[a]", "x"), ("[a]", ""), ("[", ""), ("re:", ""), ("re[", ""), ("[fwd:", ""), ("(fwd)", ""),
            ("[a] re: ", ""),
            ("[fwd:", "]"), ("re [a] ", ""), (" ", ""), ("re [a]", ":"),
        ]
    )
    func long(unit: String, end: String) {
        let count = 50_000
        let input = repeated(unit, count: count) + repeated(end, count: end == "]" ? count : 1)
        #expect(BaseSubject(input).text.utf8.count <= input.count)
    }
}
