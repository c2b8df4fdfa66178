// SPDX-License-Identifier: Apache-2.0

/// Base64 (RFC 4648 §4) in its canonical form: padded, without white space, unused bits zero.
///
/// What SASL and stored verifiers need: one octet string has one text, everything else is refused.
/// (The lenient base64 of messages is MIME's and lives with it.)
package enum Base64 {
    /// The text of an octet string.
    package static func encode(_ octets: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((octets.count + 2) / 3 * 4)
        var index = 0
        while index < octets.count {
            let count = min(3, octets.count - index)
            let first = UInt32(octets[index])
            let second = count > 1 ? UInt32(octets[index + 1]) : 0
            let third = count > 2 ? UInt32(octets[index + 2]) : 0
            let group = first << 16 | second << 8 | third
            text.append(Self.character(group >> 18))
            text.append(Self.character(group >> 12))
            text.append(count > 1 ? Self.character(group >> 6) : UInt8(ascii: "="))
            text.append(count > 2 ? Self.character(group) : UInt8(ascii: "="))
            index += 3
        }
        return text
    }

    /// The octet string of a text, or nil if the text is not canonical base64.
    package static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        guard !text.isEmpty else { return [] }
        let padding =
            text[text.endIndex - 1] != UInt8(ascii: "=") ? 0 : text[text.endIndex - 2] != UInt8(ascii: "=") ? 1 : 2
        var octets: [UInt8] = []
        octets.reserveCapacity(text.count / 4 * 3)
        var group: UInt32 = 0
        var digits = 0
        for character in text.dropLast(padding) {
            guard let value = Self.value(character) else { return nil }
            group = group << 6 | value
            digits += 1
            guard digits == 4 else { continue }
            octets.append(UInt8(truncatingIfNeeded: group >> 16))
            octets.append(UInt8(truncatingIfNeeded: group >> 8))
            octets.append(UInt8(truncatingIfNeeded: group))
            group = 0
            digits = 0
        }
        switch digits {
        case 2:
            guard group & 0x0F == 0 else { return nil }
            octets.append(UInt8(truncatingIfNeeded: group >> 4))
        case 3:
            guard group & 0x03 == 0 else { return nil }
            octets.append(UInt8(truncatingIfNeeded: group >> 10))
            octets.append(UInt8(truncatingIfNeeded: group >> 2))
        default:
            break
        }
        return octets
    }

    /// The octet string of a text, or nil if the text is not canonical base64.
    package static func decode(_ text: [UInt8]) -> [UInt8]? { Self.decode(text[...]) }

    /// The character of a group's lowest six bits.
    private static func character(_ bits: UInt32) -> UInt8 {
        switch UInt8(truncatingIfNeeded: bits & 0x3F) {
        case let value where value < 26: UInt8(ascii: "A") + value
        case let value where value < 52: UInt8(ascii: "a") + (value - 26)
        case let value where value < 62: UInt8(ascii: "0") + (value - 52)
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    private static func value(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
