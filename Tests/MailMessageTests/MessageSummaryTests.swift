// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("The stored form of a summary")
struct MessageSummaryTests {
    private static let full = message(
        """
        Date: Wed, 17 Jul 1996 02:23:25 -0700
        From: A <@r:a@x>, G: b@x;
        Sender: c@x
        Reply-To: d@x
        To: e@x, undisclosed:;
        Cc: f
        Bcc: <>
        Subject: s
        In-Reply-To: <1@x>
        Message-ID: <2@x>
        References: <0@x> <1@x>
        Content-Type: multipart/mixed; boundary=b; x*0*=utf-8''%41; x*1=c
        Content-Language: de, en
        Content-Location: l
        Content-Disposition: inline

        --b
        Content-Type: message/rfc822
        Content-ID: <3@x>
        Content-Description:
        Content-MD5: m
        Content-Transfer-Encoding: 8bit
        Content-Disposition: attachment; filename=a

        From: g@x

        --b--
        """
    )

    @Test func roundTrip() throws {
        let summary = MessageSummary(parsing: MessageSummaryTests.full)
        #expect(faults(of: summary) == [])
        #expect(try MessageSummary(decoding: summary.encoded()) == summary)
        #expect(summary.references != nil && summary.root.children.first?.message != nil)
    }

    @Test func isCompact() {
        let summary = MessageSummary(parsing: MessageSummaryTests.full)
        #expect(summary.encoded().count < summary.size)
        #expect(MessageSummary(parsing: [] as [UInt8]).encoded().count < 64)
    }

    /// The form may not change without a new version: stored summaries must stay readable.
    @Test func theFirstVersion() throws {
        let summary = MessageSummary(parsing: message("Subject: s\nFrom: a@b\n\nx\n"))
        var expected: [UInt8] = [1, 28, 0, 0, 2] + octets("s") + [1, 0, 0, 0, 2] + octets("a") + [2] + octets("b")
        expected += [1, 1, 0, 0, 0, 0, 0] + [0, 25, 25, 3, 1] + [5] + octets("text") + [6] + octets("plain")
        expected += [1, 8] + octets("charset") + [9] + octets("us-ascii") + [0, 0, 0, 0, 0, 0, 0, 0]
        #expect(summary.encoded() == expected)
    }

    @Test func whatIsCutOffIsRefused() {
        let stored = MessageSummary(parsing: MessageSummaryTests.full).encoded()
        for count in stored.indices {
            #expect(throws: MessageSummary.DecodingError.self) {
                try MessageSummary(decoding: Array(stored.prefix(count)))
            }
        }
        #expect(throws: MessageSummary.DecodingError.self) { try MessageSummary(decoding: stored + [0]) }
    }

    @Test(arguments: [0, 2, 255] as [UInt8])
    func anotherVersionIsRefused(version: UInt8) {
        var stored = MessageSummary(parsing: MessageSummaryTests.full).encoded()
        stored[0] = version
        #expect(throws: MessageSummary.DecodingError.self) { try MessageSummary(decoding: stored) }
    }

    @Test("Whatever the octets are: an error, or ranges that can be used")
    func changedOctets() {
        let stored = MessageSummary(parsing: MessageSummaryTests.full).encoded()
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<5000 {
            var changed = stored
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 1..<changed.count, using: &generator)] = UInt8.random(
                    in: 0...255,
                    using: &generator
                )
            }
            guard let summary = try? MessageSummary(decoding: changed) else { continue }
            for path in [[], [1], [1, 1]] {
                for specifier in [nil, .header, .text, .mime] as [PartSpecifier?] {
                    guard let range = summary.range(of: path, specifier) else { continue }
                    guard range.lowerBound >= 0, range.upperBound <= summary.size else {
                        Issue.record("\(range) of \(summary.size)")
                        return
                    }
                }
            }
        }
    }

    @Test("Depth and counts that no parser makes are refused", .timeLimit(.minutes(20)))
    func bombs() {
        let start: [UInt8] = [1, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
        let part: [UInt8] = [0, 0, 0, 0, 0, 2, 97, 2, 98, 0, 0, 0, 0, 0, 0, 0, 0]
        let multipart = part + [1, 1]
        let deep = start + Array([[UInt8]](repeating: multipart, count: 100_000).joined()) + part + [0]
        #expect(throws: MessageSummary.DecodingError.self) { try MessageSummary(decoding: deep) }
        #expect(throws: Never.self) { try MessageSummary(decoding: start + multipart + part + [0]) }
        let many = start + part + [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        #expect(throws: MessageSummary.DecodingError.self) { try MessageSummary(decoding: many) }
        let huge: [UInt8] = [1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]
        #expect(throws: MessageSummary.DecodingError.self) { try MessageSummary(decoding: huge) }
    }
}
