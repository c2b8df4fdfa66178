// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

extension FormalSyntaxTests {
    @Test(
        "mailbox",
        arguments: [
            Example("INBOX", "INBOX"), Example("inBox", "INBOX"), Example(#""inbox""#, "INBOX"),
            Example("{5}\r\ninbox", "INBOX"),
            Example("inbox/a", "INBOX/a"), Example("INBOXes", "INBOXes"), Example("Sent", "Sent"),
            Example("NIL", "NIL"),
            Example(#""a b""#, "a b"), Example("foo/", "foo"), Example("&AOk-t&AOk-", "été"), Example("R&-D", "R&D"),
            Example(#""été""#, "été"), Example("{5}\r\nété", "été"), Example("../../x", "../../x"),
        ]
            + Example.rejects(
                "",
                #""""#,
                "/",
                "a//b",
                "/a",
                "a//",
                "&",
                "R&D",
                "&AGE-",
                "a*",
                #""a\#r\#nb""#,
                "{1}\r\n\0",
                "é"
            )
    )
    func mailbox(_ example: Example) {
        #expect(parse(example.input) { try $0.mailbox() }?.text == example.value)
    }

    @Test(
        "mailbox in UTF-8 (RFC 6855)",
        arguments: [
            Example("R&D", "R&D"), Example("&AOk-", "&AOk-"), Example(#""été""#, "été"), Example("inbox", "INBOX"),
        ]
    )
    func mailboxUTF8(_ example: Example) {
        #expect(parse(example.input, options: .init(encoding: .utf8)) { try $0.mailbox() }?.text == example.value)
    }

    @Test(
        "a name that cannot be is told from a wrong command",
        arguments: [
            (#""a//b""#, SyntaxError.Kind.mailboxName), ("&", .mailboxName), (#""""#, .mailboxName), ("(", .grammar),
            (#""a"#, .grammar),
        ]
    )
    func mailboxFaults(_ input: String, _ kind: SyntaxError.Kind) {
        var parser = CommandParser(octets(input))
        let error = #expect(throws: SyntaxError.self) { try parser.mailbox() }
        #expect(error?.kind == kind)
    }

    @Test(
        "mailbox or the server (RFC 5464)",
        arguments: [
            Example(#""""#, "server"), Example("{0}\r\n", "server"), Example("inbox", "INBOX"), Example("", nil),
            Example("(", nil), Example(#""/""#, nil),
        ]
    )
    func mailboxOrServer(_ example: Example) {
        let value = parse(example.input) { try $0.mailboxOrServer() }
        #expect(value.map { $0?.text ?? "server" } == example.value)
    }

    @Test(
        "mod-sequence-value, mod-sequence-valzer (RFC 7162)",
        arguments: [
            ("1", 1, 1), ("0", nil, 0), ("9223372036854775807", UInt64(Int64.max), UInt64(Int64.max)),
            ("9223372036854775808", nil, nil), ("18446744073709551616", nil, nil), ("", nil, nil), ("-1", nil, nil),
        ] as [(String, UInt64?, UInt64?)]
    )
    func modSequence(_ input: String, _ value: UInt64?, _ valueOrZero: UInt64?) {
        #expect(parse(input) { try $0.modSequenceValue() } == value)
        #expect(parse(input) { try $0.modSequenceValzer() } == valueOrZero)
    }

    @Test(
        "nstring",
        arguments: [
            Example("NIL", "NIL"), Example("nil", "NIL"), Example(#""NIL""#, "'NIL"), Example(#""""#, "'"),
            Example("{1}\r\na", "'a"), Example("NILL", nil), Example("a", nil), Example("", nil),
        ]
    )
    func nstring(_ example: Example) {
        let value = parse(example.input) { try $0.nstring() }
        #expect(value.map { $0.map { "'" + text($0) } ?? "NIL" } == example.value)
    }

    @Test(
        "number, nz-number",
        arguments: [
            ("0", 0, nil), ("1", 1, 1), ("4294967295", .max, .max), ("4294967296", nil, nil), ("01", 1, nil),
            ("00000000000000000000000000000007", 7, nil), ("", nil, nil), ("+1", nil, nil), ("1.", nil, nil),
            ("99999999999999999999999", nil, nil),
        ] as [(String, UInt32?, UInt32?)]
    )
    func number(_ input: String, _ value: UInt32?, _ nonZero: UInt32?) {
        #expect(parse(input) { try $0.number() } == value)
        #expect(parse(input) { try $0.nzNumber() } == nonZero)
    }

    @Test(
        "number64, nz-number64",
        arguments: [
            ("0", 0, nil), ("4294967296", 4_294_967_296, 4_294_967_296), ("007", 7, nil),
            ("9223372036854775807", UInt64(Int64.max), UInt64(Int64.max)), ("9223372036854775808", nil, nil),
            ("18446744073709551615", nil, nil), ("92233720368547758070", nil, nil), ("x", nil, nil),
        ] as [(String, UInt64?, UInt64?)]
    )
    func number64(_ input: String, _ value: UInt64?, _ nonZero: UInt64?) {
        #expect(parse(input) { try $0.number64() } == value)
        #expect(parse(input) { try $0.nzNumber64() } == nonZero)
    }

    @Test(
        "objectid (RFC 8474)",
        arguments: Example.accepts("M6d99ac3275bb4e", "a_b-C", String(repeating: "x", count: 255))
            + Example.rejects("", "a.b", "(a)", String(repeating: "x", count: 256))
    )
    func objectIdentifier(_ example: Example) {
        #expect(parse(example.input) { try $0.objectIdentifier() } == example.value)
    }

    @Test(
        "partial",
        arguments: Example.accepts("<0.1>", "<4294967296.9223372036854775807>")
            + Example.rejects(
                "",
                "<0.0>",
                "<0>",
                "<0.>",
                "<.1>",
                "<0.1",
                "0.1",
                "<-1.1>",
                "<0.01>",
                "<0.9223372036854775808>"
            )
    )
    func partial(_ example: Example) {
        let partial = parse(example.input) { try $0.partial() }
        #expect(partial.map { "<\($0.offset).\($0.count)>" } == example.value)
    }

    @Test(
        "quoted",
        arguments: [
            Example(#""""#, ""), Example(#""a b\"c\\d""#, #"a b"c\d"#), Example(#""\\""#, #"\"#),
            Example(#""é€😀""#, "é€😀"),
            Example(#""{5}""#, "{5}"), Example("\"a\tb\u{1}\u{7F}\"", "a\tb\u{1}\u{7F}"),
        ]
            + Example.rejects(
                "",
                "\"",
                #""a"#,
                #""\""#,
                #""\n""#,
                "\"a\rb\"",
                "\"a\nb\"",
                "\"\0\"",
                "\"a\r\n\"",
                #""a"b"#
            )
    )
    func quoted(_ example: Example) {
        #expect(parse(example.input) { try $0.quoted() }.map(text) == example.value)
    }

    @Test(
        "8-bit octets in a quoted string are UTF-8",
        arguments: [
            [0xE9], [0xC3], [0xC3, 0x28], [0xA9], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            [0xFF, 0xF4],
        ] as [[UInt8]]
    )
    func quotedInvalidUTF8(_ octets: [UInt8]) {
        #expect(parse([0x22] + octets + [0x22]) { try $0.quoted() } == nil)
        #expect(parse(IMAPSyntaxTests.octets("{\(octets.count)}\r\n") + octets) { try $0.astring() } == octets)
    }

    @Test(
        "section",
        arguments: Example.accepts(
            "[]",
            "[HEADER]",
            "[TEXT]",
            "[1]",
            "[1.2.3]",
            "[1.MIME]",
            "[2.HEADER]",
            "[2.1.TEXT]",
            "[HEADER.FIELDS (From)]",
            "[HEADER.FIELDS (x-Foo DATE date)]",
            "[1.HEADER.FIELDS.NOT (To)]"
        )
            + [
                Example("[header.fields (\"From\" {2}\r\nTo)]", "[HEADER.FIELDS (From To)]"),
                Example("[1.mime]", "[1.MIME]"),
                Example(#"[HEADER.FIELDS ("a(b")]"#, #"[HEADER.FIELDS ("a(b")]"#),
            ]
            + Example.rejects(
                "",
                "[",
                "[MIME]",
                "[0]",
                "[01]",
                "[1.]",
                "[1..2]",
                "[1.0]",
                "[.1]",
                "[4294967296]",
                "[HEADER.FIELDS]",
                "[HEADER.FIELDS ()]",
                "[HEADER.FIELDS  (a)]",
                "[HEADER.FIELDS (a]",
                "[HEADER (a)]",
                "[FOO]",
                "[1 ]",
                "[TEXT",
                #"[HEADER.FIELDS ("")]"#,
                #"[HEADER.FIELDS ("a b")]"#,
                #"[HEADER.FIELDS ("a:")]"#,
                "[HEADER.FIELDS ({3}\r\na\r\n)]",
                "[HEADERX]"
            )
    )
    func section(_ example: Example) {
        let section = parse(example.input) { try $0.section() }
        #expect(section.map { section in written { $0.section(section) } } == example.value)
    }

    @Test(
        "section-binary",
        arguments: Example.accepts("[]", "[1]", "[1.2]")
            + Example.rejects("", "[", "[0]", "[1.]", "[1.TEXT]", "[TEXT]")
    )
    func sectionBinary(_ example: Example) {
        let part = parse(example.input) { try $0.sectionBinary() }
        #expect(part.map { part in written { $0.sectionBinary(part) } } == example.value)
    }

    @Test(
        "sequence-set",
        arguments: [
            Example("1", "1"), Example("*", "10"), Example("1:*", "1:10"), Example("*:1", "1:10"),
            Example("2:4", "2:4"),
            Example("4:2", "2:4"), Example("2,4:7,9,8:*", "2,4:10"), Example("*:4,5:7", "4:10"), Example("5,5,5", "5"),
            Example("559:*", "10:559"), Example("3,1,2", "1:3"), Example("4294967295:*", "10:4294967295"),
            Example("1:4294967295,7", "1:4294967295"), Example("$", "77"), Example("1,$", "1,77"), Example("*:*", "10"),
            Example("4294967295,4294967294", "4294967294:4294967295"), Example("*,12:*", "10:12"),
        ]
            + Example.rejects(
                "",
                "0",
                "01",
                "4294967296",
                "1,",
                ",1",
                "1,,2",
                "1:",
                ":1",
                "1:2:3",
                "-1",
                "1 2",
                "a",
                "*a",
                "**",
                "$$",
                "1:$",
                "0:*",
                "99999999999999999999"
            )
    )
    func sequenceSet(_ example: Example) {
        let set = parse(example.input) { try $0.sequenceSet() }
        let saved = NumberSet([77...77])
        #expect(set.map { set in written { $0.sequenceSet(set.resolve(last: 10, saved: saved)) } } == example.value)
    }

    @Test(
        "string",
        arguments: [
            Example(#""a""#, "a"), Example("{1}\r\na", "a"), Example("a", nil), Example("NIL", nil), Example("", nil),
        ]
    )
    func string(_ example: Example) {
        #expect(parse(example.input) { try $0.string() }.map(text) == example.value)
    }

    @Test(
        "tag",
        arguments: Example.accepts("a1", "A0001", "7", "x.y", "A-1", "]", String(repeating: "t", count: 200))
            + Example.rejects("", "+", "a+1", "a b", "*", #"""#, "{1}", "(a)", "é", "\u{FF}\u{FB}")
    )
    func tag(_ example: Example) {
        #expect(parse(example.input) { try $0.tag() } == example.value)
    }

    @Test(
        "uid-set",
        arguments: Example.accepts("1", "1:3,7") + [Example("7,3:1", "1:3,7")]
            + Example.rejects("", "*", "1:*", "$", "1,$", "0")
    )
    func uidSet(_ example: Example) {
        let set = parse(example.input) { try $0.uidSet() }
        #expect(set.map { set in written { $0.sequenceSet(set) } } == example.value)
    }

    @Test(
        "value (RFC 5464)",
        arguments: [
            Example("NIL", "NIL"), Example(#""x""#, "'x"), Example("~{1}\r\n\0", "'\0"), Example("{1}\r\n\0", nil),
            Example("x", nil), Example("~x", nil),
        ]
    )
    func value(_ example: Example) {
        let value = parse(example.input) { try $0.value() }
        #expect(value.map { $0.map { "'" + text($0) } ?? "NIL" } == example.value)
    }
}
