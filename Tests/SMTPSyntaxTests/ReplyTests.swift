// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 5321 §4.2 SMTP Replies") struct ReplyTests {
    @Test(
        "Replies as they are sent",
        arguments: [
            (Reply.ok, "250 2.0.0 OK\r\n"),
            (
                Reply(250, "a.example", "SIZE 1000", "PIPELINING"),
                "250-a.example\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"
            ),
            (Reply(550, EnhancedStatusCode(5, 1, 1), ["No.", "Never."]), "550-5.1.1 No.\r\n550 5.1.1 Never.\r\n"),
            (.startMailInput, "354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
            (.serviceReady("a.example"), "220 a.example ESMTP Service ready\r\n"),
            (.challenge(""), "334 \r\n"),
            (Reply(250, nil, []), "250 \r\n"),
            (
                .syntaxError(SyntaxError(expected: "Reverse-path", offset: 5)),
                "501 5.5.4 Syntax error, expected Reverse-path\r\n"
            ),
        ]
    )
    func written(reply: Reply, text: String) {
        #expect(reply.octets.text == text)
    }

    @Test(
        "S-19: no text gets out of its line",
        arguments: ["a\r\n250 b", "a\nb", "a\rb", "a\0b", "\u{85}", "\u{2028}", "\u{1B}[0m", "a\tb"]
    )
    func sanitised(text: String) {
        let octets = Reply(550, EnhancedStatusCode(5, 0, 0), text).octets
        #expect(octets.dropLast(2).allSatisfy { 0x20...0x7E ~= $0 })
        #expect(octets.suffix(2) == [0x0D, 0x0A])
    }

    @Test("No line is over 512 octets, and no text is lost", arguments: [500, 501, 502, 503, 5_000], [true, false])
    func folded(count: Int, hasSpaces: Bool) throws {
        let text = String((0..<count).map { hasSpaces && $0 % 7 == 3 ? " " : "x" })
        let octets = Reply(550, EnhancedStatusCode(5, 1, 1), text).octets
        var framer = LineFramer(limit: Reply.lineLimit)
        framer.append(octets)
        var lines: [String] = []
        while let line = try framer.nextLine() { lines.append(Array(line).text) }
        #expect(lines.map { $0.dropFirst("550-5.1.1 ".count) }.joined() == text)
        #expect(lines.dropLast().allSatisfy { $0.hasPrefix("550-5.1.1 ") })
        #expect(lines.last?.hasPrefix("550 5.1.1 ") == true)
        #expect((lines.count == 1) == (count <= 500))
    }

    @Test(
        "Severity is the first digit",
        arguments: [
            (250, .positiveCompletion), (354, .positiveIntermediate), (421, .transientNegative),
            (599, .permanentNegative),
        ] as [(Int, Reply.Severity)]
    )
    func severity(code: Int, severity: Reply.Severity) {
        #expect(Reply(code).severity == severity)
        #expect(Reply(code).isPositive == (code < 400))
    }

    @Test("A reply for a log is one line")
    func description() {
        #expect(Reply(550, EnhancedStatusCode(5, 1, 1), ["No.", "", "Never."]).description == "550 5.1.1 No. Never.")
        #expect(Reply(250).description == "250")
    }

    @Test(
        "The common replies can be read back as they are",
        arguments: [
            Reply.closing("a.example"), .notAvailable("a.example"), .timedOut("a.example"), .noService,
            .readyToStartTLS, .mustStartTLS, .senderOK,
            .recipientOK, .cannotVerify, .commandUnrecognized, .lineTooLong, .bareLineEnd,
            .syntaxError(SyntaxError(expected: "Reverse-path")),
            .commandNotImplemented,
            .parametersNotRecognized, .mailboxUnavailable,
            .mailboxNameNotAllowed, .relayingDenied,
            .needsSMTPUTF8, .tooManyRecipients, .noValidRecipients, .insufficientStorage, .messageTooBig,
            .localError,
            .binaryNeedsChunks, .contentRefused(.nul), .contentRefused(.bareLineFeed),
            .contentRefused(.bareCarriageReturn),
            .authenticated, .authenticationRequired, .credentialsInvalid, .authenticationUnavailable,
            .authenticationCancelled, .needsEncryption,
        ]
    )
    func common(reply: Reply) throws {
        var parser = ReplyParser()
        parser.append(reply.octets)
        #expect(try parser.next() == reply)
        #expect(reply.lines.count == 1)
        #expect(reply.octets.count <= Reply.lineLimit)
    }
}

@Suite("RFC 3463 §2 Enhanced status codes") struct EnhancedStatusCodeTests {
    @Test("Round trip", arguments: ["2.0.0", "4.7.1", "5.1.10", "5.999.999"])
    func roundTrip(text: String) throws {
        #expect(try EnhancedStatusCode(parsing: text).description == text)
    }

    @Test(
        "Rejects",
        arguments: [
            "", "5", "5.1", "5.1.", "5.1.1.", "5.1.1 ", " 5.1.1", "3.1.1", "1.1.1", "55.1.1", "5.1000.1", "5.1.1000",
            "5..1", "a.b.c", "5,1,1",
        ]
    )
    func rejects(text: String) {
        #expect(throws: SyntaxError.self) { try EnhancedStatusCode(parsing: text) }
    }
}
