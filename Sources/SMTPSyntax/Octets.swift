// SPDX-License-Identifier: Apache-2.0

/// The octets that SMTP's grammar names (RFC 5234 Appendix B.1).
extension UInt8 {
    static let nul: UInt8 = 0x00
    static let horizontalTab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote: UInt8 = 0x22
    static let hyphen: UInt8 = 0x2D
    static let dot: UInt8 = 0x2E
    static let at: UInt8 = 0x40
    static let backslash: UInt8 = 0x5C

    var isDigit: Bool { self &- 0x30 < 10 }

    var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

    /// A letter or a digit.
    ///
    /// Let-dig = ALPHA / DIGIT
    var isLetterOrDigit: Bool { self.isLetter || self.isDigit }

    /// CTL of RFC 5234: 0-31 and 127.
    ///
    /// What RFC 5321 §4.1.2 forbids in every command.
    var isControl: Bool { self < 0x20 || self == 0x7F }

    var isASCII: Bool { self < 0x80 }

    /// atext of RFC 5322 §3.2.3, without the UTF-8 that RFC 6531 §3.3 adds.
    var isAtomText: Bool {
        if self.isLetterOrDigit { return true }
        switch self {
        case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
            UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"),
            UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
            UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "~"):
            return true
        default:
            return false
        }
    }

    /// The value of a HEXDIG of either case, nil for anything else.
    var hexadecimalValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }

    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    var asciiUppercased: UInt8 { self &- 0x61 < 26 ? self & ~0x20 : self }
}

extension Collection<UInt8> {
    /// Whether these are the letters of `keyword`, which is given in upper case, in any case.
    func isKeyword(_ keyword: StaticString) -> Bool {
        keyword.withUTF8Buffer { letters in unsafe self.elementsEqual(letters) { $0.asciiUppercased == $1 } }
    }
}

extension String {
    /// Whether this is ASCII, and so needs no SMTPUTF8 (RFC 6531).
    var isASCII: Bool { self.utf8.allSatisfy(\.isASCII) }

    /// ASCII letters in upper case, everything else left alone; keywords are compared in this form.
    var asciiUppercased: String {
        guard self.utf8.contains(where: { $0 != $0.asciiUppercased }) else { return self }
        return String(decoding: self.utf8.map(\.asciiUppercased), as: UTF8.self)
    }

    /// ASCII letters in lower case, everything else left alone.
    var asciiLowercased: String { String(decoding: self.utf8.map(\.asciiLowercased), as: UTF8.self) }

    /// The text of `octets` if they are well-formed UTF-8 without control characters (C0, DEL and C1), nil otherwise.
    init?(graphic octets: some Collection<UInt8>) {
        var isASCII = true
        for octet in octets {
            if octet.isControl { return nil }
            isASCII = isASCII && octet.isASCII
        }
        guard let text = String(validating: octets, as: UTF8.self) else { return nil }
        // C1 controls, U+0080 to U+009F, are UTF8-non-ascii to the grammar and line ends (U+0085) to some readers.
        guard isASCII || !text.unicodeScalars.contains(where: { (0x80...0x9F).contains($0.value) }) else { return nil }
        self = text
    }
}

extension ArraySlice<UInt8> {
    /// The index of the first octet from `start` on that is NUL, HT, LF, VT, FF, CR or another below 14, or `endIndex`.
    ///
    /// Everything SMTP gives a meaning to in mail content (CR, LF, NUL) is in this range, so that text is passed over
    /// eight octets at a time. The caller looks at what it has found and goes on if it was, say, a tab.
    func firstLowControl(from start: Int) -> Int {
        let count = self.count
        let base = self.startIndex
        return unsafe self.withUnsafeBytes { octets in
            var offset = start - base
            while offset + 8 <= count {
                let word = unsafe octets.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                // The high bit of an octet is set where the octet is below 14 (exact for the question "is there any").
                if (word &- 0x0E0E_0E0E_0E0E_0E0E) & ~word & 0x8080_8080_8080_8080 != 0 { break }
                offset += 8
            }
            while offset < count, unsafe octets[offset] >= 0x0E { offset += 1 }
            return base + offset
        }
    }
}
