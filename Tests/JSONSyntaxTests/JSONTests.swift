// SPDX-License-Identifier: Apache-2.0

import JSONSyntax
import Testing

@Suite("JSON, RFC 8259") struct JSONTests {
    private static let limits = JSONReader.Limits(depth: 16, values: 100)

    private static func read(_ text: String) throws -> JSONValue {
        try JSONReader.value(in: Array(text.utf8), limits: self.limits)
    }

    @Test(
        "Values are read",
        arguments: [
            ("null", JSONValue.null), (" true ", true), ("false", false), ("0", 0), ("-12", -12),
            ("9223372036854775807", 9_223_372_036_854_775_807),
            ("9223372036854775808", .decimal("9223372036854775808")),
            ("1.50", .decimal("1.50")), ("1e2", .decimal("1e2")), ("[]", []), ("[1, \"a\"]", [1, "a"]), ("{}", [:]),
            ("{\"a\":{\"b\":null}}", ["a": ["b": .null]]), ("{\"a\":1,\"a\":2}", ["a": 2]),
            ("\"\\u00fC\\ud83d\\ude00\\n\\\"\\/\\\\\"", "ü😀\n\"/\\"), ("\"\\ud83d\"", "\u{FFFD}"),
            ("\"\\u0000\"", "\u{0}"),
        ] as [(String, JSONValue)]
    )
    func values(text: String, value: JSONValue) throws { #expect(try Self.read(text) == value) }

    @Test(
        "Anything else is refused",
        arguments: [
            "", " ", "nul", "01", "-", "1.", ".5", "1e", "+1", "[1,]", "[1 2]", "{\"a\"}", "{a:1}", "{\"a\":1,}", "\"a",
            "\"\u{1}\"", "\"\\x\"", "\"\\u12\"", "1 2", "[", "{", "\"\\", "NaN",
        ]
    )
    func refused(text: String) { #expect(throws: MalformedJSON.self) { try Self.read(text) } }

    @Test("What is not UTF-8 is refused") func encoding() {
        #expect(throws: MalformedJSON(expected: "UTF-8")) {
            try JSONReader.value(in: [0x22, 0xFF, 0x22], limits: Self.limits)
        }
    }

    @Test("Depth and number of values are bounded") func bounds() throws {
        let deep = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
        #expect(throws: Never.self) { try Self.read(deep) }
        #expect(throws: MalformedJSON.self) { try Self.read("[\(deep)]") }
        #expect(throws: MalformedJSON.self) { try Self.read(String(repeating: "[", count: 1_000_000)) }
        #expect(throws: MalformedJSON.self) {
            try Self.read("[" + String(repeating: "1,", count: 100) + "1]")
        }
    }

    @Test("What is written is read again, every control character included") func roundTrip() throws {
        let text = String(String.UnicodeScalarView((0..<256).compactMap { Unicode.Scalar($0) })) + "\u{2028}😀"
        let value: JSONValue = ["b": [.string(text), 1, .null, true], "a": .decimal("1.5")]
        #expect(try JSONReader.value(in: value.octets, limits: Self.limits) == value)
        #expect(value.octets.starts(with: "{\"a\":1.5,\"b\":[".utf8))
        #expect(!value.octets.contains { $0 < 0x20 || $0 == 0x7F })
    }
}
