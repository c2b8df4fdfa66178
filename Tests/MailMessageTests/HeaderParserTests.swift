// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 5322 §2.2: header fields")
struct HeaderParserTests {
    /// Name and unfolded value of each field.
    private func fields(_ header: String) -> [[String]] {
        HeaderParser(octets(header)).map { field in [text(field.name), text(field.unfoldedValue) ?? ""] }
    }

    @Test(arguments: [
        ("A: b\r\n\r\nC: d\r\n", [["A", "b"]]),
        ("A: b\nC:d\n\nE: f", [["A", "b"], ["C", "d"]]),
        ("Subject: This\r\n is a test\r\n", [["Subject", "This is a test"]]),
        ("Subject: a\r\n\tb\r\n   \r\n c\r\nD: e\r\n", [["Subject", "a\tb    c"], ["D", "e"]]),
        ("A:\r\n\r\n", [["A", ""]]),
        ("A :b\r\n", [["A", "b"]]),
        ("A\t : b\r\n", [["A", "b"]]),
        ("no colon\r\nA: b\r\n", [["", "no colon"], ["A", "b"]]),
        ("From x@y Mon Jan  1 10:00:00 2024\r\nA: b\r\n", [["", "From x@y Mon Jan  1 10:00:00 2024"], ["A", "b"]]),
        (" continuation of nothing\r\nA: b\r\n", [["", "continuation of nothing"], ["A", "b"]]),
        (": no name\r\n", [["", ": no name"]]),
        ("Übel: b\r\n", [["", "Übel: b"]]),
        ("A: nul\0 and \r alone\r\n", [["A", "nul and  alone"]]),
        ("A: b", [["A", "b"]]),
        ("A: b\r", [["A", "b"]]),
        ("\r\nA: b\r\n", []),
        ("", []),
    ])
    func fields(header: String, expected: [[String]]) {
        #expect(self.fields(header) == expected)
    }

    @Test func nothingIsLost() {
        let header = octets("A: b\r\nnonsense\r\n C: d\r\nE:\r\n f\r\n\r\n")
        let fields = HeaderParser(header).flatMap { field in Array(field.octets) }
        #expect(fields + octets("\r\n") == header)
    }

    @Test func theFirstOfAName() {
        let header = octets("X: 1\r\nsubject: a\r\nSUBJECT: b\r\n\r\n")
        #expect(text(HeaderParser.first("Subject", in: header[...])?.unfoldedValue) == "a")
        #expect(HeaderParser.first("Date", in: header[...]) == nil)
    }

    private static let header = """
        From: a@b\r
        subject: one\r
         two\r
        nonsense\r
        Subject-Line: no\r
        SUBJECT : three\r
        \r
        body
        """

    @Test(
        "RFC 9051 §6.4.5.1: HEADER.FIELDS and HEADER.FIELDS.NOT",
        arguments: [
            (["SUBJECT"], true, "subject: one\r\n two\r\nSUBJECT : three\r\n\r\n"),
            (["Date"], true, "\r\n"),
            (["FROM", "Subject"], true, "From: a@b\r\nsubject: one\r\n two\r\nSUBJECT : three\r\n\r\n"),
            (["Subject"], false, "From: a@b\r\nnonsense\r\nSubject-Line: no\r\n\r\n"),
        ]
    )
    func subset(names: [String], matching: Bool, expected: String) {
        let subset = HeaderParser.subset(
            of: octets(HeaderParserTests.header)[...],
            names: names.map { name in octets(name) },
            matching: matching
        )
        #expect(text(subset) == expected)
    }

    @Test func subsetOfAHeaderWithoutEmptyLine() {
        let subset = HeaderParser.subset(of: octets("A: b\r\nC: d\r\n")[...], names: [octets("c")])
        #expect(text(subset) == "C: d\r\n")
    }

    @Test("I-09: a million fields", .timeLimit(.minutes(20)))
    func manyFields() {
        let header = repeated("A: b\r\n", count: 200_000)
        #expect(HeaderParser(header).reduce(0) { count, _ in count + 1 } == 200_000)
        #expect(HeaderParser.subset(of: header[...], names: [octets("a")]) == header)
    }
}
