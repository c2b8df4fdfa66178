// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 8970: previews")
struct PreviewTests {
    @Test(arguments: [
        ("Hello\r\n\r\n  World\t!", "Hello World !"), ("", ""), (" \r\n ", ""), ("a\u{A0}b\0c", "a b c"),
        (String(repeating: "ü", count: 300), String(repeating: "ü", count: 200)),
        (String(repeating: "a", count: 199) + " bcd", String(repeating: "a", count: 199)),
    ])
    func plain(input: String, expected: String) {
        #expect(Preview.text(of: octets(input)) == expected)
    }

    @Test(arguments: [
        ("<p>Hello</p><p>World</p>", "Hello World"),
        ("<html><head><title>T</title><style type=a>p { x: y }</style></head><body>a<br>b", "a b"),
        ("a<!-- <b>no</b> -->b<SCRIPT>alert(1)</SCRIPT >c", "a b c"),
        ("a &amp; b &lt;c&gt; &#228;&#xE4; &uuml; &nbsp;d &unknown; &", "a & b <c> ää ü d &unknown; &"),
        ("a &#0; &#xD800; &#99999999999; b", "a &#xD800; &#99999999999; b"),
        ("a <b", "a"), ("a <!-- b", "a"), ("a <style> b", "a"), ("<", ""),
    ])
    func html(input: String, expected: String) {
        #expect(Preview.text(of: octets(input), isHTML: true) == expected)
    }

    @Test(
        "Which part stands for the message",
        arguments: [
            ("text/plain", "text/html", "text/plain"), ("text/html", "text/plain", "text/plain"),
            ("text/html", "image/png", "text/html"), ("image/png", "image/png", nil),
            ("text/plain\nContent-Disposition: attachment", "text/html", "text/html"),
            ("text/plain\nContent-Disposition: inline", "text/html", "text/plain"),
        ]
    )
    func part(first: String, second: String, expected: String?) {
        let text =
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: \(first)\n\n--b\nContent-Type: \(second)\n\n--b--"
        #expect(MessageSummary(parsing: message(text)).previewPart.map { part in outline(part) } == expected)
    }

    @Test(
        "Hostile HTML is linear",
        .timeLimit(.minutes(20)),
        arguments: ["<", "<!--", "<style>", "&", "&amp", "<a ", "</style"]
    )
    func long(unit: String) {
        #expect(Preview.text(of: repeated(unit, count: 50_000), isHTML: true).unicodeScalars.count <= 200)
    }
}
