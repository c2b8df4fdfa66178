// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 2047: encoded words")
struct EncodedWordTests {
    @Test(
        "Examples of §8",
        arguments: [
            ("=?ISO-8859-1?Q?a?=", "a"),
            ("=?ISO-8859-1?Q?a?= b", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=", "ab"),
            ("=?ISO-8859-1?Q?a_b?=", "a b"),
            ("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"),
            ("=?US-ASCII?Q?Keith_Moore?=", "Keith Moore"),
            ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
            (
                "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
                "If you can read this you understand the example."
            ),
            ("=?iso-8859-8?b?7eXs+SDv4SDs6Oj08A==?=", "םולש ןב לטטפנ"),
        ]
    )
    func examples(value: String, expected: String) {
        #expect(EncodedWord.decode(octets(value)[...]) == expected)
    }

    @Test(arguments: [
        // A character cut in two, by both encodings.
        ("=?utf-8?Q?=C3?= =?UTF-8?B?nA==?=", "Ü"),
        ("=?utf-8*de?Q?=C3=9C?=", "Ü"),
        ("=?utf-8?q?a b?=", "a b"),
        ("x=?utf-8?Q?=C3=9C?=y", "xÜy"),
        ("=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
        ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
        ("=?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?=", "こんにちは"),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("Übel", "Übel"),
        // What is no encoded word, or of no known charset, stays.
        ("=?x-nothing?Q?a?= =?utf-8?Q?b?=", "=?x-nothing?Q?a?= b"),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
        ("=?utf-8?Q?a", "=?utf-8?Q?a"), ("=?utf-8?Q?a?", "=?utf-8?Q?a?"), ("=?utf-8?Q", "=?utf-8?Q"),
        ("=?utf-8?", "=?utf-8?"), ("=?", "=?"), ("=", "="), ("=??Q?a?=", "=??Q?a?="), ("", ""),
        ("=?=?utf-8?Q?a?=", "=?a"),
        ("=?utf-8?Q?=4?=", "=4"), ("=?utf-8?Q??=", ""),
        ("=?utf-8?B?!!!?=", ""),
        ("=?iso-8859-1//TRANSLIT?Q?a?=", "=?iso-8859-1//TRANSLIT?Q?a?="),
        ("=?ISO-2022-CN-EXT?Q?a?=", "=?ISO-2022-CN-EXT?Q?a?="),
        // Nothing comes out that could end a line.
        ("=?utf-8?Q?a=0D=0ABcc:_b=00?=", "a  Bcc: b"),
    ])
    func decoding(value: String, expected: String) {
        #expect(EncodedWord.decode(octets(value)[...]) == expected)
    }

    @Test(arguments: [
        "", "plain", "a =?b?= c", "Übel", "Привет, как дела?", "a\r\nb", "😀", "=?utf-8?Q?a?=",
        "mostly ASCII, but for one ü in it",
        String(repeating: "ü", count: 500), String(repeating: "a b ", count: 100) + "ü", " ü ",
    ])
    func encoding(text: String) {
        let encoded = EncodedWord.encode(text)
        #expect(encoded.allSatisfy { octet in octet >= 0x20 && octet < 0x7F })
        let expected = text.replacing("\r\n", with: "  ")
        #expect(EncodedWord.decode(encoded[...]) == expected)
        if encoded != octets(text) {
            for word in encoded.split(separator: 32) {
                #expect(word.count <= 75 && word.starts(with: octets("=?utf-8?")))
                // No character is cut.
                #expect(!EncodedWord.decode(word).contains("\u{FFFD}"))
            }
        }
    }

    @Test(
        "Hostile subjects are linear",
        .timeLimit(.minutes(20)),
        arguments: [
            "=?", "=?utf-8?Q?", "=?utf-8?Q?a?= ", "=", "=?a", "=?utf-8?Q?a?=\t ", "=?utf-8?B?=?=",
        ]
    )
    func long(unit: String) {
        let input = repeated(unit, count: 50_000)
        #expect(EncodedWord.decode(input[...]).utf8.count <= input.count)
    }
}
