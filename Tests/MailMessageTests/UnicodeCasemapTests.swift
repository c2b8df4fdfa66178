// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailMessage

@Suite("RFC 5051 i;unicode-casemap") struct UnicodeCasemapTests {
    private func key(_ text: String) -> String { String(decoding: UnicodeCasemap.key(text), as: UTF8.self) }

    @Test(
        "Title case, then taken apart",
        arguments: [
            ("", ""), ("Hello, World 7", "HELLO, WORLD 7"), ("äÖ", "A\u{308}O\u{308}"),
            // RFC 5051 §2's own example: U+01C6 has the title case U+01C5, and that is D and z with caron.
            ("\u{1C6}", "Dz\u{30C}"),
            ("Москва", "МОСКВА"), ("ёж", "Е\u{308}Ж"), ("ὰ", "Α\u{300}"), ("ß", "ß"), ("ﬁ", "fi"),
            ("\u{FF26}\u{FF55}", "FU"),
            ("한글", "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}"), ("가", "\u{1100}\u{1161}"),
            ("①½", "11⁄2"), ("\u{F900}", "\u{8C48}"), ("\u{1D400}\u{10428}", "A\u{10400}"), ("日本", "日本"),
            ("\u{10FFFF}", "\u{10FFFF}"),
        ]
    )
    func keys(_ text: String, _ key: String) {
        // Octets, for equal strings may be different ones.
        #expect(Array(self.key(text).utf8) == Array(key.utf8))
    }

    @Test("Precomposed and decomposed are equal, as are upper and lower case")
    func equal() {
        #expect(UnicodeCasemap.key("Réunion") == UnicodeCasemap.key("RE\u{301}UNION"))
        #expect(UnicodeCasemap.key("straße") != UnicodeCasemap.key("STRASSE"))
    }

    @Test("A limit cuts between characters")
    func limit() {
        #expect(UnicodeCasemap.key("abc", limit: 2) == Array("AB".utf8))
        #expect(UnicodeCasemap.key("aéz", limit: 3) == Array("A".utf8))
        #expect(UnicodeCasemap.key("aéz", limit: 4) == Array("AE\u{301}".utf8))
    }
}
