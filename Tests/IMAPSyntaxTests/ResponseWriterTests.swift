// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 9051 §7 Responses")
struct ResponseWriterTests {
    @Test("status lines")
    func statusLines() {
        #expect(written { $0.tagged("a1", .ok, "NOOP completed") } == "a1 OK NOOP completed\r\n")
        #expect(written { $0.tagged("A-1", .no, code: .cannot, "No") } == "A-1 NO [CANNOT] No\r\n")
        #expect(written { $0.untagged(.bad, "What?") } == "* BAD What?\r\n")
        #expect(written { $0.untagged(.bye, code: .unavailable, "Autologout") } == "* BYE [UNAVAILABLE] Autologout\r\n")
        #expect(written { $0.untagged(.preauth, "Hello") } == "* PREAUTH Hello\r\n")
        #expect(written { $0.untagged(23, "EXISTS") } == "* 23 EXISTS\r\n")
        #expect(written { $0.continuation("idling") } == "+ idling\r\n")
        #expect(written { $0.continuation(challenge: []) } == "+ \r\n")
        #expect(written { $0.continuation(challenge: octets("ab")) } == "+ YWI=\r\n")
    }

    @Test(
        "text cannot break out of its line",
        arguments: [
            ("a\r\nb", "a??b", "a??b"), ("\0\t\u{7F}", "???", "???"), ("é", "??", "é"),
        ]
    )
    func text(_ input: String, _ ascii: String, _ utf8: String) {
        #expect(written { $0.text(input) } == ascii)
        #expect(written(.utf8) { $0.text(input) } == utf8)
    }

    @Test("taking leaves nothing")
    func take() {
        var writer = ResponseWriter()
        writer.raw("a")
        #expect(writer.take() == octets("a"))
        #expect(writer.octets.isEmpty)
        #expect(writer.take().isEmpty)
    }

