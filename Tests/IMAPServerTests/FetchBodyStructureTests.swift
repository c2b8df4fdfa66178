// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §7.5.2 BODY and BODYSTRUCTURE")
struct FetchBodyStructureTests {
    @Test(
        "basic fields",
        arguments: [
            (
                "Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\n\none\ntwo\n",
                #"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 10 2)"#
            ),
            // No Content-Type at all, and none that can be read.
            ("Subject: x\n\nhi\n", #"("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 4 1)"#),
            ("Content-Type: text\n\nhi\n", #"("text" "plain" NIL NIL NIL "7BIT" 4 1)"#),
            ("", #"("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 0 0)"#),
            (
                "Content-Type: image/gif; name=\"a \\\"b\\\".gif\"\nContent-ID: <1@x>\n"
                    + "Content-Description: a picture\nContent-Transfer-Encoding: BASE64\n\nR0lG\n",
                #"("image" "gif" ("name" "a \"b\".gif") "<1@x>" "a picture" "BASE64" 6)"#
            ),
        ] as [(String, String)]
    )
    func basicFields(_ message: String, _ expected: String) async throws {
        let fixture = FetchFixture(message)
        #expect(try await fixture.item("BODY") == "BODY " + expected)
    }

    private static let mixed = """
        From: a@example.org
        Content-Type: multipart/mixed; boundary=b1
        Content-Language: en, de
        Content-Location: http://example.org/

        preamble
        --b1
        Content-Type: text/plain; charset=utf-8
        Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
        Content-Disposition: inline
        Content-Language: fr

        text
        more
        --b1
        Content-Type: application/pdf
        Content-Transfer-Encoding: base64
        Content-Disposition: attachment; filename="=?utf-8?q?r=C3=A9sum=C3=A9?=.pdf"; filename*0*=utf-8''r%C3%A9;
         filename*1*=sum%C3%A9.pdf

        JVBE
        --b1--
        """

    @Test("BODY has no extension data")
    func body() async throws {
        let fixture = FetchFixture(Self.mixed)
        #expect(
            try await fixture.item("BODY") == #"BODY (("text" "plain" ("charset" "utf-8") NIL NIL "7BIT" 10 1)"#
                + #"("application" "pdf" NIL NIL NIL "base64" 4) "mixed")"#
        )
    }

    @Test("extension data stand in the defined order, and parameters are the sender's octets")
    func extensionData() async throws {
        let fixture = FetchFixture(Self.mixed)
        #expect(
            try await fixture.item("BODYSTRUCTURE")
                == #"BODYSTRUCTURE (("text" "plain" ("charset" "utf-8") NIL NIL "7BIT" 10 1 "#
                + #""Q2hlY2sgSW50ZWdyaXR5IQ==" ("inline" NIL) ("fr") NIL)"#
                + #"("application" "pdf" NIL NIL NIL "base64" 4 NIL "#
                + #"("attachment" ("filename" "=?utf-8?q?r=C3=A9sum=C3=A9?=.pdf" "filename*" "utf-8''r%C3%A9sum%C3%A9.pdf")) "#
                + #"NIL NIL) "mixed" ("boundary" "b1") NIL ("en" "de") "http://example.org/")"#
        )
    }

    @Test("a message in a message has envelope, structure and lines")
    func message() async throws {
        let fixture = FetchFixture(
            """
            Content-Type: multipart/digest; boundary=b

            --b

            Subject: inner
            From: a@x

            one
            two
            --b--
            """
        )
        #expect(
            try await fixture.item("BODY") == #"BODY (("message" "rfc822" NIL NIL NIL "7BIT" 37 "#
                + #"(NIL "inner" ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) ((NIL NIL "a" "x")) NIL NIL NIL NIL NIL) "#
                + #"("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 8 1) 4) "digest")"#
        )
    }

    @Test(
        "what has no parts is readable all the same",
        arguments: [
            "Content-Type: multipart/mixed; boundary=b\n\nnothing here\n",
            "Content-Type: multipart/mixed\n\n--b\n\nno boundary\n--b--\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b--\n",
            "Content-Type: multipart/mixed; boundary=b\n\n",
            "Content-Type: multipart/mixed; boundary=b",
            "Content-Type: message/rfc822\n\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--b--\n",
        ]
    )
    func degenerate(_ message: String) async throws {
        let fixture = FetchFixture(message)
        for item in ["BODY", "BODYSTRUCTURE"] {
            #expect(BodyReader.reads(try await fixture.item(item), named: item))
        }
    }

    @Test("a multipart of which the store has no parts is still a body")
    func withoutParts() {
        var writer = ResponseWriter()
        writer.body(
            Part(
                headerRange: 0..<0,
                bodyRange: 0..<3,
                bodyLines: 0,
                contentType: ContentType(type: octets("multipart"), subtype: octets("mixed")),
                content: .multipart([])
            ),
            isExtensible: false
        )
        #expect(text(writer.take()) == #"("multipart" "mixed" NIL NIL NIL "7BIT" 3)"#)
    }

