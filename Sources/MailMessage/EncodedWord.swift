// SPDX-License-Identifier: Apache-2.0

/// Text of other character sets in headers (RFC 2047).
package enum EncodedWord {
    /// A field's value as text: folding removed, encoded words decoded.
    ///
    ///     encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="
    ///
    /// White space between adjacent words is no part of the text (§6.2). The octets of adjacent words of one charset
    /// are put together before they are converted, for many senders cut characters in two. Words of an unknown charset
    /// stay as they are. Octets outside of words count as UTF-8. A line end that comes out of a word becomes a space
    /// and NUL nothing: text from here can go into a header again. Linear, for encoded text has no "?".
    package static func decode(_ value: ArraySlice<UInt8>) -> String {
        let octets = Octets.unfolded(value)
        var output: [UInt8] = []
        var word: (charset: [UInt8], octets: [UInt8])?
        var plainStart = 0
        var index = 0

        func flush() {
            guard let (charset, octets) = word else { return }
            output.append(contentsOf: (Charset.decode(octets[...], label: charset) ?? "\u{FFFD}").utf8)
            word = nil
        }
        while index < octets.count {
            guard octets[index] == Octets.equals, let next = self.word(octets, at: index) else {
                index += 1
                continue
            }
            let gap = octets[plainStart..<index]
            if word == nil || !gap.allSatisfy(Octets.isBlank) {
                flush()
                output.append(contentsOf: gap)
            }
            if word.map({ word in Octets.equal(word.charset, ignoringCaseOf: next.charset) }) ?? false {
                word?.octets.append(contentsOf: next.octets)
            } else {
                flush()
                word = (next.charset, next.octets)
            }
            index = next.end
            plainStart = index
        }
        flush()
        output.append(contentsOf: octets[plainStart...])
        return self.singleLine(output)
    }

    private static func singleLine(_ octets: [UInt8]) -> String {
        var octets = octets
        octets.removeAll { octet in octet == 0 }
        for index in octets.indices where octets[index] == Octets.cr || octets[index] == Octets.lf {
            octets[index] = Octets.space
        }
        return String(decoding: octets, as: UTF8.self)
    }

    /// The encoded word at an index, its text decoded to octets; nil if there is none with a known charset.
    private static func word(_ octets: [UInt8], at start: Int) -> (charset: [UInt8], octets: [UInt8], end: Int)? {
        guard start + 1 < octets.count, octets[start + 1] == Octets.question,
            let charsetEnd = octets[(start + 2)...].firstIndex(where: { octet in !self.isToken(octet) }),
            octets[charsetEnd] == Octets.question, charsetEnd + 2 < octets.count,
            octets[charsetEnd + 2] == Octets.question
        else { return nil }
        // RFC 2231 §5 allows a language behind the charset.
        let charset = Array(octets[(start + 2)..<charsetEnd].prefix { octet in octet != Octets.asterisk })
        guard !charset.isEmpty, Charset.isKnown(charset) else { return nil }
        let textStart = charsetEnd + 3
        // QUIRK: spaces are not allowed in encoded text, and there all the same.
        guard let textEnd = octets[textStart...].firstIndex(of: Octets.question),
            textEnd + 1 < octets.count, octets[textEnd + 1] == Octets.equals
        else { return nil }
        let text = octets[textStart..<textEnd]
        switch Octets.lowercased(octets[charsetEnd + 1]) {
        case UInt8(ascii: "b"):
            return TransferDecoder.decode(text, .base64).map { octets in (charset, octets, textEnd + 2) }
        case UInt8(ascii: "q"):
            return (charset, self.decodeQ(text), textEnd + 2)
        default:
            return nil
        }
    }

    private static func isToken(_ octet: UInt8) -> Bool {
        octet > 0x20 && octet < 0x7F && octet != Octets.question && octet != Octets.equals
    }

    /// The "Q" encoding (RFC 2047 §4.2): "_" is a space, "=" and two digits an octet.
    private static func decodeQ(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        var index = text.startIndex
        while index < text.endIndex {
            let octet = text[index]
            index += 1
            if octet == UInt8(ascii: "_") {
                output.append(Octets.space)
            } else if octet == Octets.equals, index + 1 < text.endIndex,
                let high = Octets.hexadecimalValue(text[index]), let low = Octets.hexadecimalValue(text[index + 1])
            {
                output.append(high << 4 | low)
                index += 2
            } else {
                output.append(octet)
            }
        }
        return output
    }

    /// The octets that a word of at most 75 (RFC 2047 §2) has for its text: less `=?utf-8?B?` and `?=`.
    private static let textLimit = 63

    /// Text for an unstructured field or a phrase: as it is if it is printable ASCII, otherwise words in UTF-8, with
    /// spaces between them.
    ///
    /// "Q" or "B", whichever is shorter. No character is cut in two. The result has no line ends: ``Composer`` folds
    /// it.
    package static func encode(_ text: String) -> [UInt8] {
        let octets = Array(text.utf8)
        let isPlain = octets.allSatisfy { octet in octet >= 0x20 && octet < 0x7F }
        guard !isPlain || self.looksEncoded(octets) else { return octets }
        let quoted = octets.count { octet in !self.isLiteralInQ(octet) && octet != Octets.space }
        let usesQ = quoted * 2 <= octets.count / 3
        var output: [UInt8] = []
        var chunk: [UInt8] = []
        var width = 0
        func flush() {
            guard !chunk.isEmpty else { return }
            if !output.isEmpty {
                output.append(Octets.space)
            }
            output.append(contentsOf: usesQ ? "=?utf-8?Q?".utf8 : "=?utf-8?B?".utf8)
            output.append(contentsOf: usesQ ? self.encodeQ(chunk) : Base64.encode(chunk, lineLength: nil))
            output.append(contentsOf: "?=".utf8)
            chunk.removeAll(keepingCapacity: true)
            width = 0
        }
        for scalar in text.unicodeScalars {
            let encoded = Array(String(scalar).utf8)
            let scalarWidth = usesQ ? self.encodeQ(encoded).count : encoded.count
            // Base64 makes four of three octets.
            if width + scalarWidth > (usesQ ? self.textLimit : self.textLimit / 4 * 3) {
                flush()
            }
            chunk.append(contentsOf: encoded)
            width += scalarWidth
        }
        flush()
        return output
    }

    /// Whether plain text would be taken for encoded words.
    private static func looksEncoded(_ octets: [UInt8]) -> Bool {
        zip(octets, octets.dropFirst()).contains { pair in pair.0 == Octets.equals && pair.1 == Octets.question }
    }

    /// What needs no quoting anywhere, not even in a phrase (RFC 2047 §5 (3)).
    private static func isLiteralInQ(_ octet: UInt8) -> Bool {
        Octets.isLetter(octet) || Octets.isDigit(octet)
    }

    private static func encodeQ(_ octets: [UInt8]) -> [UInt8] {
        octets.flatMap { octet -> [UInt8] in
            if octet == Octets.space { return [UInt8(ascii: "_")] }
            if self.isLiteralInQ(octet) { return [octet] }
            return [Octets.equals, Octets.hexadecimalDigit(octet >> 4), Octets.hexadecimalDigit(octet)]
        }
    }
}