    @Test(
        "response codes",
        arguments: [
            (.alert, "ALERT"), (.badCharset([]), "BADCHARSET"),
            (.badCharset(["UTF-8", "US-ASCII"]), "BADCHARSET (UTF-8 US-ASCII)"),
            (.capability(["IMAP4rev1", "AUTH=PLAIN"]), "CAPABILITY IMAP4rev1 AUTH=PLAIN"),
            (.permanentFlags([.seen, .deleted], allowsNewKeywords: true), #"PERMANENTFLAGS (\Seen \Deleted \*)"#),
            (.permanentFlags([], allowsNewKeywords: false), "PERMANENTFLAGS ()"), (.readOnly, "READ-ONLY"),
            (.readWrite, "READ-WRITE"), (.tryCreate, "TRYCREATE"), (.uidNext(4392), "UIDNEXT 4392"),
            (.uidValidity(.max), "UIDVALIDITY 4294967295"),
            (.unseen(12), "UNSEEN 12"),
            (.appendUID(uidValidity: 38505, uids: NumberSet([3955...3955])), "APPENDUID 38505 3955"),
            (
                .copyUID(uidValidity: 7, from: NumberSet([304...304, 319...320]), to: NumberSet([3956...3958])),
                "COPYUID 7 304,319:320 3956:3958"
            ),
            (.highestModSeq(UInt64(Int64.max)), "HIGHESTMODSEQ 9223372036854775807"), (.noModSeq, "NOMODSEQ"),
            (.modified(NumberSet([7...7, 9...9])), "MODIFIED 7,9"), (.unknownCTE, "UNKNOWN-CTE"),
            (.uidNotSticky, "UIDNOTSTICKY"),
            (.mailboxID("F2212ea87"), "MAILBOXID (F2212ea87)"),
            (.badURL(octets("/a b]c\"\u{1F}")), "BADURL /a%20b%5Dc%22%1F"),
            (.inProgress(tag: "A001", done: 454, goal: 1000), #"INPROGRESS ("A001" 454 1000)"#),
            (.inProgress(tag: "A]", done: 0, goal: nil), "INPROGRESS (NIL 0 NIL)"), (.useAttribute, "USEATTR"),
            (.noPermission, "NOPERM"),
            (.metadataLongEntries(2199), "METADATA LONGENTRIES 2199"), (.metadataMaximumSize(1), "METADATA MAXSIZE 1"),
            (.metadataTooMany, "METADATA TOOMANY"), (.metadataNoPrivate, "METADATA NOPRIVATE"), (.tooBig, "TOOBIG"),
        ] as [(ResponseCode, String)]
    )
    func responseCodes(_ code: ResponseCode, _ expected: String) {
        #expect(written { $0.responseCode(code) } == expected)
    }

    @Test(
        "strings take the plainest form that carries them",
        arguments: [
            ("", #""""#, #""""#), ("a", "a", #""a""#), ("a b", #""a b""#, #""a b""#),
            (#"a"b\c"#, #""a\"b\\c""#, #""a\"b\\c""#),
            ("a\tb", "\"a\tb\"", "\"a\tb\""), ("a\r\n", "{3}\r\na\r\n", "{3}\r\na\r\n"),
            ("\u{1}", "{1}\r\n\u{1}", "{1}\r\n\u{1}"),
            ("\u{7F}", "{1}\r\n\u{7F}", "{1}\r\n\u{7F}"), ("é", "{2}\r\né", "{2}\r\né"), ("NIL", #""NIL""#, #""NIL""#),
            ("nil", #""nil""#, #""nil""#), ("a]", #""a]""#, #""a]""#), ("a[", #""a[""#, #""a[""#),
            ("{3}", #""{3}""#, #""{3}""#),
            ("*", #""*""#, #""*""#), ("X-Foo", "X-Foo", #""X-Foo""#),
        ]
    )
    func strings(_ value: String, _ astring: String, _ string: String) {
        #expect(written { $0.astring(value) } == astring)
        #expect(written { $0.string(value) } == string)
        #expect(written { $0.nstring(value) } == string)
        #expect(written { $0.nstring(octets(value)[...]) } == string)
        #expect(parse(astring) { try $0.astring() } == octets(value))
        #expect(parse(string) { try $0.string() } == octets(value))
    }

    @Test("NIL is not the empty string")
    func null() {
        #expect(written { $0.nstring(nil as String?) } == "NIL")
        #expect(written { $0.nstring(nil as ArraySlice<UInt8>?) } == "NIL")
    }

    @Test("8-bit octets are quoted for those only who enabled UTF-8")
    func eightBit() {
        #expect(written(.modifiedUTF7) { $0.string("été") } == "{5}\r\nété")
        #expect(written(.utf8) { $0.string("été") } == #""été""#)
        var writer = ResponseWriter(encoding: .utf8)
        writer.string([0xE9, 0x74][...])
        #expect(writer.take() == octets("{2}\r\n") + [0xE9, 0x74])
    }

    @Test("long strings are literals")
    func long() {
        let quoted = String(repeating: "x", count: 1000)
        #expect(written { $0.string(quoted) } == "\"\(quoted)\"")
        #expect(written { $0.string(quoted + "x") } == "{1001}\r\n\(quoted)x")
        #expect(written { $0.astring(quoted + "x") } == "{1001}\r\n\(quoted)x")
    }

    @Test("NUL needs a literal8, or is replaced")
    func nul() {
        var writer = ResponseWriter(encoding: .utf8)
        writer.string([0x61, 0, 0x62][...])
        #expect(writer.take() == octets("{3}\r\na") + [0x80, 0x62])
        writer.binary([0x61, 0, 0x62][...])
        #expect(writer.take() == octets("~{3}\r\na\0b"))
        writer.binary([0x61][...])
        #expect(writer.take() == octets(#""a""#))
        writer.literal(size: 4)
        writer.appendText([0, 1][...])
        writer.append([0, 1][...])
        #expect(writer.take() == octets("{4}\r\n") + [0x80, 1, 0, 1])
    }

    @Test("numbers", arguments: [0, 1, 9, 10, 99, 100, 4_294_967_295, 10_000_000_000_000_000_000, UInt64.max])
    func numbers(_ number: UInt64) {
        #expect(written { $0.number(number) } == "\(number)")
    }

    @Test(
        "sets",
        arguments: [
            ([], ""), ([1], "1"), ([1, 2], "1:2"), ([1, 2, 3, 7, 9, 10], "1:3,7,9:10"),
            ([.max - 1, .max], "4294967294:4294967295"),
        ] as [([UInt32], String)]
    )
    func sets(_ numbers: [UInt32], _ expected: String) {
        #expect(written { $0.sequenceSet(NumberSet(ascending: numbers)) } == expected)
    }

    @Test("lists")
    func lists() {
        #expect(written { $0.list([] as [UInt32]) { $0.number($1) } } == "()")
        #expect(written { $0.list([1, 2] as [UInt32]) { $0.number($1) } } == "(1 2)")
        #expect(written { $0.list([[1], [2, 3]] as [[UInt32]]) { $0.list($1) { $0.number($1) } } } == "((1) (2 3))")
    }

    @Test(
        "mailbox names as the client reads them",
        arguments: [
            ("INBOX", "INBOX", "INBOX"), ("été", "&AOk-t&AOk-", #""été""#), ("R&D", "R&-D", "R&D"),
            ("a b", #""a b""#, #""a b""#),
            ("nil", #""nil""#, #""nil""#), ("a*%b", #""a*%b""#, #""a*%b""#),
            ("[Gmail]/x", #""[Gmail]/x""#, #""[Gmail]/x""#),
            (#"a\b""#, #""a\\b\"""#, #""a\\b\"""#),
        ]
    )
    func mailboxes(_ name: String, _ modifiedUTF7: String, _ utf8: String) throws {
        let mailbox = try MailboxName(name)
        #expect(written(.modifiedUTF7) { $0.mailbox(mailbox) } == modifiedUTF7)
        #expect(written(.utf8) { $0.mailbox(mailbox) } == utf8)
        for encoding in [MailboxName.Encoding.modifiedUTF7, .utf8] {
            let spelled = written(encoding) { $0.mailbox(mailbox) }
            #expect(parse(spelled, options: .init(encoding: encoding)) { try $0.mailbox() } == mailbox)
        }
    }

    @Test("the label of a partial FETCH")
    func partialOrigin() {
        #expect(written { $0.partialOrigin(Partial(offset: 393_216, count: 1)) } == "<393216>")
    }
}
