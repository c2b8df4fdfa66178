// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 9051 §2.3.2 Flags")
struct FlagTests {
    @Test("keywords compare without regard to case and keep their spelling")
    func keywords() throws {
        let (first, second) = (try #require(Keyword("$Junk")), try #require(Keyword("$JUNK")))
        #expect(first == second)
        #expect(Set([first, second]).count == 1)
        #expect(first.name == "$Junk")
        #expect(first != Keyword("$Junk2"))
        // In ASCII these differ by the bit that tells upper from lower case, but are no letters.
        #expect(Keyword("@") != Keyword("`"))
    }

    @Test("what is no keyword", arguments: ["", "a b", "a(", #"\Seen"#, "a]", "é", "a\r\n"])
    func notKeywords(_ name: String) { #expect(Keyword(name) == nil) }

    @Test(
        "system flags in any case",
        arguments: [
            (#"\SEEN"#, .seen), (#"\answered"#, .answered), (#"\fLAGGED"#, .flagged), (#"\deleted"#, .deleted),
            (#"\draft"#, .draft),
            (#"\recent"#, .recent),
        ] as [(String, Flag)]
    )
    func systemFlags(_ name: String, _ flag: Flag) {
        #expect(parse(name) { try $0.flag() } == flag)
        #expect(parse(flag.name) { try $0.flag() } == flag)
    }

    @Test("a keyword is no system flag")
    func keywordSeen() {
        #expect(parse("Seen") { try $0.flag() } != .seen)
        #expect(parse("Seen") { try $0.flag() }?.name == "Seen")
    }
}
