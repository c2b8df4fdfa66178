// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@testable import JunkFilter

@Suite("Messages become tokens") struct MessageTokensTests {
    static func tokens(_ octets: [UInt8], pieces: Int = .max) -> [String] {
        let summary = MessageSummary(parsing: octets)
        return MessageTokens(summary) { range, body in
            var start = range.lowerBound
            while start < range.upperBound {
                let end = min(
                    range.upperBound,
                    start.addingReportingOverflow(pieces).overflow ? range.upperBound : start + pieces
                )
                guard body(octets[start..<end], end == range.upperBound) else { return }
                start = end
            }
        }.all
    }

    private static func octets(_ text: String) -> [UInt8] { Array(text.replacing("\n", with: "\r\n").utf8) }

    private static let example = """
        Return-Path: <bounce@lists.example>
        X-Letterhouse-Junk: yes, score=0.99
        Authentication-Results: mx.example.org; dmarc=pass header.from=shop.example
        Received: from out.shop.example ([192.0.2.7])
        \tby mx.example.org with ESMTP id 1; Sun, 29 Nov 2026 12:00:00 +0000
        Received: from inner ([10.0.0.1]) by out.shop.example
        From: =?utf-8?q?Gro=C3=9Fer?= Shop <News@Shop.Example>
        Reply-To: answers@elsewhere.example
        To: ann@example.org
        Subject: =?utf-8?b?R1JBVElTIHRvZGF5?=
        Date: Sun, 29 Nov 2026 12:00:00 +0000
        Message-ID: <1@shop.example>
        List-Unsubscribe: <https://shop.example/u>
        X-Mailer: Bulk Mailer 3.0
        Content-Type: multipart/mixed; boundary=b

        --b
        Content-Type: text/html; charset=utf-8
        Content-Transfer-Encoding: base64

        PHA+SGVsbG8gPGEgaHJlZj0iaHR0cHM6Ly9jbGljay5leGFtcGxlLyI+d29ybGQ8L2E+PC9wPg==
        --b
        Content-Type: application/octet-stream
        Content-Disposition: attachment; filename="Invoice_2026.exe"

        MZ
        --b--
        """

    @Test("The network is the one that the message came from, not the one that the client says") func client() {
        let tokens = Self.tokens(Self.octets("Received: from [198.51.100.1] ([192.0.2.7]) by x\nSubject: x\n\n"))
        #expect(tokens.filter { $0.hasPrefix("net:") } == ["net:192.0", "net:192.0.2"])
        #expect(!Self.tokens(Self.octets("Received: from [198.51.100.1] by x\n\n")).contains { $0.hasPrefix("net:") })
    }

    @Test("What is taken, and that nothing of ours is") func example() {
        let tokens = Self.tokens(Self.octets(Self.example))
        let expected = [
            "subject:gratis", "subject:today", "id:shop.example", "from:news@shop.example", "from:@shop.example",
            "name:großer", "name:shop", "reply:elsewhere", "reply:answers@elsewhere.example",
            "reply:@elsewhere.example", "to:ann@example.org", "to:@example.org", "net:192.0", "net:192.0.2",
            "has:list-unsubscribe", "mailer:bulk", "mailer:mailer", "mailer:3.0", "type:multipart/mixed",
            "type:text/html",
            "charset:utf-8", "type:application/octet-stream", "file:.exe", "file:invoice_2026.exe", "hello",
            "url:click.example", "world",
        ]
        #expect(tokens == expected)
        #expect(Set(tokens).count == tokens.count)
        for pieces in [1, 7, 100] { #expect(Self.tokens(Self.octets(Self.example), pieces: pieces) == expected) }
    }

    @Test("What lacks what every message has") func bare() {
        #expect(
            Self.tokens(Self.octets("\nHi there\n"))
                == [
                    "no:subject", "no:date", "no:message-id", "from:none", "to:none", "type:text/plain",
                    "charset:us-ascii", "there",
                ]
        )
        #expect(Self.tokens([]).contains("no:subject"))
    }

    @Test("A long part does not push out the others, nor a long header the parts") func bounds() {
        func words(_ prefix: String, _ count: Int) -> String {
            (0..<count).map { "\(prefix)\($0)x" }.joined(separator: " ")
        }
        let text = """
            Subject: \(words("subject", 3_000))
            From: a@b.example
            Content-Type: multipart/alternative; boundary=b

            --b

            \(words("poison", 3_000))
            --b
            Content-Type: text/html

            <p>\(words("seen", 3_000))</p>
            --b--
            """
        let tokens = Self.tokens(Self.octets(text))
        #expect(tokens.count == MessageTokens.limit)
        let header = tokens.prefix { $0.contains(":") }
        #expect(header.count { $0.hasPrefix("subject:") } == 100)
        #expect(tokens.count { $0.hasPrefix("seen") } == MessageTokens.partLimit)
        #expect(tokens.count { $0.hasPrefix("poison") } == MessageTokens.limit - MessageTokens.partLimit - header.count)
    }

    @Test("Text behind the first 64 KiB of a part is not read, and is cut between characters") func textLimit() {
        let long = String(repeating: "ä ", count: 24_000) + "behind"
        let octets = Self.octets("Content-Type: text/plain; charset=utf-8\n\nfirst \(long)")
        let tokens = Self.tokens(octets)
        #expect(tokens.contains("first") && !tokens.contains("behind"))
        #expect(Self.tokens(octets, pieces: 1_000) == tokens)
    }

    /// Work is counted in octets that are asked for: a test of time would say something of the machine.
    @Test("Of a message however large, no more is read than the limits say") func work() {
        let body = [UInt8](repeating: UInt8(ascii: "="), count: 4 << 20)
        let head = Self.octets("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n")
        let octets = head + body
        var read = 0
        _ = MessageTokens(MessageSummary(parsing: octets)) { range, body in
            read += range.count
            _ = body(octets[range], true)
        }
        #expect(read <= MessageTokens.encodedLimit + (128 << 10))
    }

    @Test("Whatever the octets are, there are tokens, the same ones, within bounds", arguments: 0..<12)
    func hostile(seed: UInt64) {
        var generator = TestGenerator(seed: seed)
        let pieces = [
            "<", ">", "&", ";", "#", "http://", "@", ":", "\"", "'", "<!--", "-->", "<style>", "</style>", "\u{200B}",
            "赌", "ä",
            "word", "=", " ", "\r\n", "--b", "Content-Type: text/html\r\n\r\n", "href=", "style=", ".", "\u{FFFD}",
        ]
        var text = Self.octets("Content-Type: text/html; charset=utf-8\nFrom: a@b\n\n")
        for _ in 0..<600 {
            if let piece = pieces.randomElement(using: &generator) { text += Array(piece.utf8) }
            if UInt8.random(in: 0...9, using: &generator) == 0 { text.append(.random(in: 0...255, using: &generator)) }
        }
        let tokens = Self.tokens(text)
        #expect(tokens.count <= MessageTokens.limit)
        #expect(tokens.allSatisfy { $0.utf8.count <= 300 })
        #expect(Self.tokens(text, pieces: 13) == tokens)
    }
}
