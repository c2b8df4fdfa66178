// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import MailRelay

/// What of the message is on the wire.
@Suite struct ContentTests {
    /// S-15: whatever was stored, the wire has whole lines, and one end.
    @Test(
        arguments: [
            "\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\r\n\0.\r\n", "\r\0\n.\r\0\n", "\n\n.\r\n",
            "\r\r\n.\r\r\n",
            "\r\n.\r\n", ".\r\n", "\r\n..\r\n", "\n.", "\r.",
        ],
        [true, false]
    ) func nothingIsSmuggled(end: String, isAtPieceEnd: Bool) async throws {
        let fixture = try await Fixture()
        let smuggled = "MAIL FROM:<evil@example.com>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n"
        let head = "Subject: x\r\n\r\n"
        let padding = isAtPieceEnd ? QueuedContent.pieceSize - head.utf8.count - end.utf8.count / 2 : 10
        let octets = Array((head + String(repeating: "y", count: padding) + end + smuggled).utf8)
        try await fixture.enqueue(["bob@example.net"], octets: octets, relayFrom: 0)
        try await fixture.relaying { try await fixture.untilEmpty() }
        let record = fixture.sinks.record
        #expect(record.messages.count == 1)
        #expect(record.commands.filter { $0.hasPrefix("MAIL") }.count == 1)
        #expect(record.messages.first?.lines.last == "QUIT", "the whole message is there")
        var previous: UInt8 = 0
        for octet in record.wire {
            if (previous == 13) != (octet == 10) { Issue.record("a CR or LF on its own") }
            if octet == 0 { Issue.record("NUL") }
            previous = octet
        }
    }

    @Test(arguments: [0, 1, QueuedContent.pieceSize - 1, QueuedContent.pieceSize, QueuedContent.pieceSize + 1, 900_000])
    func sizes(size: Int) async throws {
        let fixture = try await Fixture()
        let line = Array(String(repeating: "z", count: 70).utf8) + [13, 10]
        var octets: [UInt8] = []
        while octets.count < size { octets += line }
        octets = Array(octets.prefix(size))
        try await fixture.enqueue(
            ["bob@example.net"],
            octets: Array("Return-Path: <>\r\n".utf8) + octets,
            relayFrom: 17
        )
        try await fixture.relaying { try await fixture.untilEmpty() }
        let lines = try #require(fixture.sinks.record.messages.first?.lines)
        var expected = octets.split(separator: 10, omittingEmptySubsequences: false).map {
            String(decoding: $0.last == 13 ? $0.dropLast() : $0, as: UTF8.self)
        }
        if expected.last == "" { expected.removeLast() }
        #expect(lines == expected)
    }

    /// A submission client that says SMTPUTF8 without need keeps nobody from getting plain mail.
    @Test(arguments: [("Subject: Hello\r\n\r\nÄ", true), ("Subject: Ä\r\n\r\nHello", false)])
    func internationalized(text: String, isDelivered: Bool) async throws {
        let fixture = try await Fixture()
        fixture.sinks.set { $0.extensions = ["8BITMIME"] }
        try await fixture.enqueue(["bob@example.net"], octets: Array(text.utf8), relayFrom: 0) {
            $0.isInternationalized = true
            $0.isEightBit = true
        }
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.count == (isDelivered ? 1 : 0))
        #expect(try await fixture.inbox().first?.contains("Status: 5.6.7") == (isDelivered ? nil : true))
    }
}
