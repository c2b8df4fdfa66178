// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §6.4.5.1 sections")
struct FetchBodySectionTests {
    /// The "complex message" of §6.4.5.1, cut down to what shows the numbering.
    private static let complex = """
        Subject: outer
        From: a@x
        Content-Type: multipart/mixed; boundary=m

        --m
        X: 1

        part 1
        --m
        Content-Type: application/octet-stream

        part 2
        --m
        Content-Type: message/rfc822

        Subject: third
        Content-Type: multipart/mixed; boundary=n

        --n

        part 3.1
        --n
        X: 3.2

        part 3.2
        --n--
        --m
        Content-Type: multipart/mixed; boundary=o

        --o
        Content-Type: image/gif

        part 4.1
        --o
        Content-Type: message/rfc822

        Subject: fourth

        part 4.2.1
        --o--
        --m--
        """

    private func check(_ message: String, _ item: String, _ expected: String?) async throws {
        let fixture = FetchFixture(message)
        let value = expected.map { text in "{\(octets(text).count)}\r\n" + text.replacing("\n", with: "\r\n") } ?? "NIL"
        #expect(try await fixture.item(item) == item.replacing(".PEEK", with: "") + " " + value)
    }

    @Test(
        "the parts of a complex message",
        arguments: [
            ("", complex),
            ("HEADER", "Subject: outer\nFrom: a@x\nContent-Type: multipart/mixed; boundary=m\n\n"),
            ("HEADER.FIELDS (FROM)", "From: a@x\n\n"),
            ("HEADER.FIELDS.NOT (from CONTENT-type)", "Subject: outer\n\n"),
            ("HEADER.FIELDS (To)", "\n"),
            ("1", "part 1"),
            ("1.MIME", "X: 1\n\n"),
            ("2", "part 2"),
            ("2.MIME", "Content-Type: application/octet-stream\n\n"),
            ("3.MIME", "Content-Type: message/rfc822\n\n"),
            ("3.HEADER", "Subject: third\nContent-Type: multipart/mixed; boundary=n\n\n"),
            ("3.HEADER.FIELDS (Subject)", "Subject: third\n\n"),
            ("3.TEXT", "--n\n\npart 3.1\n--n\nX: 3.2\n\npart 3.2\n--n--"),
            (
                "3",
                "Subject: third\nContent-Type: multipart/mixed; boundary=n\n\n"
                    + "--n\n\npart 3.1\n--n\nX: 3.2\n\npart 3.2\n--n--"
            ),
            ("3.1", "part 3.1"),
            ("3.1.MIME", "\n"),
            ("3.2", "part 3.2"),
            ("3.2.MIME", "X: 3.2\n\n"),
            ("4.1", "part 4.1"),
            ("4.1.MIME", "Content-Type: image/gif\n\n"),
            ("4.2.HEADER", "Subject: fourth\n\n"),
            ("4.2.TEXT", "part 4.2.1"),
            ("4.2.1", "part 4.2.1"),
            ("4.2.1.MIME", "Subject: fourth\n\n"),
            // What does not exist.
            ("5", nil), ("1.1", nil), ("1.HEADER", nil), ("2.TEXT", nil), ("3.3", nil), ("4.HEADER", nil),
            ("4.2.2", nil),
            ("4.1.1", nil), ("1.HEADER.FIELDS (X)", nil), ("4294967295", nil),
        ] as [(String, String?)]
    )
    func parts(_ section: String, _ expected: String?) async throws {
        try await self.check(Self.complex, "BODY.PEEK[\(section)]", expected)
    }

    @Test(
        "a message without parts is its own part 1",
        arguments: [
            ("1", "text\n"), ("TEXT", "text\n"), ("1.MIME", "Subject: x\n\n"), ("2", nil), ("1.1", nil),
            ("1.HEADER", nil),
            ("1.TEXT", nil), ("1.1.MIME", nil),
        ] as [(String, String?)]
    )
    func single(_ section: String, _ expected: String?) async throws {
        try await self.check("Subject: x\n\ntext\n", "BODY.PEEK[\(section)]", expected)
    }

    @Test(
        "empty is not missing",
        arguments: [
            ("", "", ""), ("", "HEADER", ""), ("", "TEXT", ""), ("", "1", ""), ("Subject: x\n\n", "TEXT", ""),
            ("Subject: x\n", "HEADER", "Subject: x\n"), ("Subject: x", "HEADER.FIELDS (subject)", "Subject: x"),
            ("Subject: x\n", "HEADER.FIELDS (to)", ""), ("\ntext", "HEADER", "\n"), ("\ntext", "TEXT", "text"),
        ] as [(String, String, String)]
    )
    func empty(_ message: String, _ section: String, _ expected: String) async throws {
        try await self.check(message, "BODY.PEEK[\(section)]", expected)
    }

