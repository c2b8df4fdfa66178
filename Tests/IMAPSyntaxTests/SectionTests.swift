// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 9051 §6.4.5 partial")
struct PartialTests {
    @Test(
        "what of a section is wanted",
        arguments: [
            (0, 10, 5, 0..<5), (0, 3, 5, 0..<3), (2, 3, 5, 2..<5), (2, 1, 5, 2..<3), (5, 1, 5, 5..<5), (9, 1, 5, 5..<5),
            (0, 1, 0, 0..<0),
            (UInt64(Int64.max), UInt64(Int64.max), 5, 5..<5), (1, UInt64(Int64.max), 5, 1..<5), (1, .max, 5, 1..<5),
            (0, 1, -1, 0..<0),
        ] as [(UInt64, UInt64, Int, Range<Int>)]
    )
    func ranges(_ offset: UInt64, _ count: UInt64, _ size: Int, _ expected: Range<Int>) {
        #expect(Partial(offset: offset, count: count).range(in: size) == expected)
    }
}
