// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@testable import JunkFilter

@Suite("Texts become words") struct WordReaderTests {
    private static func words(_ text: String, cut: Int = .max) -> [String] {
        Self.read(text, cut) { (words: inout WordReader, piece, emit) in
            if let piece { words.feed(piece[...], emit) } else { words.end(emit) }
        } start: {
            WordReader()
        }
    }

    private static func markup(_ text: String, cut: Int = .max) -> [String] {
        Self.read(text, cut) { (words: inout MarkupReader, piece, emit) in
            if let piece { words.feed(piece, emit) } else { words.end(emit) }
        } start: {
            MarkupReader()
        }
    }

    /// Cuts between characters.
    private static func read<Reader>(
        _ text: String,
        _ cut: Int,
        _ step: (inout Reader, [UInt8]?, (String) -> Void) -> Void,
        start: () -> Reader
    ) -> [String] {
        var reader = start()
        var found: [String] = []
        var rest = Array(String(decoding: SearchText.folded(text), as: UTF8.self).unicodeScalars)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(cut)
            rest = rest.dropFirst(piece.count)
            step(&reader, piece.flatMap { Array(String($0).utf8) }) { found.append($0) }
        }
        step(&reader, nil) { found.append($0) }
        return found
    }

    @Test(
        "Words",
        arguments: [
            ("Buy it NOW, don't wait", ["buy", "now", "don't", "wait"]),
            ("a an the", ["the"]),
            ("e-mail. 3.14 ... --- 'quoted'", ["e-mail", "3.14", "quoted"]),
            ("$99 100% 50", ["$99", "100"]),
            ("joe@shop.example.com", ["addr:shop.example.com"]),
            // Nobody can write what is said of a message.
            ("subject:free from:boss net:192.0", ["subject", "free", "from", "boss", "net", "192.0"]),
            // What nobody sees takes no word apart.
            ("ca\u{200B}si\u{AD}no", ["casino"]),
            ("Ünïted", ["u\u{308}ni\u{308}ted"]),
            ("казино да", ["казино", "да"]),
            (String(repeating: "x", count: 21), ["long:20"]), (String(repeating: "x", count: 9_999), ["long:200"]),
            (String(repeating: "x", count: 20), [String(repeating: "x", count: 20)]),
        ] as [(String, [String])]
    )
    func words(text: String, expected: [String]) {
        #expect(Self.words(text) == expected)
        for cut in 1...3 { #expect(Self.words(text, cut: cut) == expected) }
    }

    @Test(
        "Scripts without spaces",
        arguments: [
            ("赌场优惠", ["赌场", "场优", "优惠"]), ("買free優惠", ["free", "優惠"]), ("かな", ["かな"]),
            ("ฟรี", ["ฟร", "รี"]), ("赌 场", []),
        ] as [(String, [String])]
    )
    func unspaced(text: String, expected: [String]) {
        #expect(Self.words(text) == expected)
        for cut in 1...2 { #expect(Self.words(text, cut: cut) == expected) }
    }

    @Test(
        "Hosts",
        arguments: [
            (
                "see http://a.shop.example.com/x?y=z now",
                ["see", "url:a.shop.example.com", "url:shop.example.com", "url:example.com", "now"]
            ),
            ("https://192.0.2.7:8080/", ["url:ip"]),
            ("http://paypal.com@evil.example/login", ["url:user", "url:evil.example"]),
            ("http:/x http: https", ["https"]),
            ("www.shop.example", ["url:www.shop.example", "url:shop.example"]),
            ("(https://shop.example)", ["url:shop.example"]),
            ("http://", []),
            (
                "http://a.b.c.d.e.example.com",
                ["url:deep", "url:d.e.example.com", "url:e.example.com", "url:example.com"]
            ),
        ] as [(String, [String])]
    )
    func hosts(text: String, expected: [String]) {
        #expect(Self.words(text) == expected)
        for cut in 1...3 { #expect(Self.words(text, cut: cut) == expected) }
    }

    @Test(
        "HTML: what a person sees, and where it leads",
        arguments: [
            ("<p>Hello</p><p>world</p>", ["hello", "world"]),
            ("ca<b></b>si<!-- x -->no", ["casino"]),
            ("one<br>two<td>three", ["one", "two", "three"]),
            ("<style>.hidden words</style>seen", ["seen"]),
            ("<SCRIPT>var words = '<p>';</SCRIPT >seen", ["tag:script", "seen"]),
            ("<a href=\"https://bad.example/x\">click</a>", ["url:bad.example", "click"]),
            ("<img width=1 src='http://t.bad.example/p.gif'>", ["tag:img", "url:t.bad.example", "url:bad.example"]),
            ("<img src=cid:logo><a href=mailto:joe@shop.example>mail</a>", ["addr:shop.example", "mail"]),
            ("<div style=\"font-size: 0px; display:none\">poison</div>", ["tag:hidden", "poison"]),
            ("<form action=//bad.example/><input>", ["tag:form", "url:bad.example", "tag:input"]),
            (
                "caf&eacute; &#86;iagra &#x41;pple &unknown; fish&chips &lt;tag&gt;",
                [
                    "cafe\u{301}", "viagra", "apple", "fish", "chips", "tag",
                ]
            ),
            ("1 < 2 <3 words", ["words"]),
            ("<a href=\"data:text/html,x\">look", ["url:data", "look"]),
            ("<!-- never ends words", []), ("<p never ends", []), ("&", []), ("<", []),
        ] as [(String, [String])]
    )
    func markup(text: String, expected: [String]) {
        #expect(Self.markup(text) == expected)
        for cut in 1...4 { #expect(Self.markup(text, cut: cut) == expected, "cut \(cut)") }
    }
}
