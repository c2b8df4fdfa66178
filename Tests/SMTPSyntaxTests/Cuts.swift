// SPDX-License-Identifier: Apache-2.0

/// The ways in which a test cuts its input into read buffers: whole, octet by octet, and in two at every place.
func cuts(_ input: [UInt8]) -> [[[UInt8]]] {
    let inTwo = (1..<Swift.max(1, input.count)).map { [Array(input[..<$0]), Array(input[$0...])] }
    return [[input], input.map { [$0] }] + inTwo
}

/// A seeded generator (SplitMix64), so that every run tests the same.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { self.state = seed }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

extension [UInt8] {
    init(_ text: String) { self = Array(text.utf8) }

    var text: String { String(decoding: self, as: UTF8.self) }
}

/// The fake ends of content S-01 to S-14 with which messages are smuggled, and those of them that lack a line end before.
enum FakeEnd {
    static let sequences = [
        "\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n", "\r\n.\0\r\n",
        "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n. \r\n", "\r\n..\r\n", "\r\n.\n\r\n", "\r\n\n.\r\n", "\r\n.\r\0\n",
    ]

    /// At the very start of content, where the CRLF of the DATA command stands in for the first line end.
    static let atStart = [
        ".\n", ".\r", ".\n\r\n", ".\r\r\n", ".\0\r\n", "\0.\r\n", ". \r\n", "..\r\n", "\n.\n", "\n.\r\n", "\r.\r\n",
        "\r\n.\n",
        "\r\n.\r", ".\r.\r\n", ".\n.\r\n",
    ]
}
