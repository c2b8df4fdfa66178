// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

/// Mail and searches made at random, always the same for a seed: charsets, encodings, scripts and cases as they come.
struct SearchCorpus {
    private static let words = [
        "meeting", "Invoice", "RÉSUMÉ", "café", "Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "σίσυφος", "Привет", "мир", "会議",
        "東京都",
        "日本語", "한국어", "🙂🙃", "naïve", "e\u{301}te", "zebra", "a", "to", "of", "x=1", "100%", "<tag>", "\"quoted\"",
        "ﬁn", "Ǆ", "𐐀𐐨", "tab\there", "O'Neil", "c++", "re:", "=?utf-8?q?no?=", "\u{0}nul",
    ]
    private static let latin = ["meeting", "Invoice", "RÉSUMÉ", "café", "Straße", "naïve", "zebra", "of", "100%"]
    private static let cyrillic = ["Привет", "мир", "ДОБРЫЙ", "день", "report", "of"]

    private var random: SeededGenerator
    private var number = 0

    init(seed: UInt64) { self.random = SeededGenerator(seed: seed) }

    mutating func below(_ limit: Int) -> Int { Int(self.random.next() % UInt64(limit)) }

    private mutating func pick<Element>(_ elements: [Element]) -> Element { elements[self.below(elements.count)] }

    private mutating func text(_ words: [String], upTo limit: Int) -> String {
        let separators = [" ", " ", " ", "\r\n", ", "]
        return (0...self.below(limit)).map { _ in self.pick(words) + self.pick(separators) }.joined()
    }

    private func line(_ text: String) -> String {
        text.replacingOccurrences(of: "\r\n", with: " ").replacingOccurrences(of: "\u{0}", with: "")
    }

    /// The value of a field: as it is, or in encoded words.
    private mutating func value(_ limit: Int) -> String {
        let text = self.line(self.text(Self.words, upTo: limit))
        switch self.below(3) {
        case 0: return text
        case 1: return "=?UTF-8?B?\(Data(text.utf8).base64EncodedString())?="
        default:
            let hexadecimal = text.utf8.map { String(format: "=%02X", $0) }.joined()
            return "=?utf-8?Q?\(hexadecimal)?= plain"
        }
    }

    private mutating func address() -> String {
        "\"\(self.line(self.pick(Self.latin)))\" <\(self.pick(["ann", "Bob", "zebra.meeting"]))@example.\(self.below(3))>"
    }

    /// A message of its own number.
    mutating func message(padding: Int = 0) -> [UInt8] {
        self.number += 1
        var header = "Message-ID: <\(self.number)@Corpus.example>\r\nFrom: \(self.address())\r\n"
        header += "To: \(self.address()), \(self.address())\r\nSubject: \(self.value(6))\r\n"
        if self.below(2) == 0 { header += "Cc: \(self.address())\r\nX-Note: \(self.value(3))\r\n" }
        if self.below(4) == 0 { header += "Bcc: \(self.address())\r\n" }
        header += "Date: \(1 + self.below(28)) Jan 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        var octets = Array(header.utf8)
        let pad = String(repeating: "padding \(self.number) ", count: padding / 11)
        if self.below(3) == 0 {
            octets += Array("Content-Type: multipart/mixed; boundary=b\r\n\r\n".utf8)
            for _ in 0...self.below(3) {
                octets += Array("--b\r\n".utf8) + self.part("") + Array("\r\n".utf8)
            }
            octets += Array("--b\r\n".utf8) + self.attachment() + Array("\r\n".utf8)
            if self.below(2) == 0 {
                octets += Array("--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n".utf8) + self.part("")
            }
            octets += Array("\r\n--b--\r\n".utf8)
        } else {
            octets += self.part(pad)
        }
        return octets
    }

