// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

private func replies(_ buffers: [[UInt8]]) throws -> [Reply] {
    var parser = ReplyParser()
    var replies: [Reply] = []
    for buffer in buffers {
        parser.append(buffer)
        while let reply = try parser.next() { replies.append(reply) }
    }
    #expect(!parser.hasUnread)
    return replies
}

@Suite("RFC 5321 §4.2.1 Replies, received") struct ReplyParserTests {
    @Test(
        "Replies come out at every split",
        arguments: [
            ("250 OK\r\n", [Reply(250, "OK")]),
            ("250\r\n", [Reply(250)]),
            ("250 \r\n", [Reply(250)]),
            ("250-\r\n250\r\n", [Reply(250, "", "")]),
            (
                "250-First line\r\n250-Second line\r\n250-234 Text\r\n250 The last line\r\n",
                [Reply(250, "First line", "Second line", "234 Text", "The last line")]
            ),
            ("250 a\r\n354 b\r\n", [Reply(250, "a"), Reply(354, "b")]),
            ("550 5.1.1 No\r\n", [Reply(550, EnhancedStatusCode(5, 1, 1), "No")]),
            ("550 5.1.1\r\n", [Reply(550, EnhancedStatusCode(5, 1, 1), "")]),
            ("550-5.1.1 a\r\n550-b\r\n550 5.1.1 c\r\n", [Reply(550, EnhancedStatusCode(5, 1, 1), ["a", "b", "c"])]),
            ("550-5.1.1 a\r\n550 5.1.2 b\r\n", [Reply(550, EnhancedStatusCode(5, 1, 1), ["a", "5.1.2 b"])]),
            ("550 4.1.1 No\r\n", [Reply(550, "4.1.1 No")]),
            ("220 2.0 a\r\n", [Reply(220, "2.0 a")]),
            ("550 5.1.1: No\r\n", [Reply(550, "5.1.1: No")]),
            ("550 a\tb\u{1}c\r\n", [Reply(550, "a b?c")]),
            ("550 \u{E9}\u{85}\r\n", [Reply(550, "\u{E9}?")]),
            ("", []),
        ] as [(String, [Reply])]
    )
    func accepted(input: String, expected: [Reply]) throws {
        for buffers in cuts([UInt8](input)) { #expect(try replies(buffers) == expected) }
    }

    @Test(
        "Anything else is an error, at every split",
        arguments: [
            "\r\n", "OK\r\n", "25\r\n", "25 0\r\n", "2500\r\n", "250_OK\r\n", "250\tOK\r\n", " 250 OK\r\n",
            "150 OK\r\n", "600 OK\r\n", "000 OK\r\n", "-50 a\r\n",
            "250-a\r\n251 b\r\n", "250-a\r\nb\r\n", "250 a\n250 b\r\n", "250 a\rb\r\n", "SSH-2.0-x\r\n",
            "HTTP/1.1 400 Bad Request\r\n",
        ]
    )
    func rejected(input: String) {
        for buffers in cuts([UInt8](input)) { #expect(throws: SyntaxError.self) { try replies(buffers) } }
    }

    @Test("Malformed UTF-8 in a text is replaced, not passed on")
    func malformedText() throws {
        #expect(try replies([[UInt8]("550 a") + [0xFF] + [UInt8]("b\r\n")]) == [Reply(550, "a\u{FFFD}b")])
    }

    @Test("A reply is bounded in lines, in octets, and in the length of a line")
    func bounds() throws {
        let lines = [UInt8](String(repeating: "250-a\r\n", count: 99) + "250 a\r\n")
        #expect(try replies([lines]).first?.lines.count == 100)
        #expect(throws: SyntaxError.self) { try replies([[UInt8]("250-a\r\n") + lines]) }
        let long = String(repeating: "x", count: 1_990)
        #expect(try replies([[UInt8](String(repeating: "250-\(long)\r\n", count: 31) + "250 \(long)\r\n")]).count == 1)
        #expect(throws: SyntaxError.self) {
            try replies([[UInt8](String(repeating: "250-\(long)\r\n", count: 33) + "250 \(long)\r\n")])
        }
        #expect(throws: SyntaxError.self) { try replies([[UInt8]("250 \(long)\(long)\r\n")]) }
    }

    @Test(
        "What a server says unasked can be seen, and forgotten before TLS",
        arguments: ["220 go\r\n250 evil\r\n", "220 go\r\n2", "220 go\r\n250-x\r\n"]
    )
    func injection(input: String) throws {
        var parser = ReplyParser()
        parser.append([UInt8](input))
        #expect(try parser.next() == Reply(220, "go"))
        _ = input.hasSuffix("-x\r\n") ? try parser.next() : nil
        #expect(parser.hasUnread)
        parser.reset()
        #expect(!parser.hasUnread)
        parser.append([UInt8]("250 good\r\n"))
        #expect(try parser.next() == Reply(250, "good"))
    }
}

@Suite("RFC 5321 §4.1.1.1 EHLO replies") struct EHLOReplyTests {
    @Test("A parameter that is said again is kept once, also within a line")
    func repeated() throws {
        let reply = Reply(250, nil, ["mx", "AUTH PLAIN PLAIN LOGIN", "AUTH=LOGIN PLAIN XOAUTH", "AUTH"])
        let ehlo = try #require(EHLOReply(reply))
        #expect(ehlo.extensions == ["AUTH": ["PLAIN", "LOGIN", "XOAUTH"]])
    }

