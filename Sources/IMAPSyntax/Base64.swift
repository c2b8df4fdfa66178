// SPDX-License-Identifier: Apache-2.0

/// The encoding of SASL challenges and responses (RFC 4648 §4).
///
///     base64          = *(4base64-char) [base64-terminal]
///     base64-terminal = (2base64-char "==") / (3base64-char "=")
package enum Base64 {
    /// The octets that `text` encodes; nil where it is not base64 to the letter.
    ///
    /// No spaces, padding in full, no stray bits: every value has one spelling.
    package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        let padding = text.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        var octets: [UInt8] = []
        octets.reserveCapacity(text.count / 4 * 3)
        var bits: UInt32 = 0
        var bitCount = 0
        for octet in text.dropLast(padding) {
            guard let value = self.value(of: octet) else { return nil }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                octets.append(UInt8(truncatingIfNeeded: bits >> bitCount))
                bits &= 1 << bitCount - 1
            }
        }
        // After padding, 4 bits (of two characters) or 2 bits (of three) are left over, and are zero.
        guard bits == 0, bitCount == padding * 2 else { return nil }
        return octets
    }

    /// Appends the encoding of `octets` to `output`.
    package static func encode(_ octets: some Sequence<UInt8>, to output: inout [UInt8]) {
        var bits: UInt32 = 0
        var bitCount = 0
        var length = 0
        for octet in octets {
            bits = bits << 8 | UInt32(octet)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                output.append(self.character(of: UInt8(truncatingIfNeeded: bits >> bitCount)))
                length += 1
            }
            bits &= 1 << bitCount - 1
        }
        guard bitCount > 0 else { return }
        output.append(self.character(of: UInt8(truncatingIfNeeded: bits << (6 - bitCount))))
        for _ in 0..<(3 - length % 4) { output.append(UInt8(ascii: "=")) }
    }

    /// The six bits a base64-char stands for.
    static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// The base64-char for the lower six bits of `value`.
    static func character(of value: UInt8) -> UInt8 {
        switch value & 0x3F {
        case let value where value < 26: value + UInt8(ascii: "A")
        case let value where value < 52: value - 26 + UInt8(ascii: "a")
        case let value where value < 62: value - 52 + UInt8(ascii: "0")
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }
}
