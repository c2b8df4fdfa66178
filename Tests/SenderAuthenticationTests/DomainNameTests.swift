// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SenderAuthentication

@Suite("Domain names") struct DomainNameTests {
    @Test(
        "RFC 1035 §2.3.4: names",
        arguments: [
            ("example.org", "example.org"), ("Example.ORG.", "example.org"),
            ("_dmarc.a-b.example", "_dmarc.a-b.example"),
            ("localhost", "localhost"),
            (String(repeating: "a", count: 63) + ".b", String(repeating: "a", count: 63) + ".b"),
        ]
    )
    func names(text: String, canonical: String) {
        #expect(DomainName(text)?.text == canonical)
    }

    @Test(
        "What is none",
        arguments: [
            "", ".", "a..b", ".a", "a b", "a\u{0}b", "a'b", "a(b", "[192.0.2.1]", "a@b",
            String(repeating: "a", count: 64),
            Array(repeating: "aaaaaaaaa", count: 26).joined(separator: "."), "\u{FFFD}.example",
        ]
    )
    func noNames(text: String) {
        #expect(DomainName(text) == nil)
    }

    @Test("Octets that are no UTF-8 are none") func octetsOnly() {
        #expect(DomainName([0x61, 0xFF, 0x62]) == nil)
    }

    @Test(
        "RFC 3492: U-labels are the same names as their A-labels",
        arguments: [
            ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.Example", "xn--bcher-kva.example"),
            ("他们为什么不说中文", "xn--ihqwcrb4cv8a8dqg056pqjye"),
            ("食狮.公司.cn", "xn--85x722f.xn--55qx5d.cn"), ("食狮。公司。cn", "xn--85x722f.xn--55qx5d.cn"),
            ("faß.de", "xn--fa-hia.de"), ("почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l"),
            // Not in NFC, and what folds into something else.
            ("bu\u{308}cher.example", nil), ("ｅxample.org", nil), ("\u{1112}\u{1161}\u{11AB}.example", nil),
        ]
    )
    func internationalized(text: String, canonical: String?) {
        #expect(DomainName(text)?.text == canonical)
    }

    @Test("Below and beside") func within() throws {
        let parent = try TestKeys.required(DomainName("example.org"))
        #expect(DomainName("example.org")?.isWithin(parent) == true)
        #expect(DomainName("a.example.org")?.isWithin(parent) == true)
        #expect(DomainName("badexample.org")?.isWithin(parent) == false)
        #expect(DomainName("org")?.isWithin(parent) == false)
    }
}
