// SPDX-License-Identifier: Apache-2.0

/// The value of ORCPT, decoded: an address type and an address (RFC 3461 §4.2, for `utf-8` RFC 6533 §3).
package struct OriginalRecipient: Hashable, Sendable {
    /// In lower case: `rfc822`, `utf-8`, or one that we do not know.
    package let addressType: String
    /// As the sender wrote it, without control characters.
    ///
    /// Need not be an address by anyone's grammar.
    package let address: String

    /// The longest value, in octets (RFC 3461 §4.2).
    package static let limit = 500

    private static let unicodeType = "utf-8"

    /// The recipient of a message submitted to us, as it is passed on.
    package init(_ address: EmailAddress) {
        self.addressType = address.isASCII ? "rfc822" : Self.unicodeType
        self.address = address.description
    }

    /// Reads the value of ORCPT.
    ///
    /// original-recipient-address = addr-type ";" xtext
    ///
    /// addr-type = atom
    package init(value: String) throws(SyntaxError) {
        let octets = Array(value.utf8)
        var parser = CommandParser(octets[...])
        let addressType = try parser.atom().asciiLowercased
        try parser.octet(UInt8(ascii: ";"), "semicolon")
        let encoded = String(decoding: parser.rest, as: UTF8.self)
        let address = addressType == Self.unicodeType ? try Self.decodeUnicode(encoded) : try XText.decode(encoded)
        guard !address.isEmpty else { throw parser.expected("original recipient address") }
        self.addressType = addressType
        self.address = address
    }

    /// The value as it is sent: ASCII, whatever the address.
    package var value: String {
        guard self.addressType == Self.unicodeType || !self.address.isASCII else {
            return "\(self.addressType);\(XText.encode(self.address))"
        }
        var value = "\(self.addressType);"
        for scalar in self.address.unicodeScalars {
            if (0x21...0x7E).contains(scalar.value), scalar != "\\", scalar != "+", scalar != "=" {
                value.unicodeScalars.append(scalar)
            } else {
                value += "\\x{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return value
    }

    /// The address in a value of type `utf-8`.
    ///
    /// utf-8-enc-addr = utf-8-addr-xtext / utf-8-addr-unitext / utf-8-address
    ///
    /// EmbeddedUnicodeChar = %x5C.78 "{" HEXPOINT "}"
    ///
    /// Three forms that are told apart by nothing: a backslash begins an EmbeddedUnicodeChar, all else is itself. (A
    /// utf-8-address with a backslash in a quoted local part is an error by this reading; RFC 6533 leaves no other.)
    private static func decodeUnicode(_ encoded: String) throws(SyntaxError) -> String {
        var address = String.UnicodeScalarView()
        var rest = encoded.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "\\" else {
                address.append(scalar)
                continue
            }
            guard rest.popFirst() == "x", rest.popFirst() == "{", let close = rest.prefix(7).firstIndex(of: "}"),
                rest[..<close].allSatisfy(\.properties.isASCIIHexDigit),
                let value = UInt32(String(rest[..<close]), radix: 16), let decoded = Unicode.Scalar(value)
            else { throw SyntaxError(expected: "EmbeddedUnicodeChar") }
            address.append(decoded)
            rest = rest[close...].dropFirst()
        }
        guard let address = String(graphic: Array(String(address).utf8)) else {
            throw SyntaxError(expected: "utf-8-enc-addr without control characters")
        }
        return address
    }
}