    /// Words are compared with those before them; a server that sends thousands must not make that expensive.
    @Test func thousandsOfParameters() throws {
        let lines = (0..<90).map { line in "AUTH " + (0..<200).map { "m\(line)-\($0)" }.joined(separator: " ") }
        let server = try #require(EHLOReply(Reply(250, nil, ["mx.example.net"] + lines)))
        #expect(server.extensions["AUTH"]?.count == EHLOReply.parameterLimit)
    }

    @Test("Keywords and parameters")
    func extensions() throws {
        let reply = Reply(
            250,
            "mx.example greets you",
            "SIZE 1000",
            "PIPELINING",
            "8bitmime",
            "AUTH PLAIN login",
            "AUTH=LOGIN CRAM-MD5",
            "",
            "?",
            "LIMITS RCPTMAX=50 mailmax=7",
            "X-A  b  c"
        )
        let ehlo = try #require(EHLOReply(reply))
        #expect(ehlo.domain == "mx.example")
        #expect(
            ehlo.offers("PIPELINING") && ehlo.offers("8BITMIME") && !ehlo.offers("CHUNKING")
                && !ehlo.offers("MX.EXAMPLE")
        )
        #expect(ehlo.extensions["X-A"] == ["b", "c"])
        #expect(ehlo.sizeLimit == 1_000)
        #expect(ehlo.authenticationMechanisms == ["PLAIN", "LOGIN", "CRAM-MD5"])
        #expect(ehlo.recipientLimit == 50)
        #expect(ehlo.transactionLimit == 7)
    }

    @Test(
        "No number, no limit",
        arguments: [
            "SIZE", "SIZE 0", "SIZE x", "SIZE 99999999999999999999999", "LIMITS RCPTMAX=0", "LIMITS RCPTMAX=1234567",
            "LIMITS RCPTMAX",
        ]
    )
    func noLimit(line: String) throws {
        let ehlo = try #require(EHLOReply(Reply(250, "a", line)))
        #expect(ehlo.sizeLimit == nil)
        #expect(ehlo.recipientLimit == nil)
    }

    @Test("Only 250 offers anything")
    func refused() {
        #expect(EHLOReply(Reply(502, "a", "SIZE")) == nil)
        #expect(EHLOReply(domain: "a").extensions.isEmpty)
    }
}