    @Test("structure as deep as the parser allows can be read")
    func deep() async throws {
        let levels = 150
        var message = ""
        for level in 0..<levels { message += "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n" }
        message += "\ntext\n"
        for level in (0..<levels).reversed() { message += "--b\(level)--\n" }
        #expect(BodyReader.reads(try await FetchFixture(message).item("BODYSTRUCTURE"), named: "BODYSTRUCTURE"))
    }

    @Test("8-bit octets in parameters are literals, not quoted")
    func eightBit() async throws {
        let fixture = FetchFixture("Content-Type: text/plain; name=\"\u{E9}.txt\"\n\nx")
        #expect(
            try await fixture.item("BODY")
                == "BODY (\"text\" \"plain\" (\"name\" {6}\r\n\u{C3}\u{A9}.txt) NIL NIL \"7BIT\" 1 0)"
        )
    }
}

/// Reads a body as a client would, by RFC 9051 §9 alone.
private struct BodyReader {
    private let octets: [UInt8]
    private var position = 0

    private init(_ text: String) { self.octets = Array(text.utf8) }

    static func reads(_ item: String, named name: String) -> Bool {
        var reader = BodyReader(item)
        return reader.take(name + " ") && reader.body(isExtensible: name == "BODYSTRUCTURE")
            && reader.position == reader.octets.count
    }

    // body = "(" (body-type-1part / body-type-mpart) ")"
    private mutating func body(isExtensible: Bool) -> Bool {
        guard self.take("(") else { return false }
        if self.peek == UInt8(ascii: "(") {
            while self.peek == UInt8(ascii: "(") { guard self.body(isExtensible: isExtensible) else { return false } }
            guard self.take(" "), self.string() != nil else { return false }
            return (!isExtensible || self.take(" ") && self.parameters() && self.presentation()) && self.take(")")
        }
        guard let type = self.string(), self.take(" "), let subtype = self.string(), self.take(" "), self.parameters(),
            self.take(" "), self.nstring(), self.take(" "), self.nstring(), self.take(" "), self.string() != nil,
            self.take(" "), self.number()
        else { return false }
        if type.lowercased() == "text" {
            guard self.take(" "), self.number() else { return false }
        } else if type.lowercased() == "message", ["rfc822", "global"].contains(subtype.lowercased()) {
            guard self.take(" "), self.envelope(), self.take(" "), self.body(isExtensible: isExtensible),
                self.take(" "),
                self.number()
            else { return false }
        }
        return (!isExtensible || self.take(" ") && self.nstring() && self.presentation()) && self.take(")")
    }

    private mutating func presentation() -> Bool {
        guard self.take(" ") else { return false }
        if !self.take("NIL") {
            guard self.take("("), self.string() != nil, self.take(" "), self.parameters(), self.take(")") else {
                return false
            }
        }
        guard self.take(" ") else { return false }
        if !self.take("NIL") {
            guard self.take("("), self.string() != nil else { return false }
            while self.take(" ") { guard self.string() != nil else { return false } }
            guard self.take(")") else { return false }
        }
        return self.take(" ") && self.nstring()
    }

    private mutating func parameters() -> Bool {
        if self.take("NIL") { return true }
        guard self.take("(") else { return false }
        repeat {
            guard self.string() != nil, self.take(" "), self.string() != nil else { return false }
        } while self.take(" ")
        return self.take(")")
    }

    private mutating func envelope() -> Bool {
        guard self.take("("), self.nstring(), self.take(" "), self.nstring() else { return false }
        for _ in 0..<6 {
            guard self.take(" ") else { return false }
            if self.take("NIL") { continue }
            guard self.take("(") else { return false }
            repeat {
                guard self.take("("), self.nstring(), self.take(" "), self.nstring(), self.take(" "), self.nstring(),
                    self.take(" "), self.nstring(), self.take(")")
                else { return false }
            } while self.peek == UInt8(ascii: "(")
            guard self.take(")") else { return false }
        }
        return self.take(" ") && self.nstring() && self.take(" ") && self.nstring() && self.take(")")
    }

    private mutating func nstring() -> Bool { self.take("NIL") || self.string() != nil }

    private mutating func number() -> Bool {
        let start = self.position
        while let octet = self.peek, 0x30...0x39 ~= octet { self.position += 1 }
        return self.position > start
    }

    /// Quoted strings only: nothing in these messages needs a literal.
    private mutating func string() -> String? {
        guard self.take("\"") else { return nil }
        var value = ""
        while let octet = self.peek, octet != UInt8(ascii: "\"") {
            value.unicodeScalars.append(Unicode.Scalar(octet))
            self.position += 1
        }
        return self.take("\"") ? value : nil
    }

    private var peek: UInt8? { self.position < self.octets.count ? self.octets[self.position] : nil }

    private mutating func take(_ expected: String) -> Bool {
        guard self.octets[self.position...].starts(with: expected.utf8) else { return false }
        self.position += expected.utf8.count
        return true
    }
}
