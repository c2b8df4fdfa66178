// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import IMAPSyntax

@Suite("RFC 9394 §4 partial-range") struct PartialRangeTests {
    @Test(
        "What it reads it writes",
        arguments: ["1:500", "501:1000", "500:400", "-1:-100", "-500:-400", "4294967295:1", "7:7"]
    )
    func roundTrip(_ text: String) throws {
        var parser = CommandParser(Array(text.utf8))
        let range = try parser.partialRange()
        try parser.end()
        var writer = ResponseWriter()
        writer.partialRange(range)
        #expect(String(decoding: writer.take(), as: UTF8.self) == text)
    }

    @Test(
        "What it is not",
        arguments: ["", "1", "1:", "0:1", "1:0", "*:1", "1:*", "-1:1", "1:-1", "--1:-2", "-1", "4294967296:1"]
    )
    func refused(_ text: String) {
        var parser = CommandParser(Array(text.utf8))
        #expect(throws: SyntaxError.self) {
            _ = try parser.partialRange()
            try parser.end()
        }
    }

    @Test(
        "Places in a list of results",
        arguments: [
            (PartialRange(1, 3), 5, 0..<3), (PartialRange(3, 1), 5, 0..<3), (PartialRange(4, 9), 5, 3..<5),
            (PartialRange(6, 9), 5, 5..<5), (PartialRange(1, .max), 0, 0..<0),
            (PartialRange(1, 1, isFromEnd: true), 5, 4..<5), (PartialRange(1, 3, isFromEnd: true), 5, 2..<5),
            (PartialRange(5, 4, isFromEnd: true), 5, 0..<2), (PartialRange(4, 90, isFromEnd: true), 5, 0..<2),
            (PartialRange(6, 9, isFromEnd: true), 5, 0..<0),
        ]
    )
    func indices(_ range: PartialRange, _ count: Int, _ indices: Range<Int>) {
        #expect(range.indices(in: count) == indices)
    }

    @Test(
        "Numbers in their order: only ranges that go up (RFC 5267 §3.2)",
        arguments: [
            ([], ""), ([7], "7"), ([3, 2, 1], "3,2,1"), ([1, 2, 3, 5, 4, 5, 6], "1:3,5,4:6"),
            ([.max - 1, .max, 1], "4294967294:4294967295,1"), ([2, 2], "2,2"),
        ] as [([UInt32], String)]
    )
    func inOrder(_ numbers: [UInt32], _ text: String) {
        var writer = ResponseWriter()
        writer.sequenceSet(inOrder: numbers)
        #expect(String(decoding: writer.take(), as: UTF8.self) == text)
    }
}
