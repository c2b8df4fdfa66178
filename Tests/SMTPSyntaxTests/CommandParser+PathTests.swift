// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 5321 §4.1.2 Reverse-path, Forward-path, Mailbox") struct PathTests {
    static let local64 = String(repeating: "l", count: 64)
    /// 189 octets: with `local64` and `@` an address of 254.
    static let domain189 = [63, 63, 61].map { String(repeating: "d", count: $0) }.joined(separator: ".")

    @Test(
        "Path and what is sent on",
        arguments: [
            ("<a@b>", "<a@b>"),
            ("<A.b@EXAMPLE.com>", "<A.b@example.com>"),
            (#"<"a"@b>"#, "<a@b>"),
            (#"<"\a.b"@b>"#, "<a.b@b>"),
            (#"<"a b"@b>"#, #"<"a b"@b>"#),
            (#"<"a@b"@c>"#, #"<"a@b"@c>"#),
            (#"<"a\"\\b"@c>"#, #"<"a\"\\b"@c>"#),
            (#"<".a"@b>"#, #"<".a"@b>"#),
            (#"<"a..b"@b>"#, #"<"a..b"@b>"#),
            (#"<"a."@b>"#, #"<"a."@b>"#),
            (#"<" "@b>"#, #"<" "@b>"#),
            ("<a%b@c>", "<a%b@c>"),
            ("<b!a@c>", "<b!a@c>"),
            ("<a+tag=x@b>", "<a+tag=x@b>"),
            ("<a@[192.0.2.1]>", "<a@[192.0.2.1]>"),
            ("<a@[ipv6:2001:DB8::0]>", "<a@[IPv6:2001:db8::]>"),
            ("<@a:c@d>", "<c@d>"),
            ("<@a,@b:c@d>", "<c@d>"),
            ("<@hosta.int,@jkl.org:userc@d.bar.org>", "<userc@d.bar.org>"),
            ("<Postmaster@b>", "<Postmaster@b>"),
            ("<\(local64)@\(domain189)>", "<\(local64)@\(domain189)>"),
        ]
    )
    func path(input: String, written: String) throws {
        let reverse = try parse(input) { try $0.reversePath() }
        let forward = try parse(input) { try $0.forwardPath() }
        #expect(reverse == forward)
        #expect(reverse.description == written)
        #expect(reverse.isASCII)
        #expect(try parse(written) { try $0.forwardPath() } == forward)
    }

    @Test(
        "S-20: Path rejects",
        arguments: [
            "", "<", ">", "a@b", "a@b>", "<a@b", "<a>", "<@b>", "<a@>", "<@>", "<@a>", "<@a:>", "<@a,b:c@d>",
            "<@a,:c@d>", "<@a b@c>",
            "<@a@b:c@d>", "<@a:@b:c@d>", #"<""@d>"#, #"<"@d>"#, #"<"a"b@c>"#, #"<a"b"@c>"#, #"<"a".b@c>"#, "<.a@b>",
            "<a.@b>", "<a..b@c>",
            "<a b@c>", "< a@b>", "<a@b >", "<a @b>", "<a@ b>", "<<a@b>>", "<a@b>>", "<a@b@c>", "<a@b,c@d>", "<a@b;c>",
            "<a@b.>", "<a@.b>",
            "<a(c)@b>", "<a@b(c)>", "<a@b_c>", "<a@[1.2.3]>", "<a@[1.2.3.4>", "<a@1.2.3.4]>", "<a\0@b>", "<a@b\0>",
            "<a\u{1}@b>",
            "<a@b\u{7F}>", "<a\t@b>", "<a@b\r>", "<a\r\nRCPT TO:<c@d>", "<\u{E9}@b>", "<a@\u{E9}>", "<\"\u{E9}\"@b>",
            "<a:b@c>", "<a\\b@c>",
            "<\(local64)l@b>", "<\(local64)@\(domain189)d>", "<\"\(local64) \"@b>", "<@\(domain189):\(local64)@b>",
            "<\(String(repeating: "a.", count: 5_000))b@c>", "Name <a@b>", "<mailto:a@b>", "'a@b'",
        ]
    )
    func pathRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.reversePath() } }
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.forwardPath() } }
    }

    @Test("<> is a Reverse-path, and no Forward-path")
    func null() throws {
        #expect(try parse("<>") { try $0.reversePath() } == .null)
        #expect(throws: SyntaxError.self) { try parse("<>") { try $0.forwardPath() } }
        #expect(throws: SyntaxError.self) { try parse("< >") { try $0.reversePath() } }
        #expect(Path.null.description == "<>")
    }

    @Test(
        "<Postmaster> in any case is a Forward-path, and no Reverse-path",
        arguments: [
            "<Postmaster>", "<postmaster>", "<POSTMASTER>", "<pOSTmASTER>",
        ]
    )
    func postmaster(input: String) throws {
        #expect(try parse(input) { try $0.forwardPath() } == .postmaster)
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.reversePath() } }
    }

    @Test("All quoted forms of a local part are one", arguments: [#""ab""#, #""\ab""#, #""a\b""#, #""\a\b""#])
    func equivalence(localPart: String) throws {
        #expect(try parse(localPart + "@c") { try $0.mailbox() } == EmailAddress("ab", "c"))
    }

    @Test(
        "The limit of a local part is that of the form sent on",
        arguments: [
            (#""\#(String(repeating: #"\l"#, count: 64))""#, true),
            (#""\#(String(repeating: " ", count: 62))""#, true),
            (#""\#(String(repeating: " ", count: 63))""#, false),
            (#""\#(String(repeating: #"\""#, count: 31))""#, true),
            (#""\#(String(repeating: #"\""#, count: 32))""#, false),
        ]
    )
    func quotedLimit(localPart: String, isAccepted: Bool) {
        #expect(((try? parse(localPart) { try $0.localPart() }) != nil) == isAccepted)
    }

    @Test(
        "RFC 6531 §3.3: UTF-8 in addresses only where SMTPUTF8 is offered",
        arguments: [
            ("<\u{E9}@b>", "<\u{E9}@b>"), ("<a@b\u{FC}cher.example>", "<a@b\u{FC}cher.example>"),
            ("<\"\u{E9} x\"@b>", "<\"\u{E9} x\"@b>"),
            ("<\"\u{E9}\"@b>", "<\u{E9}@b>"), ("<用户@例子.广告>", "<用户@例子.广告>"), ("<\u{1F4EC}@b>", "<\u{1F4EC}@b>"),
        ]
    )
    func internationalized(input: String, written: String) throws {
        let path = try parse(input, allowsUTF8: true) { try $0.reversePath() }
        #expect(path.description == written)
        #expect(!path.isASCII)
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.reversePath() } }
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.forwardPath() } }
    }

    @Test(
        "RFC 6531 §3.3: limits are in octets, and C1 controls are none of the letters",
        arguments: [
            "<\(String(repeating: "\u{E9}", count: 33))@b>", "<a\u{85}b@c>", "<\"\u{80}\"@c>", "<a@c\u{9F}>",
        ]
    )
    func internationalizedRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input, allowsUTF8: true) { try $0.forwardPath() } }
    }
}
