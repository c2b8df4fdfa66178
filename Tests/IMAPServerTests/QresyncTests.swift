// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

/// What SELECT's QRESYNC and UID FETCH's VANISHED have to find out.
@Suite("RFC 7162 §3.2 QRESYNC") struct QresyncTests {
    /// Only UIDs divisible by three are present in the mailbox.
    ///
    @Test("§3.2.5.2: sequence match data of the RFC") func example() throws {
        let uids = (1...10003).map { UInt32($0 * 3) }
        func lastMatch(_ data: String) throws -> UInt32 {
            var parser = CommandParser(octets("(67890007 90060115194045000 1:29997 \(data))"))
            return try parser.quickResynchronization().lastMatch(in: uids)
        }
        #expect(
            try lastMatch(
                """
                (5000,7500,9000,9990:9999 15000,22500,27000,29970,29973,29976,29979,29982,29985,29988,29991,29994,29997)
                """
            ) == 29997
        )
        // The fourth message has UID 12, the twelfth not UID 24: "the lowest UID … would be" that behind the fourth.
        #expect(try lastMatch("(4,12 12,24)") == 12)
        #expect(try lastMatch("(1:9999 1:9999)") == 0)
        #expect(try lastMatch("(1:4294967295 1:4294967295)") == 0)
        #expect(try lastMatch("(10003,10004 30009,30012)") == 30009)
        #expect(try lastMatch("(20000 60000)") == 0)
    }

    @Test("§3.2.5.2: the last pair that fits, as a naive reader finds it", arguments: UInt64(1)...300)
    func againstModel(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let known = (UInt32(1)...60).filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
        // Expunged while the client was away; in every third run the client is simply wrong.
        let isHonest = seed % 3 > 0
        let uids = isHonest ? known.filter { _ in Int.random(in: 0..<12, using: &random) > 0 } : Array(2...50)
        let numbers = (1...UInt32(known.count)).filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
        guard !numbers.isEmpty else { return }
        let sampled = numbers.map { known[Int($0) - 1] }
        var writer = ResponseWriter()
        writer.raw("(1 1 (")
        writer.sequenceSet(NumberSet(ascending: numbers))
        writer.sp()
        writer.sequenceSet(NumberSet(ascending: sampled))
        writer.raw("))")
        var parser = CommandParser(writer.take())
        var expected: UInt32 = 0
        for (number, uid) in zip(numbers, sampled) where number <= uids.count {
            if uids[Int(number) - 1] == uid { expected = uid }
        }
        #expect(try parser.quickResynchronization().lastMatch(in: uids) == expected)
    }

    @Test("VANISHED is one response, in pieces however long") func pieces() async throws {
        let everySecond = NumberSet(ascending: (1...100_000).map { UInt32($0 * 2) })
        var writer = ResponseWriter()
        var pieces: [[UInt8]] = []
        try await writer.vanished(everySecond, isEarlier: true) { pieces.append($0) }
        pieces.append(writer.take())
        let text = String(decoding: pieces.flatMap { $0 }, as: UTF8.self)
        #expect(pieces.count > 5)
        #expect(pieces.allSatisfy { $0.count < 2 * CommandOutput.pieceSize })
        let uids = (1...100_000).map { number in String(number * 2) }.joined(separator: ",")
        #expect(text == "* VANISHED (EARLIER) \(uids)\r\n")
    }

    @Test("No UIDs, no VANISHED") func nothing() async throws {
        var writer = ResponseWriter()
        try await writer.vanished(NumberSet()) { _ in }
        #expect(writer.octets.isEmpty)
    }

    /// A store that has forgotten: all UIDs that are not there, below the next, of those that the client asks about.
    @Test("What the store does not remember is everything that is not there") func forgotten() async throws {
        let fixture = FetchFixture(Array(repeating: [1], count: 3))
        func vanished(_ known: String, beyond: UInt32 = 0) async throws -> String {
            var parser = CommandParser(octets(known))
            let expunges = EarlierExpunges(
                known: try parser.sequenceSet(),
                since: ModSeq(rawValue: 1),
                beyond: beyond
            )
            var output = CommandOutput(tag: "a", selected: try fixture.selected(), writer: ResponseWriter()) { _ in }
            try await expunges.write(to: &output, from: fixture.store)
            return text(output.writer.take())
        }
        // Messages 10, 20 and 30; the next is 40.
        #expect(try await vanished("1:*") == "* VANISHED (EARLIER) 1:9,11:19,21:29,31:39\r\n")
        #expect(try await vanished("1:4294967295") == "* VANISHED (EARLIER) 1:9,11:19,21:29,31:39\r\n")
        #expect(try await vanished("5:12", beyond: 10) == "* VANISHED (EARLIER) 11:12\r\n")
        #expect(try await vanished("1:*", beyond: 39) == "")
        #expect(try await vanished("1:*", beyond: .max) == "")
        #expect(try await vanished("10,20,30,40:99") == "")
    }
}
