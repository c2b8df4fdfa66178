// SPDX-License-Identifier: Apache-2.0

/// What the parsers of this module ask of an octet; ASCII only.
extension UInt8 {
    var isDigit: Bool { self >= 0x30 && self <= 0x39 }

    var isLetter: Bool {
        let lowercase = self | 0x20
        return lowercase >= 0x61 && lowercase <= 0x7A
    }

    var isAlphanumeric: Bool { self.isDigit || self.isLetter }

    /// Space, tab, CR and LF: what FWS is made of (RFC 5322 §3.2.2).
    var isWhitespace: Bool { self == 0x20 || self == 0x09 || self == 0x0D || self == 0x0A }

    /// Space and tab: `WSP` of RFC 5234.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// Printable ASCII but the space: `VCHAR` of RFC 5234.
    var isVisible: Bool { self > 0x20 && self < 0x7F }

    static let tab = UInt8(ascii: "\t")
    static let lf = UInt8(ascii: "\n")
    static let cr = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let at = UInt8(ascii: "@")
    static let colon = UInt8(ascii: ":")
    static let semicolon = UInt8(ascii: ";")
    static let equals = UInt8(ascii: "=")
    static let dot = UInt8(ascii: ".")
    static let slash = UInt8(ascii: "/")
    static let percent = UInt8(ascii: "%")
}

extension ArraySlice<UInt8> {
    /// Without the white space at both ends.
    var trimmed: ArraySlice<UInt8> {
        let start = self.firstIndex { !$0.isWhitespace } ?? self.endIndex
        let end = self.lastIndex { !$0.isWhitespace }.map { $0 + 1 } ?? start
        return self[start..<end]
    }
}

extension Collection<UInt8> {
    /// A decimal number of no more than `maximumDigits` digits, and nothing else.
    func decimal(maximumDigits: Int) -> Int? {
        guard !self.isEmpty, self.count <= Swift.min(maximumDigits, 18), self.allSatisfy(\.isDigit) else { return nil }
        return self.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
