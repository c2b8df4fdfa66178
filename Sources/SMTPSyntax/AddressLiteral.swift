// SPDX-License-Identifier: Apache-2.0

/// IP addresses in the place of a domain (RFC 5321 §4.1.3).
extension IPAddress {
    /// The address literal, brackets included, in canonical form: `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    package var addressLiteral: String {
        switch self.family {
        case .ipv4: "[\(self)]"
        case .ipv6: "[IPv6:\(self)]"
        }
    }

    /// What stands between the brackets of an address literal; nil if it is neither of the two known forms.
    ///
    /// IPv6-address-literal = "IPv6:" IPv6-addr
    init?(literalContent content: ArraySlice<UInt8>) {
        let tag = content.prefix(5)
        let address: IPAddress?
        if tag.isKeyword("IPV6:") {
            var parser = IPAddressParser(content[tag.endIndex...], notation: .addressLiteral)
            address = parser.ipv6Address()
        } else {
            var parser = IPAddressParser(content, notation: .addressLiteral)
            address = parser.ipv4Address()
        }
        guard let address else { return nil }
        self = address
    }
}
