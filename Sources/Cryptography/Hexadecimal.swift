// SPDX-License-Identifier: Apache-2.0

/// Octets as hexadecimal digits (RFC 4648 §8), written in lower case, read in either.
package enum Hexadecimal {
    /// The digits of an octet string, two for each octet.
    package static func encode(_ octets: [UInt8]) -> String {
        var digits: [UInt8] = []
        digits.reserveCapacity(octets.count * 2)
        for octet in octets {
            digits.append(Self.digit(octet >> 4))
            digits.append(Self.digit(octet & 0x0F))
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The octets of an even number of digits, or nil if there is anything else.
    package static func decode(_ digits: String) -> [UInt8]? {
        var octets: [UInt8] = []
        var high: UInt8?
        for digit in digits.utf8 {
            guard let value = Self.value(digit) else { return nil }
            if let upper = high {
                octets.append(upper << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return high == nil ? octets : nil
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
