// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address as a number, without port or zone.
///
/// `192.0.2.1` and `::ffff:192.0.2.1` are different values; compare ``unmapped`` where they should not be.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package enum Family: Hashable, Sendable {
        case ipv4
        case ipv6

        /// Bits of an address.
        package var width: Int { self == .ipv4 ? 32 : 128 }
    }

    package let family: Family
    /// The address as a number, most significant octet first; IPv4 in the low 32 bits.
    var bits: UInt128 { UInt128(self.high) << 64 | UInt128(self.low) }
    /// Its halves.
    ///
    /// Not one number of 128 bits: those are aligned to 16 octets, and asynchronous functions that carry one across a suspension
    /// jump into data when optimized (Swift 6.3.1).
    private let high: UInt64
    private let low: UInt64

    package static let ipv4Loopback = Self(ipv4: 0x7F00_0001)
    package static let ipv6Loopback = Self(ipv6: 1)

    package init(ipv4 bits: UInt32) {
        self.family = .ipv4
        self.high = 0
        self.low = UInt64(bits)
    }

    package init(ipv6 bits: UInt128) {
        self.family = .ipv6
        self.high = UInt64(truncatingIfNeeded: bits >> 64)
        self.low = UInt64(truncatingIfNeeded: bits)
    }

    /// From 4 or 16 octets in network order; nil for any other number of them.
    package init?(octets: some Collection<UInt8>) {
        let bits = octets.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        switch octets.count {
        case 4: self.init(ipv4: UInt32(truncatingIfNeeded: bits))
        case 16: self.init(ipv6: bits)
        default: return nil
        }
    }

    /// Reads dotted IPv4 (no leading zeros: some read them as octal) or RFC 4291 §2.2 IPv6 text.
    package init(parsing text: String) throws(SyntaxError) {
        var parser = IPAddressParser(Array(text.utf8)[...], notation: .presentation)
        guard let address = parser.address() else { throw SyntaxError(expected: "IP address") }
        self = address
    }

    /// 4 or 16 octets in network order.
    package var octets: [UInt8] {
        stride(from: self.family.width - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self.bits >> $0) }
    }

    /// The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2), or the address itself.
    package var unmapped: Self {
        guard self.family == .ipv6, self.bits >> 32 == 0xFFFF else { return self }
        return Self(ipv4: UInt32(truncatingIfNeeded: self.bits))
    }

    /// The labels of its reversed form, for names about it: `7.2.0.192` (RFC 1035 §3.5), or 32 hexadecimal digits (RFC 3596
    /// §2.5).
    package var reversedLabels: String {
        switch self.family {
        case .ipv4: self.octets.reversed().map(String.init).joined(separator: ".")
        case .ipv6:
            self.octets.reversed().flatMap { [$0 & 0x0F, $0 >> 4] }.map { String($0, radix: 16) }.joined(separator: ".")
        }
    }

    /// Whether this is in the network of the first `prefixLength` bits of `network`.
    ///
    /// Never true across families.
    package func isWithin(_ network: Self, prefixLength: Int) -> Bool {
        guard self.family == network.family else { return false }
        return (self.bits ^ network.bits) >> max(0, self.family.width - prefixLength) == 0
    }

    /// The canonical text (RFC 5952): lower case, no leading zeros, `::` for the first longest run of zero groups.
    package var description: String {
        if self.family == .ipv4 { return self.octets.map { String($0) }.joined(separator: ".") }
        // RFC 5952 §5: prefixes that are known to hold an IPv4 address show it.
        if self.unmapped.family == .ipv4 { return "::ffff:\(self.unmapped)" }
        let groups = stride(from: 112, through: 0, by: -16).map { UInt16(truncatingIfNeeded: self.bits >> $0) }
        func text(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        let zeros = Self.longestRunOfZeros(groups)
        guard zeros.count > 1 else { return text(groups[...]) }
        return "\(text(groups[..<zeros.lowerBound]))::\(text(groups[zeros.upperBound...]))"
    }

    private static func longestRunOfZeros(_ groups: [UInt16]) -> Range<Int> {
        var longest = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<(index + 1)
            }
        }
        return longest
    }
}
