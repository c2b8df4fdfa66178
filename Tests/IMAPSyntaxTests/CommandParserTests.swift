// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("Parsing by hand")
struct CommandParserTests {
    @Test("a whole command")
    func command() throws {
        var parser = CommandParser(octets("a1 uId fEtCh 1:* (Flags body.peek[HEADER.FIELDS (From {2}\r\nTo)]<0.9>)"))
        #expect(try parser.tag() == "a1")
        try parser.sp()
        #expect(try parser.commandName() == "UID")
        try parser.sp()
        #expect(try parser.commandName() == "FETCH")
        try parser.sp()
        #expect(try parser.sequenceSet().resolve(last: 3).count == 3)
        try parser.sp()
        let items = try parser.oneOrParenthesized { (parser: inout CommandParser) throws(SyntaxError) in
            let name = try parser.keywordToken()
            guard parser.peek(UInt8(ascii: "[")) else { return name }
            let section = try parser.section()
            let partial = try parser.partial()
            return name + written { $0.section(section) } + "\(partial.offset).\(partial.count)"
        }
        #expect(items == ["FLAGS", "BODY.PEEK[HEADER.FIELDS (From To)]0.9"])
        try parser.end()
    }

    @Test("keywords end where a longer one would go on")
    func keywords() throws {
        var parser = CommandParser(octets("return ReturnX RETURN("))
        #expect(parser.accept(keyword: "RET") == false)
        #expect(parser.accept(keyword: "RETURN") == true)
        #expect(parser.offset == 6)
        try parser.sp()
        #expect(parser.accept(keyword: "RETURN") == false)
        #expect(throws: SyntaxError(expected: "RETURN", offset: 7)) { try parser.expect(keyword: "RETURN") }
        #expect(try parser.atom() == "ReturnX")
        #expect(parser.accept(.init(ascii: " ")) == true)
        try parser.expect(keyword: "return")
        #expect(parser.peek(UInt8(ascii: "(")))
        #expect(!parser.atEnd)
    }

    @Test("an error says what was expected and where, and nothing of what came")
    func errors() {
        var parser = CommandParser(octets("a1 LOGIN user {6}\r\nsecret("))
        _ = try? parser.tag()
        try? parser.sp()
        _ = try? parser.commandName()
        #expect(throws: SyntaxError(expected: "string", offset: 8)) { try parser.string() }
        try? parser.sp()
        _ = try? parser.astring()
        try? parser.sp()
        _ = try? parser.astring()
        #expect(throws: SyntaxError(expected: "end of command", offset: 25)) { try parser.end() }
        #expect(throws: SyntaxError(expected: "SP", offset: 25)) { try parser.sp() }
    }

    @Test("one space is one space", arguments: ["", "\t", "x"])
    func space(_ input: String) {
        var parser = CommandParser(octets(input))
        #expect(throws: SyntaxError.self) { try parser.sp() }
    }

    @Test(
        "lists",
        arguments: [
            ("(a)", 1, 1), ("(a b c)", 3, 3), ("()", nil, 0), ("(a", nil, nil), ("a", nil, nil), ("(a  b)", nil, nil),
            ("(a )", nil, nil), ("( a)", nil, nil), ("(a b c d)", nil, nil), ("", nil, nil),
        ] as [(String, Int?, Int?)]
    )
    func lists(_ input: String, _ count: Int?, _ countIfMayBeEmpty: Int?) {
        for (mayBeEmpty, expected) in [(false, count), (true, countIfMayBeEmpty)] {
            let items = parse(input) { parser in
                try parser.parenthesized(maximum: 3, mayBeEmpty: mayBeEmpty) { (parser) throws(SyntaxError) in
                    try parser.atom()
                }
            }
            #expect(items?.count == expected)
        }
    }
}
