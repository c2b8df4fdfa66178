// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

@Suite("RFC 5321 §4.1.2 Domain") struct DomainTests {
    static let label63 = String(repeating: "a", count: 63)
    static let domain255 = [label63, label63, label63, label63].joined(separator: ".")

    @Test(
        "Domain",
        arguments: [
            ("a", "a"), ("example.com", "example.com"), ("EXAMPLE.Com", "example.com"), ("3com.com", "3com.com"),
            ("a-b.c--d.e", "a-b.c--d.e"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("192.0.2.1", "192.0.2.1"),
            (label63, label63), (domain255, domain255),
        ]
    )
    func domain(input: String, value: String) throws {
        #expect(try parse(input) { try $0.domain() } == value)
    }

    @Test(
        "Domain rejects",
        arguments: [
            "", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "a-.b", "a_b", "_dmarc.a", "a b", "a\0",
            "b\u{FC}cher.example", "a/b", "a:25",
            "a@b", "[a]", "a\r\n", label63 + "a", domain255 + ".a",
        ]
    )
    func domainRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.domain() } }
    }

    @Test(
        "RFC 6531 §3.3: U-labels where SMTPUTF8 is offered",
        arguments: [
            ("b\u{FC}cher.example", "b\u{FC}cher.example"), ("B\u{DC}CHER.Example", "b\u{DC}cher.example"),
            ("例え.テスト", "例え.テスト"),
            (String(repeating: "例", count: 30), String(repeating: "例", count: 30)),
        ]
    )
    func uLabels(input: String, value: String) throws {
        #expect(try parse(input, allowsUTF8: true) { try $0.domain() } == value)
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.domain() } }
    }

    @Test(
        "RFC 6531 §3.3: neither other dots nor controls in U-labels",
        arguments: [
            "a\u{3002}b", "a\u{FF0E}b", "a\u{FF61}b", "a\u{85}b", "\u{9F}", "\u{E9}.", "-\u{E9}",
            String(repeating: "例", count: 86),
        ]
    )
    func uLabelsReject(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input, allowsUTF8: true) { try $0.domain() } }
    }

    @Test(
        "Malformed UTF-8 is refused everywhere (CVE-2020-7046)",
        arguments: [
            [0xC3], [0xA9], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98],
            [0xF4, 0x90, 0x80, 0x80], [0xFF],
        ] as [[UInt8]]
    )
    func malformed(octets: [UInt8]) {
        let a = UInt8(ascii: "a")
        #expect(throws: SyntaxError.self) { try parse([a] + octets, allowsUTF8: true) { try $0.domain() } }
        #expect(throws: SyntaxError.self) { try parse([a] + octets, allowsUTF8: true) { try $0.atom() } }
        #expect(throws: SyntaxError.self) {
            try parse([0x22] + octets + [0x22], allowsUTF8: true) { try $0.quotedString() }
        }
        #expect(throws: SyntaxError.self) {
            try parse([a] + octets + [UInt8]("@b"), allowsUTF8: true) { try $0.mailbox() }
        }
        let parameters = [UInt8](" ENVID=") + octets
        #expect(throws: SyntaxError.self) { try parse(parameters, allowsUTF8: true) { try $0.parameters() } }
    }
}

@Suite("RFC 5321 §4.1.3 Address Literals") struct AddressLiteralTests {
    @Test(
        "address-literal, and its canonical form",
        arguments: [
            ("[123.255.37.2]", "[123.255.37.2]"),
            ("[0.0.0.0]", "[0.0.0.0]"),
            ("[001.002.03.4]", "[1.2.3.4]"),
            ("[IPv6:2001:db8:0:0:0:0:0:1]", "[IPv6:2001:db8::1]"),
            ("[ipv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
            ("[IPv6:::]", "[IPv6:::]"),
            ("[IPv6:::1]", "[IPv6:::1]"),
            ("[IPv6:1::]", "[IPv6:1::]"),
            ("[IPv6:1:2:3:4:5:6::]", "[IPv6:1:2:3:4:5:6::]"),
            ("[IPv6:::ffff:192.0.2.1]", "[IPv6:::ffff:192.0.2.1]"),
            ("[IPv6:::1:192.0.2.1]", "[IPv6:::1:c000:201]"),
            ("[IPv6:1:2:3:4:5:6:192.0.2.1]", "[IPv6:1:2:3:4:5:6:c000:201]"),
            ("[IPv6:1:2:3:4::192.0.2.1]", "[IPv6:1:2:3:4::c000:201]"),
        ]
    )
    func addressLiteral(input: String, canonical: String) throws {
        let address = try parse(input) { try $0.addressLiteral() }
        #expect(address.addressLiteral == canonical)
        #expect(try parse(canonical) { try $0.addressLiteral() } == address)
    }

    @Test(
        "address-literal rejects",
        arguments: [
            "", "[]", "[", "[1.2.3.4", "1.2.3.4]", "[1.2.3]", "[1.2.3.4.5]", "[1.2.3.256]", "[1.2.3.0004]",
            "[1.2.3.4 ]", "[ 1.2.3.4]", "[1..3.4]",
            "[2001:db8::1]", "[IPv6:]", "[IPv6:1]", "[IPv6:1:2:3:4:5:6:7]", "[IPv6:1:2:3:4:5:6:7:8:9]",
            "[IPv6:1::2::3]", "[IPv6:1:::2]",
            "[IPv6::1]", "[IPv6:1:2:3:4:5:6:7:]", "[IPv6:12345::]", "[IPv6:g::]", "[IPv6:1:2:3:4:5:6:7::]",
            "[IPv6:1.2.3.4]",
            "[IPv6:1:2:3:4:5:6:7:1.2.3.4]", "[IPv6:1:2:3:4:5::1.2.3.4]", "[IPv6:::1.2.3.4:5]", "[IPv6:fe80::1%eth0]",
            "[IPv6 ::1]", "[tag:content]",
            "[1.2.3.4]x", "[[1.2.3.4]]", "[localhost]",
        ]
    )
    func addressLiteralRejects(input: String) {
        #expect(throws: SyntaxError.self) { try parse(input) { try $0.addressLiteral() } }
    }
}
