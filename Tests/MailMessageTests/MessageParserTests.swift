// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailMessage

@Suite("RFC 2045, RFC 2046: the structure of messages")
struct MessageParserTests {
    private func parse(_ text: String, limits: MessageParser.Limits = .default) -> MessageSummary {
        var parser = MessageParser(limits: limits)
        parser.append(message(text))
        let summary = parser.finish()
        #expect(faults(of: summary) == [])
        return summary
    }

    /// The text of a part's body.
    private func body(_ part: Part, of text: String) -> String {
        String(decoding: message(text)[part.bodyRange], as: UTF8.self)
    }

    @Test(arguments: [
        ("Subject: a\n\nbody\n", 0..<14, 14..<20, 1),
        ("Subject: a\n\nbody", 0..<14, 14..<18, 0),
        ("Subject: a\n\n", 0..<14, 14..<14, 0),
        ("Subject: a\n", 0..<12, 12..<12, 0),
        ("Subject: a", 0..<10, 10..<10, 0),
        ("\nbody\n\n", 0..<2, 2..<10, 2),
        ("\n", 0..<2, 2..<2, 0),
        ("", 0..<0, 0..<0, 0),
    ])
    func headerAndBody(text: String, header: Range<Int>, body: Range<Int>, lines: Int) {
        let summary = self.parse(text)
        #expect(summary.root.headerRange == header)
        #expect(summary.root.bodyRange == body)
        #expect(summary.root.bodyLines == lines)
        #expect(summary.size == message(text).count)
        #expect(summary.root.contentType == .plainText)
        #expect(summary.root.content == .leaf)
    }

    @Test func everyFieldOfAPart() {
        let root = self.parse(
            """
            content-type: IMAGE/png; name=a.png
            Content-Transfer-Encoding: (c) Base64 (d)
            Content-ID: <a@b>
            Content-Description: a
             b
            Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
            Content-Disposition: attachment; filename=b.png; size=7
            Content-Language: de, en-GB (c) ,
            Content-Location: http://example.org/a
            References: <1@x>
             <2@x>

            """
        )
        #expect(text(root.references) == "<1@x> <2@x>")
        let part = root.root
        #expect(text(part.contentType.type) == "IMAGE")
        #expect(text(part.transferEncoding) == "Base64")
        #expect(text(part.contentID) == "<a@b>")
        #expect(text(part.description) == "a b")
        #expect(text(part.md5) == "Q2hlY2sgSW50ZWdyaXR5IQ==")
        #expect(text(part.disposition?.type) == "attachment")
        #expect(part.disposition?.parameters.count == 2)
        #expect(part.language.map { tag in text(tag) } == ["de", "en-GB"])
        #expect(text(part.location) == "http://example.org/a")
        #expect(part.fileName == "b.png")
    }

