// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 4648 §4 Base64")
struct Base64Tests {
    @Test("octets come back", arguments: UInt64(0)...100)
    func roundTrip(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let value = (0..<Int(seed)).map { _ in UInt8.random(in: 0...255, using: &random) }
        var encoded: [UInt8] = []
        Base64.encode(value, to: &encoded)
        #expect(encoded.count == (value.count + 2) / 3 * 4)
        #expect(Base64.decode(encoded[...]) == value)
    }

    @Test(
        "encoding appends",
        arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
    )
    func vectors(_ value: String, _ encoded: String) {
        var output = octets("+ ")
        Base64.encode(octets(value), to: &output)
        #expect(text(output) == "+ " + encoded)
    }
}
