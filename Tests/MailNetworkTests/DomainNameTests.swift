// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailNetwork

@Suite("RFC 1035 §2.3.4, §3.1")
struct DomainNameTests {
    @Test(arguments: [
        ("example.com", "example.com"), ("Example.COM.", "example.com"), ("_dmarc.x-y.test", "_dmarc.x-y.test"),
        (".", "."),
        ("1.0.0.127.in-addr.arpa", "1.0.0.127.in-addr.arpa"),
    ])
    func names(text: String, expected: String) {
        #expect(DomainName(text)?.text == expected)
    }

    @Test(arguments: [
        "", "..", "a..b", ".a", "a b", "a\\.b", "a\0b", "b\u{FC}cher.example", "a@b", "[192.0.2.1]",
        String(repeating: "a", count: 64), String(repeating: "abcdefg.", count: 32) + "com",
    ])
    func notNames(text: String) {
        #expect(DomainName(text) == nil)
    }

    @Test(arguments: [
        ("Example.com", "example.com"), ("a+b.example.com", "a\\043b.example.com"), ("a b\\.x", "a\\032b\\092.x"),
        ("_spf.\u{7}é", "_spf.\\007\\195\\169"),
    ])
    func namesOfAnyOctets(text: String, expected: String) {
        #expect(DomainName(anyOctets: text.utf8)?.text == expected)
    }

    @Test(arguments: [
        "", ".", "a..b", ".a", "a.", String(repeating: "+", count: 64), String(repeating: "a.", count: 127) + "a",
    ])
    func notNamesOfAnyOctets(text: String) {
        #expect(DomainName(anyOctets: text.utf8) == nil)
    }

    @Test
    func lengthsAtTheLimit() {
        let label = String(repeating: "a", count: 63)
        #expect(DomainName(label) != nil)
        let name = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
        #expect(name.utf8.count == 253)
        #expect(DomainName(name) != nil)
        #expect(DomainName(name + "b") == nil)
    }

    @Test
    func everyCutOfAWireFormatIsRefused() {
        let octets: [UInt8] = [2] + Array("mx".utf8) + [3] + Array("org".utf8) + [0]
        #expect(DomainName(wireFormat: octets[...])?.text == "mx.org")
        for cut in 0..<octets.count {
            #expect(DomainName(wireFormat: octets[..<cut]) == nil)
        }
        #expect(DomainName(wireFormat: (octets + [0])[...]) == nil)
    }

    @Test
    func pointersAndOddLabelsAreRefused() {
        #expect(DomainName(wireFormat: [0xC0, 0x0C]) == nil)
        #expect(DomainName(wireFormat: [64] + [UInt8](repeating: 0x61, count: 64) + [0]) == nil)
        #expect(DomainName(wireFormat: [3, 0x61, 0x2E, 0x62, 0]) == nil)
    }
}

@Suite("RFC 1035 §3.3.9")
struct MailExchangerTests {
    @Test
    func preferenceAndName() {
        #expect(
            MailExchanger(rdata: mx(65_535, ["MX", "example"]), isSecure: true)
                == MailExchanger(preference: 65_535, name: "mx.example", isSecure: true)
        )
        #expect(MailExchanger(rdata: mx(0, []), isSecure: false)?.isNull == true)
    }

    @Test(arguments: [[], [0], [0, 1], [0, 1, 5, 0x61], [0, 1, 0, 0], [0, 1, 1, 0x20, 0]] as [[UInt8]])
    func damagedRecordsAreIgnored(rdata: [UInt8]) {
        #expect(MailExchanger(rdata: rdata, isSecure: false) == nil)
    }
}