    @Test func theExampleOfRFC2046() {
        let text = """
            From: Nathaniel Borenstein <nsb@bellcore.com>
            Subject: Sample message
            MIME-Version: 1.0
            Content-type: multipart/mixed; boundary="simple boundary"

            This is the preamble.  It is to be ignored.

            --simple boundary

            This is implicitly typed plain US-ASCII text.
            It does NOT end with a linebreak.
            --simple boundary
            Content-type: text/plain; charset=us-ascii

            This is explicitly typed plain US-ASCII text.
            It DOES end with a linebreak.

            --simple boundary--

            This is the epilogue.  It is also to be ignored.
            """
        let root = self.parse(text).root
        #expect(outline(root) == "multipart/mixed(text/plain text/plain)")
        #expect(
            self.body(root.children[0], of: text)
                == "This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak."
        )
        #expect(root.children[0].bodyLines == 1)
        #expect(
            self.body(root.children[1], of: text)
                == "This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n"
        )
        #expect(root.children[1].bodyLines == 2)
        #expect(root.bodyRange.upperBound == message(text).count)
    }

    @Test(
        "Boundaries",
        arguments: [
            // White space may follow, nothing else may.
            ("--b \t\n\nA\n--bc\n--b-\n-- b\n --b\n--B\n--b--\n", ["A\r\n--bc\r\n--b-\r\n-- b\r\n --b\r\n--B"]),
            // A part without a header, without a body, without anything.
            ("--b\n\n--b\nX: y\n--b\n--b--", ["", "", ""]),
            // The end is missing.
            ("--b\n\nA\n--b\n\nB\n", ["A", "B\r\n"]),
            ("--b\n\nA\n--b", ["A", ""]),
            // After the end there is nothing.
            ("--b\n\nA\n--b--\n--b\n\nB\n--b--\n", ["A"]),
            // No part at all: the body is the part.
            ("--b--\n", ["--b--\r\n"]),
            ("text\n", ["text\r\n"]),
            ("", [""]),
        ]
    )
    func boundaries(body: String, expected: [String]) {
        let text = "Content-Type: multipart/mixed; boundary=b\n\n" + body
        let parts = self.parse(text).root.children
        #expect(parts.map { part in self.body(part, of: text) } == expected)
    }

    @Test(
        "Boundaries that are not what they should be",
        arguments: [
            ("boundary=\"b \"", "b", "multipart/mixed(text/html)"),
            ("boundary=\"a b?\"", "a b?", "multipart/mixed(text/html)"),
            ("boundary=\"b--\"", "b--", "multipart/mixed(text/html)"),
            ("boundary*0=b; boundary*1=c", "bc", "multipart/mixed(text/html)"),
            ("boundary*=us-ascii''b%63", "bc", "multipart/mixed(text/html)"),
            ("boundary=b; boundary=c", "b", "multipart/mixed(text/html)"),
            ("boundary=\"\"", "", "multipart/mixed(text/plain)"),
            ("x=y", "b", "multipart/mixed(text/plain)"),
            (
                "boundary=" + String(repeating: "b", count: 2048), String(repeating: "b", count: 2048),
                "multipart/mixed(text/html)"
            ),
            (
                "boundary=" + String(repeating: "b", count: 5000), String(repeating: "b", count: 5000),
                "multipart/mixed(text/plain)"
            ),
        ]
    )
    func oddBoundaries(parameter: String, boundary: String, expected: String) {
        let summary = self.parse(
            "Content-Type: multipart/mixed; \(parameter)\n\n--\(boundary)\nContent-Type: text/html\n\n--\(boundary)--\n"
        )
        #expect(outline(summary.root) == expected)
    }

    @Test(
        "Multiparts in multiparts",
        arguments: [
            // An outer boundary ends what is inside, ended or not.
            ("b", "c", "--b\n%\n--c\n\nA\n--b\n\nB\n--b--", ["A"], 2),
            // One boundary begins like the other.
            ("b", "bb", "--b\n%\n--bb\n\nA\n--bb--\n--b\n\nB\n--b--", ["A"], 2),
            ("bb", "b", "--bb\n%\n--b\n\nA\n--b--\n--bb\n\nB\n--bb--", ["A"], 2),
            // One is the other's end.
            ("b", "b--", "--b\n%\n--b--\n\nA\n--b----\n--b\n\nB\n--b--", ["A"], 2),
            ("b--", "b", "--b--\n%\n--b\n\nA\n--b--\n--b--\n\nB\n--b----", ["A"], 2),
            // Both are the same: the inner one counts until it ends.
            ("b", "b", "--b\n%\n--b\n\nA\n--b\n\nB\n--b--\n--b\n\nC\n--b--", ["A", "B"], 2),
        ]
    )
    func nested(outer: String, inner: String, body: String, innerParts: [String], outerCount: Int) {
        let header = "Content-Type: multipart/mixed; boundary=\"\(outer)\"\n\n"
        let innerHeader = "Content-Type: multipart/mixed; boundary=\"\(inner)\"\n"
        let text = header + body.split(separator: "%").joined(separator: innerHeader)
        let root = self.parse(text).root
        #expect(root.children.count == outerCount)
        #expect(root.children.first?.children.map { part in self.body(part, of: text) } == innerParts)
    }

    @Test func messagesInMessages() {
        let text = """
            Subject: outer
            Content-Type: multipart/digest; boundary=b

            --b

            Subject: one
            From: a@x

            A
            --b
            Content-Type: message/rfc822

            Subject: two
            Content-Type: multipart/mixed; boundary=c

            --c

            B
            --b
            Content-Type: text/html

            C
            --b--
            """
        let summary = self.parse(text)
        #expect(
            outline(summary.root)
                == "multipart/digest(message/rfc822(text/plain) message/rfc822(multipart/mixed(text/plain)) text/html)"
        )
        let parts = summary.root.children
        #expect(parts.map { part in MailMessageTests.text(part.message?.envelope.subject) } == ["one", "two", nil])
        #expect(self.body(parts[0], of: text) == "Subject: one\r\nFrom: a@x\r\n\r\nA")
        #expect(parts[0].bodyLines == 3)
        #expect(parts[0].message?.root.bodyRange.count == 1)
        #expect(MailMessageTests.text(summary.envelope.subject) == "outer")
    }

    @Test("A message cut off in every place still has its structure")
    func messageWithoutBody() {
        #expect(outline(self.parse("Content-Type: message/rfc822\n").root) == "message/rfc822(text/plain)")
        #expect(outline(self.parse("Content-Type: message/rfc822\n\n").root) == "message/rfc822(text/plain)")
        #expect(outline(self.parse("Content-Type: multipart/mixed; boundary=a").root) == "multipart/mixed(text/plain)")
        #expect(
            outline(self.parse("Content-Type: message/global\n\nSubject: x\nContent-Type: text/html").root)
                == "message/global(text/html)"
        )
    }

    @Test(
        "RFC 2046 §5.2.1: an encoded message is no message",
        arguments: [
            ("base64", "application/octet-stream"), ("Quoted-Printable", "application/octet-stream"),
            ("8bit", "message/rfc822(text/html)"), ("x-what", "message/rfc822(text/html)"),
        ]
    )
    func encodedMessage(encoding: String, expected: String) {
        let summary = self.parse(
            "Content-Type: message/rfc822\nContent-Transfer-Encoding: \(encoding)\n\nContent-Type: text/html\n\n"
        )
        #expect(outline(summary.root) == expected)
    }

    @Test func bareLineFeeds() {
        var parser = MessageParser()
        parser.append(octets("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nA\n--b\r\n\r\nB\r\n--b--\n"))
        let summary = parser.finish()
        #expect(faults(of: summary) == [])
        #expect(summary.root.children.map { part in part.bodyRange.count } == [1, 1])
    }

    @Test func bareCarriageReturnsEndNothing() {
        var parser = MessageParser()
        parser.append(octets("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\r\n\r\nA\r--b\r\r\n--b--\r\n"))
        let summary = parser.finish()
        #expect(faults(of: summary) == [])
        #expect(outline(summary.root) == "multipart/mixed(text/plain)")
        #expect(summary.root.children.first?.bodyRange.count == 6)
    }
}
