// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("Character sets")
struct CharsetTests {
    @Test(
        arguments: [
            ("utf-8", [0xC3, 0x9C], "Ü"), ("UTF8", [0xC3], "\u{FFFD}"), ("iso-8859-1", [0xDC, 0x80], "Ü€"),
            ("ISO-8859-15", [0xA4], "€"), ("windows-1251", [0xCF, 0xF0, 0xE8], "При"),
            ("koi8-r", [0xF0, 0xD2, 0xC9], "При"),
            ("gb2312", [0xC4, 0xE3], "你"), ("GBK", [0x81, 0x30, 0x84, 0x36], "¥"), ("big5", [0xA7, 0x41], "你"),
            ("shift_jis", [0x82, 0xA0], "あ"), ("euc-jp", [0xA4, 0xA2], "あ"), ("euc-kr", [0xB0, 0xA1], "가"),
            ("iso-2022-kr", [0x1B, 0x24, 0x29, 0x43, 0x0E, 0x30, 0x21, 0x0F], "가"),
            ("utf-16be", [0x00, 0x41, 0xD8, 0x3D, 0xDE, 0x00], "A😀"), ("utf-7", Array("+AOQ-".utf8), "ä"),
            ("us-ascii", [0x41], "A"), ("us-ascii", [0xC3, 0x9C], "Ü"), ("us-ascii", [0xDC], "Ü"), ("", [0xDC], "Ü"),
            // What is wrong in them.
            ("windows-1252", [0x41, 0x81, 0x42], "A\u{FFFD}B"), ("euc-jp", [0xA4], "\u{FFFD}"),
            ("shift_jis", [0x82, 0x20, 0x41], "\u{FFFD} A"),
            ("utf-16be", [0xD8, 0x3D, 0x00, 0x41], "\u{FFFD}㴀\u{FFFD}"),
        ] as [(String, [UInt8], String)]
    )
    func decoding(label: String, input: [UInt8], expected: String) {
        #expect(Charset.decode(input[...], label: octets(label)) == expected)
    }

    @Test(arguments: [
        "x-unknown", "utf-8//TRANSLIT", "iso-8859-1//IGNORE", "ISO-2022-CN-EXT", "../../etc/passwd", "EBCDIC-US", "//",
        "utf-8\0", String(repeating: "a", count: 1000),
    ])
    func unknown(label: String) {
        #expect(!Charset.isKnown(octets(label)))
        #expect(Charset.decode(octets("a")[...], label: octets(label)) == nil)
        let isNil = CharsetDecoder(label: octets(label)) == nil
        #expect(isNil)
    }

    static let labels = [
        "utf-8", "iso-8859-1", "koi8-r", "gb18030", "big5", "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr",
        "iso-2022-kr",
        "euc-tw", "utf-16", "utf-16le", "utf-32", "utf-7", "windows-1258", "windows-874",
    ]

    @Test("Octets of any kind, cut anywhere", arguments: labels)
    func everySplit(label: String) throws {
        var generator = SeededGenerator(seed: 3)
        for round in 0..<20 {
            let range: ClosedRange<UInt8> = round.isMultiple(of: 2) ? 0...255 : 0x1B...0x7F
            let input = (0..<40).map { _ in UInt8.random(in: range, using: &generator) }
            let whole = try self.decode([input[...]], label)
            for cut in input.indices {
                #expect(try self.decode([input[..<cut], input[cut...]], label) == whole, "\(input) cut at \(cut)")
            }
            #expect(try self.decode(input.indices.map { index in input[index...index] }, label) == whole)
        }
    }

    private func decode(_ chunks: [ArraySlice<UInt8>], _ label: String) throws -> [UInt8] {
        guard var decoder = CharsetDecoder(label: octets(label)) else {
            Issue.record("\(label) is not known")
            return []
        }
        var output: [UInt8] = []
        for chunk in chunks {
            decoder.decode(chunk, into: &output)
        }
        decoder.finish(into: &output)
        return output
    }

    @Test("Much that is wrong", .timeLimit(.minutes(20)), arguments: labels)
    func muchThatIsWrong(label: String) throws {
        let input = [UInt8](repeating: 0xFF, count: 20_000)
        #expect(try self.decode([input[...]], label).count <= 3 * input.count)
    }
}
