// SPDX-License-Identifier: Apache-2.0

/// What every parser of this module asks of an octet: ASCII only, nothing depends on a locale.
package enum Octets {
    static let tab = UInt8(ascii: "\t")
    static let lf = UInt8(ascii: "\n")
    static let cr = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let hyphen = UInt8(ascii: "-")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let colon = UInt8(ascii: ":")
    static let semicolon = UInt8(ascii: ";")
    static let comma = UInt8(ascii: ",")
    static let percent = UInt8(ascii: "%")
    static let apostrophe = UInt8(ascii: "'")
    static let asterisk = UInt8(ascii: "*")
    static let equals = UInt8(ascii: "=")
    static let question = UInt8(ascii: "?")

    /// `A`-`Z` to `a`-`z`; everything else stays.
    package static func lowercased(_ octet: UInt8) -> UInt8 {
        octet >= 0x41 && octet <= 0x5A ? octet | 0x20 : octet
    }

    /// The octets with ``lowercased(_:)-(UInt8)`` applied to each.
    package static func lowercased(_ octets: some Collection<UInt8>) -> [UInt8] {
        octets.map { octet in self.lowercased(octet) }
    }

    /// Whether both are the same but for the case of ASCII letters.
    package static func equal(_ left: some Collection<UInt8>, ignoringCaseOf right: some Collection<UInt8>) -> Bool {
        left.count == right.count
            && zip(left, right).allSatisfy { pair in self.lowercased(pair.0) == self.lowercased(pair.1) }
    }

    /// Whether the octets are `text` but for the case of ASCII letters.
    package static func equal(_ left: some Collection<UInt8>, ignoringCaseOf text: StaticString) -> Bool {
        self.equal(left, ignoringCaseOf: text.description.utf8)
    }

    /// Space, tab, CR and LF.
    static func isWhitespace(_ octet: UInt8) -> Bool {
        octet == self.space || octet == self.tab || octet == self.cr || octet == self.lf
    }

    /// Space and tab: `WSP` of RFC 5234.
    static func isBlank(_ octet: UInt8) -> Bool {
        octet == self.space || octet == self.tab
    }

    static func isDigit(_ octet: UInt8) -> Bool {
        octet >= 0x30 && octet <= 0x39
    }

    static func isLetter(_ octet: UInt8) -> Bool {
        let lowercase = octet | 0x20
        return lowercase >= 0x61 && lowercase <= 0x7A
    }

    /// `ftext` of RFC 5322 §3.6.8: what a field name is made of.
    static func isFieldName(_ octet: UInt8) -> Bool {
        octet > 0x20 && octet < 0x7F && octet != self.colon
    }

    /// `atext` of RFC 5322 §3.2.3 with the octets of UTF-8 (RFC 6532 §3.2).
    static func isAtomText(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "["),
            UInt8(ascii: "]"), self.colon, self.semicolon, UInt8(ascii: "@"), self.backslash, self.comma,
            UInt8(ascii: "."), self.quote:
            false
        default:
            octet > 0x20 && octet != 0x7F
        }
    }

    /// The value of a hexadecimal digit of either case.
    static func hexadecimalValue(_ octet: UInt8) -> UInt8? {
        switch octet {
        case 0x30...0x39: octet - 0x30
        case 0x41...0x46: octet - 0x41 + 10
        case 0x61...0x66: octet - 0x61 + 10
        default: nil
        }
    }

    /// The upper-case hexadecimal digit of the low four bits.
    static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        let low = value & 0x0F
        return low < 10 ? 0x30 + low : 0x41 + low - 10
    }

    /// Without the white space at both ends.
    static func trimmed(_ octets: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = octets
        while let first = rest.first, self.isWhitespace(first) {
            rest = rest.dropFirst()
        }
        while let last = rest.last, self.isWhitespace(last) {
            rest = rest.dropLast()
        }
        return rest
    }

    /// A field's value as one line: trimmed, and without the line ends of its folding (RFC 5322 §2.2.3) or any other.
    ///
    /// NUL goes too: what comes out can be written as a quoted string or literal of any protocol.
    static func unfolded(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        let line = self.trimmed(octets)
        var result: [UInt8] = []
        result.reserveCapacity(line.count)
        for octet in line where octet != self.cr && octet != self.lf && octet != 0 {
            result.append(octet)
        }
        return result
    }
}
