// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

/// What `production` makes of all of `input`.
func parse<Value>(
    _ input: String,
    allowsUTF8: Bool = false,
    _ production: (inout CommandParser) throws -> Value
) throws -> Value {
    try parse([UInt8](input), allowsUTF8: allowsUTF8, production)
}

func parse<Value>(
    _ input: [UInt8],
    allowsUTF8: Bool = false,
    _ production: (inout CommandParser) throws -> Value
) throws -> Value {
    // In the middle of something, so that indices that are not offsets are met.
    var parser = CommandParser(([0x78] + input + [0x78])[1...].dropLast(), allowsUTF8: allowsUTF8)
    let value = try production(&parser)
    try parser.end()
    return value
}

@Suite("RFC 5321 §4.1.2 Command Argument Syntax: lexical tokens") struct CommandParserTests {
    @Test("Atom", arguments: ["a", "Az09", "!#$%&'*+-/=?^_`{|}~"])
    func atom(input: String) throws {
        #expect(try parse(input) { try $0.atom() } == input)
    }

    @Test(
        "Atom rejects",
        arguments: ["", " ", "a b", "a.b", "a@b", "a\"", "(a)", "a,b", "\u{E9}", "a\0", "\u{7F}", "<", "[a]"]
    )
    func atomRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.atom() } }
    }

    @Test(
        "Quoted-string",
        arguments: [
            (#""""#, ""), (#"" ""#, " "), (#""a.b@c""#, "a.b@c"), (#""Joe\,Smith""#, "Joe,Smith"),
            (#""\"\\\a""#, #""\a"#),
            (#""<>()[]:;,""#, "<>()[]:;,"),
        ]
    )
    func quotedString(input: String, value: String) throws {
        #expect(try parse(input) { try $0.quotedString() } == value)
    }

    @Test(
        "Quoted-string rejects",
        arguments: [
            "", "a", #"""#, #""a"#, #""a\"#, #""a\""#, #""a"b"#, "\"\0\"", "\"\t\"", "\"\\\t\"", "\"\u{7F}\"",
            "\"\r\n\"", "\"\u{E9}\"",
            "\"\\\u{E9}\"",
        ]
    )
    func quotedStringRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.quotedString() } }
    }

    @Test("A backslash quotes ASCII only, also where SMTPUTF8 is offered")
    func quotedPair() throws {
        #expect(try parse("\"\u{E9}\"", allowsUTF8: true) { try $0.quotedString() } == "\u{E9}")
        #expect(throws: SyntaxError.self) { try parse("\"\\\u{E9}\"", allowsUTF8: true) { try $0.quotedString() } }
    }

    @Test("String is an Atom or a Quoted-string", arguments: [("Smith", "Smith"), (#""Joe Smith""#, "Joe Smith")])
    func string(input: String, value: String) throws {
        #expect(try parse(input) { try $0.string() } == value)
    }

    @Test("Keywords are known in any case, and by their whole length")
    func keyword() {
        #expect(throws: Never.self) { try parse("lAsT") { try $0.keyword("LAST") } }
        for input in ["", "LAS", "LASTS", "LAST-", "LOST", " LAST"] {
            #expect(throws: SyntaxError.self) { try parse(input) { try $0.keyword("LAST") } }
        }
    }

    @Test(
        "Numbers have 64 bits",
        arguments: [
            ("0", 0), ("00042", 42), ("9223372036854775808", 1 << 63), ("18446744073709551615", .max),
        ] as [(String, UInt64)]
    )
    func number(input: String, value: UInt64) throws {
        #expect(try parse(input) { try $0.number() } == value)
    }

    @Test(
        "Numbers reject",
        arguments: ["", "-1", "+1", "1e3", "0x1", "18446744073709551616", String(repeating: "9", count: 500)]
    )
    func numberRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.number() } }
    }

    @Test("An error carries its place")
    func offset() {
        #expect(throws: SyntaxError(expected: "Local-part", offset: 6)) { try parse(#"FROM:<""@d>"#) { try $0.mail() } }
        #expect(throws: SyntaxError(expected: "@", offset: 7)) { try parse("FROM:<a>") { try $0.mail() } }
    }
}
