// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailMessage

@Suite("RFC 9051 §6.4.4 texts are compared") struct SearchTextTests {
    private func folded(_ text: String) -> String { String(decoding: SearchText.folded(text), as: UTF8.self) }

    @Test(
        "Case and the way of writing marks do not matter",
        arguments: [
            ("Meeting", "mEETING"), ("\u{E9}", "e\u{301}"), ("\u{C9}", "e\u{301}"), ("\u{1EBE}", "e\u{302}\u{301}"),
            ("\u{416}", "\u{436}"), ("\u{419}", "\u{438}\u{306}"), ("\u{304C}", "\u{304B}\u{3099}"),
            ("\u{D55C}", "\u{1112}\u{1161}\u{11AB}"), ("\u{D558}", "\u{1112}\u{1161}"), ("\u{10400}", "\u{10428}"),
            ("\u{130}", "i\u{307}"), ("\u{212B}", "a\u{30A}"), ("\u{3A3}", "\u{3C3}"),
        ]
    )
    func same(_ one: String, _ other: String) {
        #expect(SearchText.folded(one) == SearchText.folded(other))
        #expect(SearchText.folded("x\(one)y") == Array("x".utf8) + SearchText.folded(other) + Array("y".utf8))
    }

    @Test("A word is found where it has marks, but not the other way round")
    func marks() {
        #expect(self.folded("café").utf8.starts(with: "cafe".utf8))
        #expect(!self.folded("cafe").contains("é"))
    }

    /// Swift compares strings by canonical equivalence: the table may neither lack a character nor have a wrong one.
    @Test("Folding keeps the text, but for its case") func keeps() {
        for value in UInt32(0)..<0x1F000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(scalar)
            #expect(self.folded(text) == text.lowercased(), "U+\(String(value, radix: 16))")
        }
    }

    @Test("What is folded stays as it is") func twice() {
        for value in UInt32(0)..<0x1F000 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let folded = self.folded(String(scalar))
            #expect(SearchText.folded(folded) == Array(folded.utf8), "U+\(String(value, radix: 16))")
        }
    }

    @Test("Composed letters are taken apart") func composed() {
        for value in UInt32(0xC0)..<0x3100 {
            guard let scalar = Unicode.Scalar(value), let (letter, mark) = Decomposition.pair(of: value) else {
                continue
            }
            #expect(SearchText.folded(String(scalar)) == self.parts(letter) + self.parts(mark))
        }
        #expect(Decomposition.pair(of: 0xE9)?.0 == 0x65)
        #expect(Decomposition.pair(of: 0x1FF7)?.1 == 0x345)
    }

    private func parts(_ value: UInt32) -> [UInt8] {
        Unicode.Scalar(value).map { SearchText.folded(String($0)) } ?? []
    }

    @Test("A part's text is the same however its octets are cut") func cuts() {
        var part = Part(headerRange: 0..<0, bodyRange: 0..<0, bodyLines: 0)
        part.transferEncoding = Array("quoted-printable".utf8)
        part.contentType.parameters = [ContentParameter(name: Array("charset".utf8), value: Array("utf-8".utf8))]
        let octets = Array("Gr=C3=9C=C3=9Fe =F0=9F=99=82 =E4=BC=9A e=CC=81=\r\n=E2=82 =FF end".utf8)
        var whole = PartTextReader(part)
        let expected = whole.folded(octets[...], isLast: true)
        for cut in 1..<octets.count {
            var reader = PartTextReader(part)
            let text = reader.folded(octets[..<cut], isLast: false) + reader.folded(octets[cut...], isLast: true)
            #expect(text == expected, "\(cut)")
        }
    }
}
