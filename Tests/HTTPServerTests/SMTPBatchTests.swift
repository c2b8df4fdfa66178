// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Bridge: SMTP batches") struct SMTPBatchTests {
    // NUL "ann@example.org" NUL "secret"
    private static let logIn = "EHLO client.example.com\r\nAUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=\r\n"
    private static let message = "From: Ann <ann@example.org>\r\nSubject: hi\r\n\r\n..dots\r\n"

    /// The codes of the replies, one for each reply.
    private static func codes(_ replies: String) -> [String] {
        replies.split(separator: "\r\n").filter { $0.dropFirst(3).first != "-" }.map { String($0.prefix(3)) }
    }

    @Test(
        "smtp-delivers: A whole session in one request delivers a message; the replies come back",
        arguments: ["QUIT\r\n", ""]
    )
    func delivers(end: String) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.post(
                "/smtp/utf-8",
                Self.logIn + "MAIL FROM:<ann@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n" + Self.message
                    + ".\r\n" + end
            )
            #expect(answer.status == .ok)
            #expect(answer.fields[.contentType] == "text/plain; charset=utf-8")
            let expected = ["220", "250", "235", "250", "250", "354", "250"] + (end.isEmpty ? [] : ["221"])
            #expect(Self.codes(answer.text) == expected, "\(answer.text)")
            #expect(try await fixture.inboxCount() == 1)
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    @Test("smtp-lf: LF line ends throughout are made CRLF") func lineFeeds() async throws {
        try await Fixture.run { fixture in
            let batch =
                Self.logIn + "MAIL FROM:<ann@example.org>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n" + Self.message
                + ".\r\nQUIT"
            let answer = try await fixture.post("/smtp/", batch.lineFeedsOnly)
            #expect(Self.codes(answer.text).last == "221", "\(answer.text)")
            #expect(try await fixture.inboxCount() == 1)
        }
    }

    @Test("smtp-bdat: BDAT takes the octets it announces") func chunks() async throws {
        try await Fixture.run { fixture in
            let text = Self.message
            let answer = try await fixture.post(
                "/smtp/",
                Self.logIn
                    + "MAIL FROM:<ann@example.org>\r\nRCPT TO:<ann@example.org>\r\nBDAT \(text.utf8.count) LAST\r\n"
                    + text + "QUIT\r\n"
            )
            #expect(Self.codes(answer.text) == ["220", "250", "235", "250", "250", "250", "221"], "\(answer.text)")
            #expect(try await fixture.inboxCount() == 1)
        }
    }

    @Test("smtp-first-error-stops: After the first negative reply nothing more is sent") func firstErrorStops()
        async throws
    {
        try await Fixture.run { fixture in
            let answer = try await fixture.post(
                "/smtp/",
                Self.logIn + "MAIL FROM:<ann@example.org>\r\nRCPT TO:<nobody@example.org>\r\n"
                    + "RCPT TO:<ann@example.org>\r\nDATA\r\n" + Self.message + ".\r\nQUIT\r\n"
            )
            #expect(answer.status == .ok)
            #expect(Self.codes(answer.text) == ["220", "250", "235", "250", "550"], "\(answer.text)")
            #expect(try await fixture.inboxCount() == 0)
        }
    }

    @Test("smtp-auth-required: Nobody sends without logging in, also from this machine") func authenticationIsRequired()
        async throws
    {
        try await Fixture.run { fixture in
            let answer = try await fixture.post(
                "/smtp/",
                "EHLO client.example.com\r\nMAIL FROM:<ann@example.org>\r\nQUIT\r\n"
            )
            #expect(Self.codes(answer.text) == ["220", "250", "530"], "\(answer.text)")
            #expect(!answer.text.contains("STARTTLS"))
        }
    }

    @Test(
        "smtp-faults-400: A faulty batch is refused before anything is sent",
        arguments: [
            "", "DATA\r\ntext\r\n", "DATA\r\ntext\r\n.", "DATA\r\ntext\n.\r\n", "NOOP\r\nNOOP\n", "NOOP\rNOOP\r\n",
            "DATA\r\ntext\r\n.\n", "DATA\r\nte\rxt\r\n.\r\n", "BDAT 10 LAST\r\nshort", "BDAT x\r\n", "BDAT 5\nabcde",
            "BDAT 99999999999999999999\r\n", "\n\r", "NOOP\r\n\n",
        ]
    )
    func faults(batch: String) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.post("/smtp/", batch)
            #expect(answer.status == .badRequest)
            #expect(answer.error == "bad-batch")
        }
    }

    @Test("smtp-units: A batch is cut into lines, texts and chunks") func units() throws {
        let text = "EHLO a\r\nDATA\r\na\r\n..\r\n.\r\ndata \r\n.\r\nBDAT 3\r\n\r\n.BDAT 0 LAST\r\nquit"
        let batch = try SMTPBatch(Array(text.utf8))
        let units = batch.units.map { String(decoding: $0.octets, as: UTF8.self) }
        #expect(
            units == [
                "EHLO a\r\n", "DATA\r\n", "a\r\n..\r\n.\r\n", "data \r\n", ".\r\n", "BDAT 3\r\n\r\n.",
                "BDAT 0 LAST\r\n",
                "quit\r\n",
            ]
        )
        #expect(
            batch.units.map(\.kind) == [.beginning, .data, .text, .data, .text, .chunk, .text, .quit]
        )
    }
}

extension String {
    fileprivate var lineFeedsOnly: String {
        String(decoding: self.utf8.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
    }
}
