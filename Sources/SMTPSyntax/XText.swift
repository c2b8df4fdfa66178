// SPDX-License-Identifier: Apache-2.0

/// The encoding of parameter values in which `+`, `=`, spaces and controls become `+` and two hexadecimal digits
/// (RFC 3461 §4).
package enum XText {
    /// The text that `value` encodes.
    ///
    /// xtext = *( xchar / hexchar ) ; xchar = "!" to "~" except "+" and "="
    ///
    /// hexchar = "+" and two upper-case hexadecimal digits
    ///
    /// UTF-8 stands for itself where the parameter's grammar let it through (RFC 6531 §3.3). A hexchar must encode
    /// printable ASCII: what is decoded ends up in header fields of reports (RFC 3461 §4.2, §4.4).
    package static func decode(_ value: String) throws(SyntaxError) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(value.utf8.count)
        var octets = value.utf8.makeIterator()
        var offset = 0
        while let octet = octets.next() {
            if octet == UInt8(ascii: "+") {
                guard let high = octets.next(), let low = octets.next(), Self.isUpperCaseHexadecimal(high),
                    Self.isUpperCaseHexadecimal(low), let first = high.hexadecimalValue,
                    let second = low.hexadecimalValue, first < 8, !(first << 4 | second).isControl
                else { throw SyntaxError(expected: "hexchar of a printable character", offset: offset) }
                text.append(first << 4 | second)
                offset += 3
            } else {
                guard octet != .space, octet != UInt8(ascii: "="), !octet.isControl else {
                    throw SyntaxError(expected: "xtext", offset: offset)
                }
                text.append(octet)
                offset += 1
            }
        }
        guard let text = String(graphic: text) else { throw SyntaxError(expected: "xtext") }
        return text
    }

    /// Encodes `text`.
    ///
    /// UTF-8 is left as it is: such a value may be sent with SMTPUTF8 only.
    package static func encode(_ text: String) -> String {
        var value: [UInt8] = []
        for octet in text.utf8 {
            if octet == UInt8(ascii: "+") || octet == UInt8(ascii: "=") || octet == .space || octet.isControl {
                value.append(UInt8(ascii: "+"))
                value += String(octet, radix: 16, uppercase: true).leftPadded.utf8
            } else {
                value.append(octet)
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    private static func isUpperCaseHexadecimal(_ octet: UInt8) -> Bool {
        octet.isDigit || (0x41...0x46).contains(octet)
    }
}

extension String {
    /// Two hexadecimal digits.
    fileprivate var leftPadded: String { self.utf8.count < 2 ? "0" + self : self }
}