    @Test(
        "the label repeats the request: case, order, repetition; quotes only where they must be",
        arguments: [
            ("BODY.PEEK[HEADER.FIELDS (subject \"FROM\" subject)]", "BODY[HEADER.FIELDS (subject FROM subject)]"),
            ("body.peek[header.fields.not (\"x(y\")]", "BODY[HEADER.FIELDS.NOT (\"x(y\")]"),
            ("BODY.PEEK[1.mime]", "BODY[1.MIME]"), ("body[]<0.10>", "BODY[]<0>"), ("BODY[TEXT]<7.1>", "BODY[TEXT]<7>"),
            ("RFC822", "RFC822"), ("rfc822.header", "RFC822.HEADER"), ("RFC822.TEXT", "RFC822.TEXT"),
        ] as [(String, String)]
    )
    func labels(_ item: String, _ expected: String) async throws {
        let response = try await FetchFixture("From: a@x\nSubject: s\n\ntext").item(item)
        #expect(response.hasPrefix(expected + " {"))
    }

    @Test(
        "partial: at the end, past it, and of a filtered header",
        arguments: [
            ("BODY[]<0.5>", "BODY[]<0> {5}\r\nFrom:"),
            ("BODY[]<0.4096>", "BODY[]<0> {26}\r\nFrom: a@x\r\nTo: b@x\r\n\r\ntext"),
            ("BODY[]<24.100>", "BODY[]<24> {2}\r\nxt"),
            ("BODY[]<26.1>", "BODY[]<26> {0}\r\n"),
            ("BODY[]<9223372036854775807.9223372036854775807>", "BODY[]<9223372036854775807> {0}\r\n"),
            ("BODY[TEXT]<1.2>", "BODY[TEXT]<1> {2}\r\nex"),
            ("BODY[HEADER.FIELDS (To)]<4.3>", "BODY[HEADER.FIELDS (To)]<4> {3}\r\nb@x"),
            ("BODY[HEADER.FIELDS (To)]<50.3>", "BODY[HEADER.FIELDS (To)]<50> {0}\r\n"),
            ("BODY[2]<0.1>", "BODY[2]<0> NIL"),
        ] as [(String, String)]
    )
    func partial(_ item: String, _ expected: String) async throws {
        #expect(try await FetchFixture("From: a@x\nTo: b@x\n\ntext").item(item) == expected)
    }

    @Test("RFC822 and its kin are the sections they stand for, RFC 3501 §6.4.5")
    func oldNames() async throws {
        let fixture = FetchFixture("A: b\n\ntext")
        #expect(try await fixture.item("RFC822") == "RFC822 {12}\r\nA: b\r\n\r\ntext")
        #expect(try await fixture.item("RFC822.HEADER") == "RFC822.HEADER {8}\r\nA: b\r\n\r\n")
        #expect(try await fixture.item("RFC822.TEXT") == "RFC822.TEXT {4}\r\ntext")
    }

    @Test("RFC822.SIZE is the size of BODY[], bare line feeds and all")
    func size() async throws {
        let message = Array("A: b\n\ntext\rmore\n".utf8)
        let fixture = FetchFixture([message])
        #expect(
            try await fixture.item("(RFC822.SIZE BODY.PEEK[])") == "RFC822.SIZE 16 BODY[] {16}\r\nA: b\n\ntext\rmore\n"
        )
    }

    @Test("NUL has no place in a literal, and the size is right all the same")
    func nul() async throws {
        let fixture = FetchFixture([[0x41, 0, 0x42]])
        #expect(try await fixture.item("BODY.PEEK[]") == "BODY[] {3}\r\nA\u{80}B")
    }

    @Test("only what is wanted is read")
    func reads() async throws {
        let large = octets("Subject: x\n\n") + [UInt8](repeating: 0x61, count: 1_000_000)
        let fixture = FetchFixture([large])
        #expect(try await fixture.item("BODY.PEEK[]<700000.5>") == "BODY[]<700000> {5}\r\naaaaa")
        #expect(try await fixture.item("BODY.PEEK[HEADER]") == "BODY[HEADER] {14}\r\nSubject: x\r\n\r\n")
        #expect(fixture.store.log.reads == [700_000..<700_005, 0..<14])
    }
}
