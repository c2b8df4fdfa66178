// SPDX-License-Identifier: Apache-2.0

extension IPAddress {
    /// What an address is for, by the IANA special-purpose registries (RFC 6890): everything but ``global`` is no place
    /// to which a name from outside may send us.
    package enum Scope: Hashable, Sendable {
        case global
        /// 0.0.0.0/8, `::`: "this host", which many systems take for loopback.
        case unspecified
        case loopback
        /// RFC 1918, unique local (RFC 4193) and the former site-local addresses.
        case privateUse
        /// Carrier-grade NAT (RFC 6598).
        case shared
        case linkLocal
        case multicast
        case documentation
        /// NAT64, 6to4, Teredo, IPv4-compatible: the IPv4 address inside is where it goes, and may be anything.
        case translation
        case reserved
    }

    /// What the address is for.
    ///
    /// IPv4-mapped addresses are what their IPv4 address is.
    package var scope: Scope {
        let address = self.unmapped
        switch address.family {
        case .ipv4: return address.scope(in: Self.ipv4Networks) ?? .global
        // IANA has given out 2000::/3 only; what lies outside is reserved unless the table knows better.
        case .ipv6: return address.scope(in: Self.ipv6Networks) ?? (address.bits >> 125 == 1 ? .global : .reserved)
        }
    }

    package var isGlobal: Bool { self.scope == .global }

    package var isLoopback: Bool { self.scope == .loopback }

    private func scope(in networks: [Network]) -> Scope? {
        networks.first { self.isWithin($0.address, prefixLength: $0.prefixLength) }?.scope
    }

    private struct Network: Sendable {
        let address: IPAddress
        let prefixLength: Int
        let scope: Scope

        init(_ bits: UInt32, _ prefixLength: Int, _ scope: Scope) {
            self.address = IPAddress(ipv4: bits)
            self.prefixLength = prefixLength
            self.scope = scope
        }

        /// `high` and `low` are 64 bits each.
        init(v6 high: UInt64, _ prefixLength: Int, _ scope: Scope, low: UInt64 = 0) {
            self.address = IPAddress(ipv6: UInt128(high) << 64 | UInt128(low))
            self.prefixLength = prefixLength
            self.scope = scope
        }
    }

    private static let ipv4Networks: [Network] = [
        Network(0x0000_0000, 8, .unspecified),
        Network(0x0A00_0000, 8, .privateUse),
        Network(0x6440_0000, 10, .shared),
        Network(0x7F00_0000, 8, .loopback),
        Network(0xA9FE_0000, 16, .linkLocal),
        Network(0xAC10_0000, 12, .privateUse),
        Network(0xC000_0000, 24, .reserved),  // 192.0.0.0/24, protocol assignments (RFC 6890)
        Network(0xC000_0200, 24, .documentation),  // 192.0.2.0/24 (RFC 5737)
        Network(0xC058_6300, 24, .translation),  // 192.88.99.0/24, 6to4 relays (RFC 7526)
        Network(0xC0A8_0000, 16, .privateUse),
        Network(0xC612_0000, 15, .reserved),  // 198.18.0.0/15, benchmarks (RFC 2544)
        Network(0xC633_6400, 24, .documentation),  // 198.51.100.0/24
        Network(0xCB00_7100, 24, .documentation),  // 203.0.113.0/24
        Network(0xE000_0000, 4, .multicast),
        Network(0xF000_0000, 4, .reserved),  // with 255.255.255.255
    ]

    private static let ipv6Networks: [Network] = [
        Network(v6: 0, 128, .unspecified),
        Network(v6: 0, 128, .loopback, low: 1),
        Network(v6: 0, 96, .translation),  // IPv4-compatible (RFC 4291 §2.5.5.1)
        Network(v6: 0x0064_FF9B_0000_0000, 96, .translation),  // NAT64 (RFC 6052)
        Network(v6: 0x0064_FF9B_0001_0000, 48, .translation),  // local NAT64 (RFC 8215)
        Network(v6: 0x0100_0000_0000_0000, 64, .reserved),  // discard-only (RFC 6666)
        Network(v6: 0x2001_0000_0000_0000, 32, .translation),  // Teredo (RFC 4380)
        Network(v6: 0x2001_0000_0000_0000, 23, .reserved),  // protocol assignments (RFC 2928)
        Network(v6: 0x2001_0DB8_0000_0000, 32, .documentation),  // RFC 3849
        Network(v6: 0x2002_0000_0000_0000, 16, .translation),  // 6to4 (RFC 3056)
        Network(v6: 0x3FFF_0000_0000_0000, 20, .documentation),  // RFC 9637
        Network(v6: 0xFC00_0000_0000_0000, 7, .privateUse),
        Network(v6: 0xFE80_0000_0000_0000, 10, .linkLocal),
        Network(v6: 0xFEC0_0000_0000_0000, 10, .privateUse),  // site-local (RFC 3879)
        Network(v6: 0xFF00_0000_0000_0000, 8, .multicast),
    ]
}
