// SPDX-License-Identifier: Apache-2.0

import MailConnection
import TestSupport
import Testing

@testable import MilterClient

/// What a filter is told, in which order, and what is made of what it says.
@Suite("A conversation with a filter") struct MilterConversationTests {
    private static func open(
        _ channel: TestChannel,
        clock: TestClock = TestClock()
    ) async throws -> MilterConversation {
        try await MilterConversation(channel, timeout: .seconds(5), time: clock.timeSource)
    }

    @Test("From connecting to farewell, with macros before each step") func whole() async throws {
        let channel = TestChannel()
        channel.agree()
        var filter = try await Self.open(channel)
        #expect(try channel.heard().map { $0.prefix(2) } == ["O "])
        for _ in 0..<4 { channel.say("c") }
        let client = MilterCommand.connect(host: "[192.0.2.7]", address: "192.0.2.7", port: 0x4142)
        #expect(try await filter.tell(client, [("j", "mx.example.org")]) == .proceed)
        #expect(try await filter.tell(.helo("mail.example.net")) == .proceed)
        #expect(try await filter.tell(.mail("<eve@example.net>", ["SIZE=7"])) == .proceed)
        #expect(try await filter.tell(.recipient("<ann@example.org>", [])) == .proceed)
        #expect(
            try channel.heard() == [
                "D Cj|mx.example.org|", "C [192.0.2.7]|4AB192.0.2.7|", "H mail.example.net|",
                "M <eve@example.net>|SIZE=7|", "R <ann@example.org>|",
            ]
        )
        for _ in 0..<5 { channel.say("c") }
        _ = try await filter.tell(.data)
        _ = try await filter.tell(.field(name: Array("Subject".utf8)[...], value: Array(" A\r\n\tB".utf8)[...]))
        _ = try await filter.tell(.endOfHeader)
        _ = try await filter.tell(.body(Array("Hi\r\n".utf8)[...]))
        let deadline = try #require(try await filter.end([("i", "1")]))
        let (answer, changes) = try await filter.verdict(until: deadline)
        #expect(answer == .proceed && changes.isEmpty)
        #expect(
            try channel.heard() == ["T", "L Subject|A\n\tB|", "N", "B Hi\r\n", "D Ei|1|", "E"]
        )
        // The next message, and one that does not come to its end.
        for _ in 0..<1 { channel.say("c") }
        try await filter.endMessage()
        _ = try await filter.tell(.mail("<>", []))
        try await filter.endMessage()
        await filter.close(saying: true)
        #expect(try channel.heard() == ["M <>|", "A", "Q"])
        #expect(channel.isClosed)
    }

    @Test("IPv6, and a client of whom nobody knows the address") func families() async throws {
        let channel = TestChannel()
        channel.agree(steps: [.silentAtConnect])
        var filter = try await Self.open(channel)
        _ = try channel.heard()
        _ = try await filter.tell(.connect(host: "[IPv6:2001:db8::7]", address: "2001:db8::7", port: 0x4142))
        _ = try await filter.tell(.connect(host: "unknown", address: nil, port: 1))
        #expect(try channel.heard() == ["C [IPv6:2001:db8::7]|6AB2001:db8::7|", "C unknown|U"])
    }

    @Test("What the filter does not want to hear is not said, and what it does not answer not waited for")
    func steps() async throws {
        let channel = TestChannel()
        channel.agree(
            steps: [.noConnect, .noHelo, .silentAtMail, .noRecipient, .noData, .silentAtField, .leadingSpace, .noBody]
        )
        var filter = try await Self.open(channel)
        _ = try channel.heard()
        #expect(try await filter.tell(.connect(host: "h", address: nil, port: 0)) == .proceed)
        _ = try await filter.tell(.helo("h"))
        _ = try await filter.tell(.mail("<>", []))
        _ = try await filter.tell(.recipient("<a@b>", []))
        _ = try await filter.tell(.data)
        _ = try await filter.tell(.field(name: Array("A".utf8)[...], value: Array("  b".utf8)[...]))
        channel.say("c")
        _ = try await filter.tell(.endOfHeader)
        _ = try await filter.tell(.body([1]))
        #expect(try channel.heard() == ["M <>|", "L A|  b|", "N"])
    }

    @Test("DATA came with version 4") func oldVersion() async throws {
        let channel = TestChannel()
        channel.agree(version: 2)
        var filter = try await Self.open(channel)
        _ = try channel.heard()
        channel.say("c")
        _ = try await filter.tell(.mail("<>", []))
        _ = try await filter.tell(.data)
        #expect(try channel.heard() == ["M <>|"])
    }

    @Test("Who has accepted hears no more: of the message, or of all") func accepted() async throws {
        let channel = TestChannel()
        channel.agree()
        var filter = try await Self.open(channel)
        channel.say("c")
        _ = try await filter.tell(.helo("h"))
        channel.say("a")
        #expect(try await filter.tell(.mail("<>", [])) == .accept)
        _ = try channel.heard()
        _ = try await filter.tell(.recipient("<a@b>", []))
        #expect(try await filter.end([]) == nil)
        #expect(try channel.heard().isEmpty)
        try await filter.endMessage()
        _ = try channel.heard()
        channel.say("c")
        _ = try await filter.tell(.mail("<>", []))
        #expect(try channel.heard() == ["M <>|"])

        let other = TestChannel()
        other.agree()
        var second = try await Self.open(other)
        other.say("a")
        _ = try await second.tell(.connect(host: "h", address: nil, port: 0))
        _ = try other.heard()
        _ = try await second.tell(.mail("<>", []))
        try await second.endMessage()
        _ = try await second.tell(.mail("<>", []))
        #expect(try other.heard().isEmpty)
    }

    @Test("A refused recipient is not the message, and what skips the body hears its end") func partly() async throws {
        let channel = TestChannel()
        channel.agree()
        var filter = try await Self.open(channel)
        for letter in "crcsc" { channel.say(letter) }
        _ = try await filter.tell(.mail("<>", []))
        #expect(try await filter.tell(.recipient("<a@b>", [])) == .reject)
        #expect(try await filter.tell(.recipient("<c@d>", [])) == .proceed)
        #expect(try await filter.tell(.body([65])) == .proceed)
        _ = try channel.heard()
        #expect(try await filter.tell(.body([66])) == .proceed)
        let deadline = try #require(try await filter.end([]))
        #expect(try await filter.verdict(until: deadline).0 == .proceed)
        #expect(try channel.heard() == ["D E", "E"])
    }

    @Test("Changes come before the answer to the end, and progress is none") func changes() async throws {
        let channel = TestChannel()
        channel.agree()
        var filter = try await Self.open(channel)
        channel.say("c")
        _ = try await filter.tell(.mail("<>", []))
        let deadline = try #require(try await filter.end([]))
        channel.say("p")
        channel.say("h", Array("X-A\0one\n two\0".utf8))
        channel.say("i", [0, 0, 0, 1] + Array("X-B\0b\0".utf8))
        channel.say("m", [0, 0, 0, 2] + Array("Subject\0new\0".utf8))
        channel.say("m", [0, 0, 0, 1] + Array("X-C\0\0".utf8))
        channel.say("q", Array("looks\nbad\0".utf8))
        // Not offered: passed over.
        channel.say("+", Array("<b@c>\0".utf8))
        channel.say("b", Array("body".utf8))
        channel.say("a")
        let (answer, changes) = try await filter.verdict(until: deadline)
        #expect(answer == .accept)
        #expect(
            changes == [
                .addField(MilterField(name: Array("X-A".utf8), value: Array(" one\r\n two".utf8))),
                .insertField(1, MilterField(name: Array("X-B".utf8), value: Array(" b".utf8))),
                .changeField(name: Array("Subject".utf8), number: 2, value: Array(" new".utf8)),
                .changeField(name: Array("X-C".utf8), number: 1, value: nil), .quarantine("looks?bad"),
            ]
        )
    }

    @Test("Nobody waits beyond the deadline, whatever progress there is") func tooSlow() async throws {
        let clock = TestClock()
        let channel = TestChannel()
        channel.agree()
        var filter = try await Self.open(channel, clock: clock)
        channel.say("p")
        clock.advance(by: .seconds(1))
        // The time runs out while the filter is waited for, or before: that makes no difference.
        let patience = Task {
            while try await clock.nextDeadline() != .seconds(6) { await Task.yield() }
            clock.advance(by: .seconds(5))
        }
        await #expect(throws: MilterFailure.tooSlow) { _ = try await filter.tell(.mail("<>", [])) }
        try await patience.value
        #expect(channel.isClosed)
    }

    @Test("A filter that hangs up") func hungUp() async throws {
        let channel = TestChannel()
        channel.agree()
        var filter = try await Self.open(channel)
        channel.hangUpThere()
        await #expect(throws: MilterFailure.hungUp) { _ = try await filter.tell(.mail("<>", [])) }
        let silent = TestChannel()
        silent.hangUpThere()
        await #expect(throws: MilterFailure.hungUp) { _ = try await Self.open(silent) }
        #expect(silent.isClosed)
    }

    @Test(
        "What is no filter",
        arguments: [
            [0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 65], Array("HTTP/1.1 400\r\n".utf8),
            MilterFrame.encoded(UInt8(ascii: "O"), [0, 0, 0, 6]), MilterFrame.encoded(UInt8(ascii: "c"), []),
            MilterFrame.encoded(UInt8(ascii: "O"), [0, 0, 0, 1] + Array(repeating: 0, count: 8)),
            MilterFrame.encoded(UInt8(ascii: "O"), [0, 0, 0, 7] + Array(repeating: 0, count: 8)),
        ] as [[UInt8]]
    )
    func malformed(octets: [UInt8]) async throws {
        let channel = TestChannel()
        channel.say(octets: octets)
        let failure = await #expect(throws: MilterFailure.self) { _ = try await Self.open(channel) }
        guard case .malformed = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }
}
