// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Networks in CIDR notation, such as `10.0.0.0/8`, `2001:db8::/32` or, for one address, `127.0.0.1`.
package struct NetworkList: Sendable {
    private struct Network: Sendable {
        let address: IPAddress
        let prefixLength: Int
    }

    private var networks: [Network] = []

    /// No network at all.
    package init() {}

    /// Reads networks; nil if one of the texts is none.
    package init?(_ texts: [String]) {
        for text in texts {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = parts.first, let address = try? IPAddress(parsing: String(first)) else { return nil }
            let width = address.family.width
            // Int takes a sign, too.
            let isNumber = parts.count == 1 || parts[1].utf8.allSatisfy { 0x30...0x39 ~= $0 }
            let prefixLength = parts.count == 1 ? width : Int(parts[1]) ?? -1
            guard isNumber, 0...width ~= prefixLength else { return nil }
            self.networks.append(Network(address: address, prefixLength: prefixLength))
        }
    }

    package func contains(_ address: IPAddress) -> Bool {
        let address = address.unmapped
        return self.networks.contains { network in
            network.address.family == address.family
                && address.isWithin(network.address, prefixLength: network.prefixLength)
        }
    }
}

extension IPAddress {
    /// What counts as one client when clients are counted: an IPv4 address, or the /64 of an IPv6 address, of which any
    /// customer has as many as he likes.
    var countingKey: [UInt8] {
        let octets = self.unmapped.octets
        return octets.count == 16 ? Array(octets.prefix(8)) : octets
    }
}
