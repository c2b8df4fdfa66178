// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 5321 §4.1.1 Command Semantics and Syntax") struct CommandLineTests {
    @Test(
        "A command is a verb in any case, and arguments",
        arguments: [
            ("NOOP", "NOOP", ""),
            ("noop", "NOOP", ""),
            ("NoOp x", "NOOP", "x"),
            ("MAIL FROM:<a@b>", "MAIL", "FROM:<a@b>"),
            ("QUIT \t ", "QUIT", ""),
            ("RCPT  TO:<a@b> ", "RCPT", " TO:<a@b>"),
            ("X-ONE-2 \u{E9}", "X-ONE-2", "\u{E9}"),
            ("GET / HTTP/1.1", "GET", "/ HTTP/1.1"),
        ]
    )
    func accepted(line: String, verb: String, arguments: String) throws {
        let command = try CommandLine([UInt8](line)[...])
        #expect(command.verb == verb)
        #expect(Array(command.arguments).text == arguments)
    }

    @Test(
        "Anything else is none",
        arguments: [
            "", " ", " NOOP", "-X", "5MAIL", "MAIL:x", "MAIL\tFROM:<>", "NOOP\0", "N\0OP", "NOOP a\0b", "NOOP a\u{1}b",
            "NOOP a\tb", "NOOP a\u{7F}b", "NOOP a\rb", "NOOP a\nb", "\u{E9}HLO x", "<html>",
            String(repeating: "A", count: 33),
        ]
    )
    func rejected(line: String) {
        #expect(throws: SyntaxError.self) { try CommandLine([UInt8](line)[...]) }
    }

    @Test("An error tells where, counted from the beginning of the line, and nothing that was sent")
    func errorOffset() {
        let line = [UInt8]("....NOOP secret\u{1}")[4...]
        #expect(throws: SyntaxError(expected: "printable characters", offset: 11)) { try CommandLine(line) }
    }
}

@Suite("RFC 5321 §4.1.1 Commands, written") struct CommandLineWritingTests {
    @Test("What is written is what is read")
    func roundTrip() throws {
        let address = EmailAddress("a b", "example.com")
        let commands: [(CommandLine, String)] = [
            (CommandLine(verb: "DATA"), "DATA"),
            (try .hello(name: "Mail.Example.com"), "EHLO mail.example.com"),
            (try .hello("LHLO", name: "[IPv6:2001:DB8:0::1]"), "LHLO [IPv6:2001:db8::1]"),
            (.mail(from: .null), "MAIL FROM:<>"),
            (
                .mail(from: .address(address), [.size(1_000), .body(.eightBitMIME), .smtpUTF8, .requireTLS]),
                #"MAIL FROM:<"a b"@example.com> SIZE=1000 BODY=8BITMIME SMTPUTF8 REQUIRETLS"#
            ),
            (.recipient(.postmaster), "RCPT TO:<Postmaster>"),
            (
                .recipient(.address(address), [.notify([.success, .delay])]),
                #"RCPT TO:<"a b"@example.com> NOTIFY=SUCCESS,DELAY"#
            ),
            (.chunk(size: 70_000, isLast: false), "BDAT 70000"),
            (.chunk(size: 0, isLast: true), "BDAT 0 LAST"),
            (try .authentication("PLAIN", response: "AGEAYg=="), "AUTH PLAIN AGEAYg=="),
            (try .authentication("EXTERNAL", response: "="), "AUTH EXTERNAL ="),
            (try .authentication("SCRAM-SHA-256"), "AUTH SCRAM-SHA-256"),
        ]
        for (command, text) in commands {
            #expect(command.octets.text == text + "\r\n")
            #expect(try CommandLine(command.octets.dropLast(2)) == command)
        }
    }

    @Test(
        "Text that would be more than an argument is refused",
        arguments: ["", "a b", "a\r\nQUIT", "a.", "[1.2.3]", "\u{E9}"]
    )
    func helloRefuses(name: String) {
        #expect(throws: SyntaxError.self) { try CommandLine.hello(name: name) }
    }

    @Test("S-19: no line end in an initial response", arguments: ["a\r\nQUIT", "a b", "", "\0"])
    func authenticationRefuses(response: String) {
        #expect(throws: SyntaxError.self) { try CommandLine.authentication("PLAIN", response: response) }
    }
}

extension EmailAddress {
    /// An address that the test knows to be one.
    init(_ localPart: String, _ domain: String) {
        self.init(checkedLocalPart: localPart, domain: domain)
    }
}
