// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 5952 IP addresses") struct IPAddressTests {
    @Test(
        "Text and canonical text",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
            ("::1", "::1"),
            ("1::", "1::"), ("2001:0db8:0000:0000:0000:ff00:0042:8329", "2001:db8::ff00:42:8329"),
            ("2001:DB8::A", "2001:db8::a"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::FFFF:c000:0201", "::ffff:192.0.2.1"),
            ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
            ("::1.2.3.4", "::102:304"),
        ]
    )
    func text(text: String, canonical: String) throws {
        let address = try IPAddress(parsing: text)
        #expect(address.description == canonical)
        #expect(try IPAddress(parsing: canonical) == address)
        #expect(IPAddress(octets: address.octets) == address)
    }

    @Test(
        "What is no IP address",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.", "1.2.3.04", "1.2.3.256", "1.2.3.-4", " 1.2.3.4", "1.2.3.4/8", "0x7f.1",
            "2130706433", ":", ":::", "1:", ":1",
            "1::2::3", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "fe80::1%eth0", "[::1]", "::ffff:1.2.3",
            "1.2.3.4::", "a.b.c.d",
            String(repeating: "1:", count: 10_000), String(repeating: "::", count: 10_000),
        ]
    )
    func rejects(text: String) {
        #expect(throws: SyntaxError.self) { try IPAddress(parsing: text) }
    }

    @Test("Octets come in fours and sixteens only")
    func octets() {
        #expect(IPAddress(octets: [127, 0, 0, 1]) == .ipv4Loopback)
        #expect(IPAddress(octets: [UInt8](repeating: 0, count: 15) + [1]) == .ipv6Loopback)
        for count in [0, 3, 5, 15, 17] { #expect(IPAddress(octets: [UInt8](repeating: 1, count: count)) == nil) }
    }

    @Test(
        "Networks",
        arguments: [
            ("192.0.2.1", "192.0.2.0", 24, true), ("192.0.3.1", "192.0.2.0", 24, false),
            ("192.0.2.1", "0.0.0.0", 0, true),
            ("192.0.2.1", "192.0.2.1", 32, true), ("192.0.2.1", "192.0.2.0", 32, false), ("::1", "::", 0, true),
            ("192.0.2.1", "::", 0, false),
            ("2001:db8::1", "2001:db8::", 32, true), ("2001:db9::1", "2001:db8::", 32, false),
            ("192.0.2.1", "192.0.2.1", 99, true),
        ]
    )
    func networks(address: String, network: String, prefixLength: Int, isWithin: Bool) throws {
        #expect(
            try IPAddress(parsing: address).isWithin(IPAddress(parsing: network), prefixLength: prefixLength)
                == isWithin
        )
    }

    @Test(
        "R-05: scopes, at both edges of each network",
        arguments: [
            ("0.0.0.0", .unspecified), ("0.255.255.255", .unspecified), ("1.0.0.0", .global),
            ("9.255.255.255", .global), ("10.0.0.0", .privateUse),
            ("10.255.255.255", .privateUse), ("11.0.0.0", .global), ("100.63.255.255", .global),
            ("100.64.0.0", .shared),
            ("100.127.255.255", .shared), ("100.128.0.0", .global), ("126.255.255.255", .global),
            ("127.0.0.1", .loopback),
            ("127.255.255.255", .loopback), ("128.0.0.0", .global), ("169.253.255.255", .global),
            ("169.254.169.254", .linkLocal),
            ("169.255.0.0", .global), ("172.15.255.255", .global), ("172.16.0.0", .privateUse),
            ("172.31.255.255", .privateUse),
            ("172.32.0.0", .global), ("192.0.0.1", .reserved), ("192.0.1.0", .global), ("192.0.2.255", .documentation),
            ("192.0.3.0", .global),
            ("192.88.99.1", .translation), ("192.167.255.255", .global), ("192.168.0.0", .privateUse),
            ("192.169.0.0", .global),
            ("198.17.255.255", .global), ("198.18.0.0", .reserved), ("198.19.255.255", .reserved),
            ("198.20.0.0", .global),
            ("198.51.100.1", .documentation), ("203.0.113.1", .documentation), ("203.0.114.0", .global),
            ("223.255.255.255", .global),
            ("224.0.0.1", .multicast), ("239.255.255.255", .multicast), ("240.0.0.0", .reserved),
            ("255.255.255.255", .reserved), ("::", .unspecified),
            ("::1", .loopback), ("::2", .translation), ("::127.0.0.1", .translation), ("::ffff:127.0.0.1", .loopback),
            ("::ffff:10.0.0.1", .privateUse),
            ("::ffff:8.8.8.8", .global), ("64:ff9b::8.8.8.8", .translation), ("64:ff9b:1::1", .translation),
            ("100::1", .reserved),
            ("2001::1", .translation), ("2001:20::1", .reserved), ("2001:1ff:ffff::", .reserved),
            ("2001:200::", .global),
            ("2001:db8::1", .documentation), ("2001:4860:4860::8888", .global), ("2002:7f00:1::", .translation),
            ("2003::1", .global),
            ("3ffe::1", .global), ("3fff::1", .documentation), ("3fff:fff::", .documentation), ("3fff:1000::", .global),
            ("4000::1", .reserved),
            ("1fff::1", .reserved), ("fbff::1", .reserved), ("fc00::1", .privateUse), ("fdff::1", .privateUse),
            ("fe80::1", .linkLocal),
            ("febf::1", .linkLocal), ("fec0::1", .privateUse), ("ff02::1", .multicast),
        ] as [(String, IPAddress.Scope)]
    )
    func scopes(text: String, scope: IPAddress.Scope) throws {
        let address = try IPAddress(parsing: text)
        #expect(address.scope == scope)
        #expect(address.isGlobal == (scope == .global))
        #expect(address.isLoopback == (scope == .loopback))
    }
}
