// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cryptography

@Suite("RFC 4648 §10: base64 and base16")
struct Base64Tests {
    @Test(
        "Test vectors, both ways",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func vectors(_ plain: String, _ text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == Array(text.utf8))
        #expect(Base64.decode(Array(text.utf8)) == Array(plain.utf8))
    }

    @Test("Every octet survives at every length")
    func roundTrip() {
        let all = (0...255).map { UInt8($0) }
        for length in 0...256 {
            let octets = Array(all.suffix(length))
            #expect(Base64.decode(Base64.encode(octets)) == octets)
            #expect(Hexadecimal.decode(Hexadecimal.encode(octets)) == octets)
        }
    }

    @Test(
        "Everything that is not canonical is refused",
        arguments: [
            "Z", "Zg", "Zg=", "Zm8", "====", "=", "Zg==Zg==", "Zm9v Zg=", "Zm9v\r\n==", "Zh==", "Zm9=", "Z===", "Z=g=",
            "Zm9v!===", "Zm-_", "Zg==\n", "*", "Zm9v=", "Zm9\u{e9}", "AAAA====",
        ]
    )
    func refused(_ text: String) {
        #expect(Base64.decode(Array(text.utf8)) == nil)
    }

    @Test("A slice is decoded by its own bounds")
    func slice() {
        let line = Array("+ Zm9v\r\n".utf8)
        #expect(Base64.decode(line[2..<6]) == Array("foo".utf8))
    }

    @Test("Hexadecimal digits come in pairs", arguments: ["a", "0g", "é", "abc", " 0"])
    func hexadecimal(_ text: String) {
        #expect(Hexadecimal.decode(text) == nil)
        #expect(Hexadecimal.decode("DEADbeef") == [0xDE, 0xAD, 0xBE, 0xEF])
        #expect(Hexadecimal.encode([0xDE, 0xAD, 0x00]) == "dead00")
    }
}
