// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 5321 §4.1.1 Arguments of commands") struct CommandArgumentTests {
    @Test(
        "§4.1.1.1 EHLO and HELO",
        arguments: [
            ("mail.example.com", "mail.example.com"), ("Mail.Example.COM", "mail.example.com"),
            ("localhost", "localhost"),
            ("[192.0.2.1]", "[192.0.2.1]"), ("[IPv6:::1]", "[IPv6:::1]"), ("MY_PC", "my_pc"), ("_x.local", "_x.local"),
            ("[192.0.2.1] i am a client", "[192.0.2.1]"), ("a.example (b)", "a.example"),
        ]
    )
    func clientName(input: String, name: String) throws {
        #expect(try parse(input) { try $0.clientName() } == name)
    }

    @Test(
        "S-19: EHLO and HELO reject what must not get into a Received field",
        arguments: [
            "", " ", " a", "(a)", "a(b)", "a;b", "<a>", "a\"b", "a\0", "a\r\nb", "\u{E9}.example", "[1.2.3]", "[::1]",
            "a@b", "a.", "-a",
            String(repeating: "a.", count: 5_000) + "a", String(repeating: "a", count: 10_000),
        ]
    )
    func clientNameRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.clientName() } }
        #expect(throws: SyntaxError.self) { try parse(input, allowsUTF8: true) { try $0.clientName() } }
    }

    @Test(
        "§4.1.1.2 MAIL",
        arguments: [
            ("FROM:<>", "<>", []),
            ("from:<a@b>", "<a@b>", []),
            ("From: <a@b>", "<a@b>", []),
            ("FROM:   <a@b>   SIZE=5", "<a@b>", ["SIZE=5"]),
            ("FROM:<a@b> SIZE=1000 BODY=8BITMIME smtputf8", "<a@b>", ["SIZE=1000", "BODY=8BITMIME", "SMTPUTF8"]),
            (#"FROM:<"> SIZE=1"@b> RET=HDRS"#, #"<"> SIZE=1"@b>"#, ["RET=HDRS"]),
        ]
    )
    func mail(input: String, path: String, parameters: [String]) throws {
        let mail = try parse(input) { try $0.mail() }
        #expect(mail.path.description == path)
        #expect(mail.parameters.all.map(\.description) == parameters)
    }

    @Test(
        "§4.1.1.2 MAIL rejects",
        arguments: [
            "", "FROM", "FROM:", "FROM: ", "FROM<a@b>", "FROM :<a@b>", " FROM:<a@b>", "TO:<a@b>", "FROM:a@b",
            "FROM:a@b SIZE=1", "FROM:<a@b>SIZE=1",
            "FROM:<a@b>,<c@d>", "FROM:<a@b> <c@d>", "FROM:<Postmaster>", "FROM:<a@b> SIZE=1 SIZE=2",
            "FROM:<a@b> SIZE=1 size=1", "FROM:<a@b> =1",
            "FROM:<a@b> SIZE=", "FROM:<a@b> SIZE=1=2", "FROM:<a@b> SIZE =1", "FROM:<a@b> SI.ZE=1", "FROM:<a@b> -X=1",
            "FROM:<a@b> X=a\0b",
            "FROM:<a@b> X=\u{E9}", "FROM:<a@b> X=a\r\nDATA",
            "FROM:<a@b>" + (0...Parameters.limit).map { " X\($0)" }.joined(),
        ]
    )
    func mailRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.mail() } }
    }

    @Test(
        "§4.1.1.3 RCPT",
        arguments: [
            ("TO:<a@b>", "<a@b>", []),
            ("to: <a@b>", "<a@b>", []),
            ("TO:<postmaster>", "<Postmaster>", []),
            ("TO:<postmaster@B>", "<postmaster@b>", []),
            ("TO:<@a,@b:c@d> NOTIFY=NEVER", "<c@d>", ["NOTIFY=NEVER"]),
        ]
    )
    func recipient(input: String, path: String, parameters: [String]) throws {
        let recipient = try parse(input) { try $0.recipient() }
        #expect(recipient.path.description == path)
        #expect(recipient.parameters.all.map(\.description) == parameters)
    }

    @Test(
        "§4.1.1.3 RCPT rejects",
        arguments: ["", "TO", "TO:", "TO:<>", "TO:a@b", "TO:postmaster", "FROM:<a@b>", "TO:<a@b> N=", "TO:<a>"]
    )
    func recipientRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.recipient() } }
    }

    @Test(
        "RFC 3030 §2 BDAT",
        arguments: [
            ("0 LAST", 0, true), ("1000", 1_000, false), ("1000 last", 1_000, true),
            ("9223372036854775808", 1 << 63, false),
            ("18446744073709551615 LAST", .max, true),
        ] as [(String, UInt64, Bool)]
    )
    func chunk(input: String, size: UInt64, isLast: Bool) throws {
        #expect(try parse(input) { try $0.chunk() } == ChunkCounter(size: size, isLast: isLast))
    }

    @Test(
        "RFC 3030 §2 BDAT rejects",
        arguments: [
            "", "LAST", "-1", "1 ", "1 LASTS", "1 LAST X", "1LAST", "1.5", "18446744073709551616", "1 2",
        ]
    )
    func chunkRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.chunk() } }
    }

    @Test(
        "RFC 4954 §4 AUTH",
        arguments: [
            ("PLAIN", "PLAIN", nil), ("plain AGEAYg==", "PLAIN", "AGEAYg=="), ("EXTERNAL =", "EXTERNAL", "="),
            ("SCRAM-SHA-256 biws", "SCRAM-SHA-256", "biws"),
        ] as [(String, String, String?)]
    )
    func authentication(input: String, mechanism: String, response: String?) throws {
        let authentication = try parse(input) { try $0.authentication() }
        #expect(authentication.mechanism == mechanism)
        #expect(authentication.response.map { Array($0).text } == response)
    }

    @Test(
        "RFC 4954 §4 AUTH rejects",
        arguments: ["", " PLAIN", "PLAIN ", "PLAIN a b", "=", "ABCDEFGHIJKLMNOPQRSTU", "PL\u{C4}IN", "A.B"]
    )
    func authenticationRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.authentication() } }
    }
}