    private mutating func part(_ padding: String) -> [UInt8] {
        let (charset, octets): (String, [UInt8])
        switch self.below(4) {
        case 0:
            (charset, octets) = ("iso-8859-1", self.encoded(Self.latin, .isoLatin1))
        case 1:
            (charset, octets) = ("koi8-r", self.encoded(Self.cyrillic, .init(rawValue: 0x8000_0A02)))
        case 2: (charset, octets) = ("utf-16le", self.encoded(Self.words, .utf16LittleEndian))
        default: (charset, octets) = ("utf-8", Array((self.text(Self.words, upTo: 60) + padding).utf8))
        }
        let encoding = charset == "utf-16le" ? 0 : self.below(3)
        let head = "Content-Type: text/plain; charset=\(charset)\r\nContent-Transfer-Encoding: "
        switch encoding {
        case 0:
            let body = Data(octets).base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn])
            return Array((head + "base64\r\n\r\n" + body).utf8)
        case 1:
            let body = octets.map { $0 == 0x20 ? " " : String(format: "=%02X", $0) }
            var lines = ""
            for (index, octet) in body.enumerated() { lines += octet + (index % 20 == 19 ? "=\r\n" : "") }
            return Array((head + "quoted-printable\r\n\r\n" + lines).utf8)
        default: return Array((head + "8bit\r\n\r\n").utf8) + octets
        }
    }

    private mutating func encoded(_ words: [String], _ encoding: String.Encoding) -> [UInt8] {
        let text = self.text(words, upTo: 40)
        return [UInt8](text.data(using: encoding, allowLossyConversion: true) ?? Data(text.utf8))
    }

    private mutating func attachment() -> [UInt8] {
        let name = self.pick(["Invoice-2026.pdf", "=?utf-8?q?Stra=C3=9Fe.txt?=", "zebra.png"])
        let head = "Content-Type: application/octet-stream; name=\"\(name)\"\r\nContent-Description: a Scan\r\n"
        return Array((head + "Content-Transfer-Encoding: base64\r\n\r\nAAECAwQFBgc=").utf8)
    }

    /// What to look for, as the arguments of SEARCH.
    mutating func keys() -> String {
        switch self.below(8) {
        case 0: return "NOT \(self.key())"
        case 1: return "OR \(self.key()) \(self.key())"
        case 2: return "\(self.key()) \(self.key())"
        case 3: return "SEEN \(self.key()) SINCE 1-Jan-2020"
        case 4: return "OR (SENTSINCE 10-Jan-2026 \(self.key())) NOT (UNSEEN \(self.key()))"
        default: return self.key()
        }
    }

    private mutating func key() -> String {
        switch self.below(9) {
        case 0: return "HEADER x-note \(self.pattern())"
        case 1: return "HEADER Message-ID \(self.literal("<\(1 + self.below(max(1, self.number)))@corpus"))"
        case 2: return "SUBJECT \(self.pattern())"
        case 3: return "\(self.pick(["FROM", "TO", "CC", "BCC"])) \(self.pattern())"
        case 4, 5: return "BODY \(self.pattern())"
        default: return "TEXT \(self.pattern())"
        }
    }

    /// Part of a word, or of what stands beside it; of any length and case.
    private mutating func pattern() -> String {
        var words = self.pick(Self.words + Self.latin + Self.cyrillic + ["invoice-2026.pdf", "example.1", "scan"])
        if self.below(4) == 0 { words += " " + self.pick(Self.words) }
        words = words.replacingOccurrences(of: "\u{0}", with: "")
        let scalars = Array(words.unicodeScalars)
        let start = self.below(scalars.count)
        let count = 1 + self.below(scalars.count - start)
        var part = String.UnicodeScalarView()
        part.append(contentsOf: scalars[start..<start + count])
        var pattern = String(part)
        switch self.below(3) {
        case 0: pattern = pattern.uppercased()
        case 1: pattern = pattern.lowercased()
        default: break
        }
        return self.literal(pattern)
    }

    private func literal(_ text: String) -> String {
        "\"" + text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"") + "\""
    }
}
