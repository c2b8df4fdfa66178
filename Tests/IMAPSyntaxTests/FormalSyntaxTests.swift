// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

/// What a production makes of an input: the value as text, or nil where it refuses it.
struct Example: CustomTestStringConvertible, Sendable {
    var input: String
    var value: String?

    init(_ input: String, _ value: String?) {
        self.input = input
        self.value = value
    }

    var testDescription: String { "\(self.input.debugDescription.prefix(60))" }

    static func accepts(_ inputs: String...) -> [Example] { inputs.map { Example($0, $0) } }
    static func rejects(_ inputs: String...) -> [Example] { inputs.map { Example($0, nil) } }
}

// The order is that of the RFC.
@Suite("RFC 9051 §9 Formal Syntax")
struct FormalSyntaxTests {
    @Test(
        "astring",
        arguments: Example.accepts("a", "INBOX", "a]b", "a[b]", "&AOk-", "x+y", "NIL") + [
            Example(#""a b""#, "a b"), Example(#""""#, ""), Example("{3}\r\na b", "a b"),
            Example("{3+}\r\na\r\n", "a\r\n"),
            Example("{0}\r\n", ""), Example("{0+}\r\n", ""),
        ]
            + Example.rejects(
                "",
                " ",
                "a b",
                "(",
                "a(",
                "a{1}",
                "%",
                "*",
                #"a"b""#,
                #"\Seen"#,
                "a\u{7F}",
                "a\tb",
                "é",
                "~{1}\r\na"
            )
    )
    func astring(_ example: Example) {
        #expect(parse(example.input) { try $0.astring() }.map(text) == example.value)
    }

    @Test(
        "atom",
        arguments: Example.accepts("a", "BODY[", "X-Y=z", "$Junk", "+FLAGS", "a/b", "{a".dropFirst().description)
            + Example.rejects("", "a]", "a b", "a%", "a*", "a(", "a)", #"a\"#, #"""#, "a\0", "ä")
    )
    func atom(_ example: Example) {
        #expect(parse(example.input) { try $0.atom() } == example.value)
    }

    @Test("ATOM-CHAR is any CHAR except the atom-specials", arguments: UInt8.min...UInt8.max)
    func atomCharacters(_ octet: UInt8) {
        let isSpecial = octets(#"(){ %*"\]"#).filter { $0 != UInt8(ascii: "}") }.contains(octet)
        let isAtom = 0x21...0x7E ~= octet && !isSpecial
        #expect((parse([octet]) { try $0.atom() } != nil) == isAtom)
        let isAString = isAtom || octet == UInt8(ascii: "]")
        #expect((parse([octet]) { try $0.astring() } != nil) == isAString)
        #expect((parse([octet]) { try $0.tag() } != nil) == (isAString && octet != UInt8(ascii: "+")))
        let isList = isAString || octet == UInt8(ascii: "%") || octet == UInt8(ascii: "*")
        #expect((parse([octet]) { try $0.listMailbox() } != nil) == isList)
    }

    @Test(
        "base64",
        arguments: [
            Example("", ""), Example("AGE=", "\0a"), Example("YWI=", "ab"), Example("YWJj", "abc"),
            Example("YQ==", "a"),
        ]
            + Example.rejects(
                "=",
                "Y",
                "YQ",
                "YQ=",
                "YQ===",
                "YQ==YQ==",
                "Y Q=",
                "YR==",
                "YWJ=YWJj",
                "YWJ-",
                "YQ=a",
                "===="
            )
    )
    func base64(_ example: Example) {
        #expect(parse(example.input) { try $0.base64() }.map(text) == example.value)
    }

    @Test(
        "capability",
        arguments: [
            Example("imap4rev2", "IMAP4REV2"), Example("UTF8=ACCEPT", "UTF8=ACCEPT"),
            Example("auth=plain", "AUTH=PLAIN"),
            Example("", nil), Example("a]", nil),
        ]
    )
    func capability(_ example: Example) {
        #expect(parse(example.input) { try $0.capability() } == example.value)
    }

    @Test(
        "charset",
        arguments: [
            Example("UTF-8", "UTF-8"), Example(#""us-ascii""#, "us-ascii"), Example("{5}\r\nUTF-8", nil),
            Example("", nil),
        ]
    )
    func charset(_ example: Example) {
        #expect(parse(example.input) { try $0.charset() } == example.value)
    }

    @Test(
        "command name",
        arguments: [
            Example("noop", "NOOP"), Example("NoOp", "NOOP"), Example("UID", "UID"), Example("X-foo", "X-FOO"),
            Example("", nil), Example("(", nil), Example("\u{FF}\u{F4}", nil),
        ]
    )
    func commandName(_ example: Example) {
        #expect(parse(example.input) { try $0.commandName() } == example.value)
    }

    @Test(
        "date",
        arguments: [
            Example("1-Feb-1994", "1994-2-1"), Example("01-feb-1994", "1994-2-1"),
            Example(#""31-DEC-9999""#, "9999-12-31"),
            Example("29-Feb-2024", "2024-2-29"), Example("1-Jan-0000", "0-1-1"),
        ]
            + Example.rejects(
                "",
                "0-Jan-2000",
                "32-Jan-2000",
                "29-Feb-2023",
                "29-Feb-1900",
                "31-Apr-2000",
                "1-Foo-2000",
                "1-January-2000",
                "1-Jan-99",
                "1-Jan-12345",
                #""1-Jan-2000"#,
                #"1-Jan-2000""#,
                "1 Jan 2000",
                " 1-Jan-2000",
                "001-Jan-2000"
            )
    )
    func date(_ example: Example) {
        let date = parse(example.input) { try $0.date() }
        #expect(date.map { "\($0.components.year)-\($0.components.month)-\($0.components.day)" } == example.value)
    }

    @Test(
        "date-time",
        arguments: [
            Example(#""17-Jul-1996 02:44:25 -0700""#, #""17-Jul-1996 02:44:25 -0700""#),
            Example(#"" 9-Feb-2024 00:00:00 +0000""#, #"" 9-Feb-2024 00:00:00 +0000""#),
            Example(#""9-Feb-2024 00:00:00 +0000""#, #"" 9-Feb-2024 00:00:00 +0000""#),
            Example(#""09-feb-2024 23:59:59 +1400""#, #"" 9-Feb-2024 23:59:59 +1400""#),
            Example(#""31-Dec-2016 23:59:60 -0000""#, #"" 1-Jan-2017 00:00:00 +0000""#),
            Example(#"" 1-Jan-0000 00:00:00 +0000""#, #"" 1-Jan-0000 00:00:00 +0000""#),
            Example(#""31-Dec-9999 23:59:59 +0530""#, #""31-Dec-9999 23:59:59 +0530""#),
        ]
            + Example.rejects(
                "",
                #"9-Feb-2024 00:00:00 +0000"#,
                #"" 19-Feb-2024 00:00:00 +0000""#,
                #"" 9-Feb-2024 24:00:00 +0000""#,
                #"" 9-Feb-2024 00:60:00 +0000""#,
                #"" 9-Feb-2024 00:00:61 +0000""#,
                #"" 9-Feb-2024 00:00:00 0000""#,
                #"" 9-Feb-2024 00:00:00 +2400""#,
                #"" 9-Feb-2024 00:00:00 +0060""#,
                #"" 9-Feb-2024 0:00:00 +0000""#,
                #""30-Feb-2024 00:00:00 +0000""#,
                #"" 9-Feb-2024 00:00:00 +000""#,
                #"" 9-Feb-2024 00:00:00 GMT""#,
                #""  9-Feb-2024 00:00:00 +0000""#,
                #"" 9-Feb-2024  00:00:00 +0000""#
            )
    )
    func dateTime(_ example: Example) {
        let date = parse(example.input) { try $0.dateTime() }
        #expect(date.map { date in written { $0.dateTime(date) } } == example.value)
    }

    @Test("end of command", arguments: ["", " ", "x", "\r\n"])
    func end(_ rest: String) {
        let parser = CommandParser(octets(rest))
        #expect((try? parser.end()) != nil ? rest.isEmpty : !rest.isEmpty)
    }

    @Test(
        "entry (RFC 5464)",
        arguments: Example.accepts("/private/comment", "/shared/vendor/x.y")
            + [Example(#""/private/a b""#, "/private/a b")]
            + Example.rejects("", "private", "/", "//a", "/a//b", "/a/", #""/a*""#, #""/a%""#, "{3}\r\n/a\n", #""/é""#)
    )
    func entry(_ example: Example) {
        #expect(parse(example.input) { try $0.entry() }.map(text) == example.value)
    }

    @Test(
        "entry-flag-name (RFC 7162)",
        arguments: [
            Example(#""/flags/\\seen""#, #"\Seen"#), Example(#""/flags/$MDNSent""#, "$MDNSent"),
            Example(#""/FLAGS/\\Draft""#, #"\Draft"#), Example(#""/flags/""#, nil), Example(#""/flags/\\Recent""#, nil),
            Example(#""/flags/a b""#, nil), Example("/flags/x", nil), Example(#""/flag/x""#, nil),
        ]
    )
    func entryFlagName(_ example: Example) {
        #expect(parse(example.input) { try $0.entryFlagName() }?.name == example.value)
    }

    @Test(
        "flag",
        arguments: Example.accepts(#"\Seen"#, #"\Answered"#, #"\Flagged"#, #"\Deleted"#, #"\Draft"#, #"\Recent"#)
            + Example.accepts("$Forwarded", "NonJunk", #"\X-Other"#) + [Example(#"\sEEN"#, #"\Seen"#)]
            + Example.rejects("", #"\"#, #"\*"#, #"\ Seen"#, #""x""#, #"\\Seen"#, "a b", "é")
    )
    func flag(_ example: Example) {
        #expect(parse(example.input) { try $0.flag() }?.name == example.value)
    }

    @Test(
        "flag-list",
        arguments: Example.accepts("()", #"(\Seen)"#, #"(\Seen $Junk \Deleted)"#)
            + Example.rejects(
                "",
                "(",
                #"\Seen"#,
                "( )",
                #"(\Seen )"#,
                #"( \Seen)"#,
                #"(\Seen  \Draft)"#,
                #"(\Seen"#,
                "((a))"
            )
    )
    func flagList(_ example: Example) {
        let flags = parse(example.input) { try $0.flagList() }
        #expect(flags.map { flags in written { $0.flagList(flags) } } == example.value)
    }

    @Test(
        "flags of STORE",
        arguments: [
            Example("()", "()"), Example(#"\Seen"#, #"(\Seen)"#), Example(#"\Seen x"#, #"(\Seen x)"#),
            Example("", nil), Example(#"\Seen "#, nil), Example("(a) b", nil),
        ]
    )
    func storeFlags(_ example: Example) {
        let flags = parse(example.input) { try $0.storeFlags() }
        #expect(flags.map { flags in written { $0.flagList(flags) } } == example.value)
    }

    @Test(
        "initial-resp",
        arguments: [
            Example("=", ""), Example("AGE=", "\0a"), Example("", nil), Example("==", nil), Example("*", nil),
        ]
    )
    func initialResponse(_ example: Example) {
        #expect(parse(example.input) { try $0.initialResponse() }.map(text) == example.value)
    }

    @Test(
        "keyword of an item, option or modifier",
        arguments: [
            Example("rfc822.size", "RFC822.SIZE"), Example("BODY.PEEK", "BODY.PEEK"),
            Example("X-GM-MSGID", "X-GM-MSGID"),
            Example("", nil), Example("BODY[", nil), Example("(", nil),
        ]
    )
    func keywordToken(_ example: Example) {
        #expect(parse(example.input) { try $0.keywordToken() } == example.value)
    }

    @Test(
        "list-mailbox",
        arguments: Example.accepts("*", "%", "INBOX.*", "a]%", "foo/bar")
            + [Example(#""""#, ""), Example(#""a b*""#, "a b*"), Example("{2}\r\n%%", "%%"), Example("&AOk-*", "é*")]
            + Example.rejects("", "(", "a b", #"a"b"#, "a\\")
    )
    func listMailbox(_ example: Example) {
        #expect(parse(example.input) { try $0.listMailbox() }.flatMap { $0 }.map(text) == example.value)
    }

    @Test("a LIST pattern in a wrong encoding is no error: it matches nothing", arguments: ["&", "&AOk", #""&AGE-""#])
    func unmatchablePattern(_ pattern: String) {
        let value = parse(pattern) { try $0.listMailbox() }
        #expect(value == .some(nil))
        #expect(parse(pattern, options: .init(encoding: .utf8)) { try $0.listMailbox() } != .some(nil))
    }

    @Test(
        "literal",
        arguments: [
            Example("{0}\r\n", ""), Example("{1}\r\na", "a"), Example("{4+}\r\n{1}\r", "{1}\r"),
            Example("{2}\r\né", "é"),
        ]
            + Example.rejects(
                "",
                "{1}",
                "{1}\r",
                "{1}\n a",
                "{1}\r\n",
                "{1}\r\nab",
                "{01}\r\na",
                "{-1}\r\n",
                "{+1}\r\na",
                "{1++}\r\na",
                "{1 }\r\na",
                "{}\r\n",
                "{+}\r\n",
                "{1}\r\n\0",
                "~{1}\r\na",
                "{9223372036854775808}\r\n",
                "{18446744073709551617}\r\na",
                "{99999999999999999999999999}\r\na",
                "{9223372036854775807}\r\na",
                "{a}\r\na"
            )
    )
    func literal(_ example: Example) {
        #expect(parse(example.input) { try $0.literal() }.map(text) == example.value)
    }

    @Test(
        "literal8 (RFC 3516)",
        arguments: [
            Example("~{0}\r\n", ""), Example("~{1}\r\n\0", "\0"), Example("~{2+}\r\n\r\n", "\r\n"),
            Example("{1}\r\na", nil),
            Example("~{1}\r\n", nil), Example("~ {1}\r\na", nil), Example("~", nil),
        ]
    )
    func literal8(_ example: Example) {
        #expect(parse(example.input) { try $0.literal8() }.map(text) == example.value)
    }
}
