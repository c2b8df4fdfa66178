// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 2045 §5: Content-Type")
struct ContentTypeTests {
    /// Type, subtype and parameters in one line.
    private func line(_ type: ContentType) -> String {
        ([type.type + octets("/") + type.subtype]
            + type.parameters.map { parameter in parameter.name + octets("=") + parameter.value })
            .map { octets in String(decoding: octets, as: UTF8.self) }.joined(separator: "; ")
    }

    @Test(arguments: [
        ("text/plain; charset=us-ascii (Plain text)", "text/plain; charset=us-ascii"),
        ("text/plain; charset=\"us-ascii\"", "text/plain; charset=us-ascii"),
        ("Text/HTML;Charset=UTF-8;format=flowed", "Text/HTML; Charset=UTF-8; format=flowed"),
        ("multipart/mixed;\r\n\tboundary=\"a;b\\\"c\"\r\n", "multipart/mixed; boundary=a;b\"c"),
        ("text (a) / (b) plain (c) ; (d) x (e) = (f) y", "text/plain; x=y"),
        ("application/octet-stream; name=a.b/c=d; x", "application/octet-stream; name=a.b/c=d"),
        ("image/png; name=\"Übel.png\"", "image/png; name=Übel.png"),
        ("image/png; name==?utf-8?Q?=C3=9C?=", "image/png; name==?utf-8?Q?=C3=9C?="),
        ("a/b;;;c=d;", "a/b; c=d"),
        ("a/b; c=\"never ends; d=e", "a/b; c=never ends; d=e"),
        ("a/b; c=", "a/b; c="),
        ("a/b; c=\"\"", "a/b; c="),
        ("a/b c; d=e", "a/b; d=e"),
        // RFC 2045 §5.2: what is not valid is text/plain.
        ("text", "text/plain"),
        ("text; charset=utf-8", "text/plain; charset=utf-8"),
        ("text/", "text/plain"),
        ("/plain", "text/plain"),
        ("", "text/plain"),
        ("\0\0(", "text/plain"),
    ])
    func parsing(value: String, expected: String) {
        #expect(self.line(ContentType(parsing: octets(value)[...])) == expected)
    }

    @Test func caseDoesNotCount() {
        let type = ContentType(parsing: octets("TEXT/Plain; CHARSET=x")[...])
        #expect(type.isType("text") && type.isType("text", "plain") && !type.isType("text", "html"))
        #expect(text(type.parameters.value(of: "charset")) == "x")
        #expect(ContentType(parsing: octets("Message/Global")[...]).isMessage)
    }

    @Test(
        "RFC 2231 §3, §4: continued and extended values",
        arguments: [
            (
                "a/b; URL*0=\"ftp://\";\r\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
                "a/b; URL=ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"
            ),
            (
                "a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
                "a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"
            ),
            (
                "a/b; title*0*=us-ascii'en'This%20is%20even%20more%20;\r\n title*1*=%2A%2A%2Afun%2A%2A%2A%20;\r\n"
                    + " title*2=\"isn't it!\"",
                "a/b; title*=us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t%20it!"
            ),
            ("a/b; x*2=c; y=1; x*0=a; x*1=b", "a/b; x=abc; y=1"),
            ("a/b; x*1*=b%25; x*0=a", "a/b; x*=''ab%25"),
            ("a/b; X*0=a; x*1=b", "a/b; X=ab"),
            // What lies behind a gap, comes twice or is not numbered as it should be stays as it is.
            ("a/b; x*0=a; x*2=c", "a/b; x=a; x*2=c"),
            ("a/b; x*1=b", "a/b; x*1=b"),
            ("a/b; x*0=a; x*0=b", "a/b; x=a; x*0=b"),
            ("a/b; x*00=a; x*01=b", "a/b; x*00=a; x*01=b"),
            ("a/b; x*0=a; x*9999999999999999999=b", "a/b; x=a; x*9999999999999999999=b"),
            ("a/b; *0=a; **=b; *=c", "a/b; *0=a; **=b; *=c"),
        ]
    )
    func continuations(value: String, expected: String) {
        #expect(self.line(ContentType(parsing: octets(value)[...])) == expected)
    }

    @Test(
        "Parameters as text",
        arguments: [
            ("a/b; name=plain.txt", "plain.txt"),
            ("a/b; name*=utf-8''%C3%9Cbel.txt", "Übel.txt"),
            ("a/b; name*=iso-8859-1'de'%DCbel.txt; name=Uebel.txt", "Übel.txt"),
            ("a/b; name*0*=utf-8''%C3; name*1*=%9C", "Ü"),
            ("a/b; name*=x-unknown''%41; name=b", "b"),
            ("a/b; name*=x-unknown''%41", "A"),
            ("a/b; name*=%41", "A"),
            ("a/b; name*=''%4", "%4"),
            ("a/b; name=\"=?utf-8?B?w5w=?=.txt\"", "Ü.txt"),
            ("a/b; other=c", nil),
        ]
    )
    func asText(value: String, expected: String?) {
        #expect(ContentType(parsing: octets(value)[...]).parameters.text(of: "name") == expected)
    }

    @Test(
        "RFC 2183: Content-Disposition",
        arguments: [
            ("attachment; filename=a.txt", "attachment", "a.txt"),
            ("INLINE", "INLINE", nil),
            ("; filename=a.txt", "attachment", "a.txt"),
            ("", "attachment", nil),
        ]
    )
    func disposition(value: String, type: String, fileName: String?) {
        let disposition = ContentDisposition(parsing: octets(value)[...])
        #expect(text(disposition.type) == type)
        #expect(disposition.parameters.text(of: "filename") == fileName)
    }

    @Test("I-09: many segments are sorted, not searched", .timeLimit(.minutes(20)))
    func manySegments() {
        for order in [Array(0..<100_000), Array((0..<100_000).reversed()), Array(repeating: 0, count: 100_000)] {
            let value = "a/b" + order.map { number in "; x*\(number)=y" }.joined()
            #expect(ContentType(parsing: octets(value)[...]).parameters.count <= 1000)
        }
        let whole = "a/b" + (0..<1000).map { number in "; x*\(number)=y" }.joined()
        let parameters = ContentType(parsing: octets(whole)[...]).parameters
        #expect(parameters.value(of: "x")?.count == 1000)
    }
}
