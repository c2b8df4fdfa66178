// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPServer

/// RFC 5322 §2.2: where the header section ends, and which of the fields that matter it has.
@Suite("RFC 5322 §2.2") struct HeaderScanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        /// Where the empty line begins, or nil if there is none.
        let end: Int?
        let received: Int
        let hasDate: Bool
        let hasMessageID: Bool
        var testDescription: String { self.text.debugDescription }
    }

    static let cases = [
        Case(text: "", end: nil, received: 0, hasDate: false, hasMessageID: false),
        Case(text: "\r\nDate: x\r\n", end: 0, received: 0, hasDate: false, hasMessageID: false),
        Case(text: "Date: x\r\n\r\n", end: 9, received: 0, hasDate: true, hasMessageID: false),
        Case(text: "DATE \t: x\r\nmessage-id:y\r\n\r\n", end: 25, received: 0, hasDate: true, hasMessageID: true),
        Case(
            text: "Dates: x\r\nDat: y\r\nMessage-IDs: z\r\n",
            end: nil,
            received: 0,
            hasDate: false,
            hasMessageID: false
        ),
        Case(text: "A: b\r\n Date: c\r\n\tDate: d\r\n\r\n", end: 26, received: 0, hasDate: false, hasMessageID: false),
        Case(
            text: "Date\r\nReceived: a\r\nreceived: b\r\n\r\nReceived: c\r\n",
            end: 32,
            received: 2,
            hasDate: false,
            hasMessageID: false
        ),
        Case(text: "X: Received:\r\nReceived:", end: nil, received: 1, hasDate: false, hasMessageID: false),
        Case(
            text: "\(String(repeating: "x", count: 5000))Date: a\r\n\r\n",
            end: 5009,
            received: 0,
            hasDate: false,
            hasMessageID: false
        ),
        Case(text: ":\r\n: Date:\r\n\r\n", end: 12, received: 0, hasDate: false, hasMessageID: false),
    ]

    @Test("Whole, octet by octet, and at each cut", arguments: cases)
    func scan(_ expected: Case) {
        let octets = Array(expected.text.utf8)
        var cuts = (0...octets.count).map { [octets[..<$0], octets[$0...]] }
        cuts.append(octets.indices.map { octets[$0...$0] })
        for pieces in cuts {
            var scan = HeaderScan()
            var end: Int?
            for piece in pieces { end = scan.scan(piece) ?? end }
            #expect(end == expected.end)
            #expect(scan.isOver == (expected.end != nil))
            #expect(scan.receivedFields == expected.received)
            #expect(scan.hasDate == expected.hasDate)
            #expect(scan.hasMessageID == expected.hasMessageID)
        }
    }
}
