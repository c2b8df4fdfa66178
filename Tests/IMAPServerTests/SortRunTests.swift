// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

@Suite("RFC 5256 §3 SORT", .timeLimit(.minutes(20))) struct SortRunTests {
    /// A message that says its own sort values.
    private struct Sample {
        var subject: String
        var from: String
        var second: Int
        var padding: Int

        init(_ random: inout SeededGenerator) {
            self.subject = ["", "apple", "Apple", "APPLES", "b", "Re", "zoo"].randomElement(using: &random) ?? ""
            self.from = ["", "ann", "Bob", "bob", "carl"].randomElement(using: &random) ?? ""
            self.second = Int.random(in: 0..<20, using: &random)
            self.padding = Int.random(in: 0..<5, using: &random)
        }

        func octets(isReply: Bool) -> [UInt8] {
            let second = self.second < 10 ? "0\(self.second)" : "\(self.second)"
            let from = self.from.isEmpty ? "" : "From: \(self.from)@example.org\n"
            return IMAPServerTests.octets(
                """
                \(from)Subject: \(isReply ? "re: " : "")\(self.subject)
                Date: Thu, 1 Jan 2026 00:00:\(second) +0000

                \(String(repeating: "x", count: self.padding))
                """
            )
        }
    }

    private func criteria(_ text: String) throws -> [SortCriterion] {
        var parser = CommandParser(octets(text))
        return try SortCriterion.list(&parser)
    }

    @Test("A thousand mailboxes, against the plainest way to say it")
    func naive() async throws {
        var random = SeededGenerator(seed: 5256)
        let keys: [(String, (Sample, Sample) -> Bool)] = [
            ("SUBJECT", { $0.subject.uppercased() < $1.subject.uppercased() }),
            ("FROM", { $0.from.uppercased() < $1.from.uppercased() }),
            ("DATE", { $0.second < $1.second }),
            ("DISPLAYFROM", { $0.from.uppercased() < $1.from.uppercased() }),
        ]
        for _ in 0..<1000 {
            let samples = (0..<Int.random(in: 0..<20, using: &random)).map { _ in Sample(&random) }
            let chosen = keys.shuffled(using: &random).prefix(Int.random(in: 1...3, using: &random)).map { key in
                (name: key.0, precedes: key.1, isReversed: Bool.random(using: &random))
            }
            let text = chosen.map { ($0.isReversed ? "REVERSE " : "") + $0.name }.joined(separator: " ")
            let fixture = FetchFixture(samples.map { $0.octets(isReply: Bool.random(using: &random)) })
            let run = SortRun(criteria: try self.criteria("(\(text))"), store: fixture.store)
            let all = fixture.store.all.map(UID.init(rawValue:))
            let expected = samples.indices.sorted { left, right in
                for key in chosen {
                    let (first, second) = key.isReversed ? (right, left) : (left, right)
                    if key.precedes(samples[first], samples[second]) { return true }
                    if key.precedes(samples[second], samples[first]) { return false }
                }
                return left < right
            }
            #expect(try await run.sorted(all, in: MailboxID(rawValue: 7)) == expected.map { all[$0] }, "\(text)")
        }
    }

    @Test("More than is sorted in one go: stable, and the same as at once")
    func merge() async throws {
        var random = SeededGenerator(seed: 1)
        for count in [0, 1, 1024, 1025, 5000, 8192] {
            let values = (0..<count).map { _ in Int.random(in: 0..<500, using: &random) }
            var budget = WorkBudget()
            let sorted = try await MergeSort.sorted(count, &budget) { values[$0] - values[$1] }
            #expect(sorted == values.indices.sorted { (values[$0], $0) < (values[$1], $1) })
        }
    }

    @Test("Comparisons are at most n times the logarithm of n")
    func linearithmic() async throws {
        for count in [20_000, 40_000] {
            var comparisons = 0
            var budget = WorkBudget()
            _ = try await MergeSort.sorted(count, &budget) { left, right in
                comparisons += 1
                return (left &* 7919) % 10_007 - (right &* 7919) % 10_007
            }
            #expect(comparisons < count * 20)
        }
    }

    @Test("Only what is compared is read")
    func parts() async throws {
        let fixture = FetchFixture([octets("a"), octets("bc")])
        let run = SortRun(criteria: try self.criteria("(REVERSE SIZE ARRIVAL)"), store: fixture.store)
        #expect(
            try await run.sorted([UID(rawValue: 10), UID(rawValue: 20)], in: MailboxID(rawValue: 7)).first?.rawValue
                == 20
        )
        #expect(fixture.store.log.reads.isEmpty)
        #expect(try !self.criteria("(SIZE ARRIVAL)").contains(where: \.needsSummary))
        #expect(try self.criteria("(SIZE CC)").contains(where: \.needsSummary))
    }

    @Test("Messages that are gone are left out")
    func gone() async throws {
        let fixture = FetchFixture([octets("a"), octets("bc"), octets("c")])
        fixture.store.expungeElsewhere(20)
        let run = SortRun(criteria: try self.criteria("(SUBJECT)"), store: fixture.store)
        let all = fixture.store.all.map(UID.init(rawValue:))
        #expect(try await run.sorted(all, in: MailboxID(rawValue: 7)).map(\.rawValue) == [10, 30])
    }

    @Test("A criterion that comes again says nothing new")
    func repeated() throws {
        #expect(try self.criteria("(DATE REVERSE DATE SIZE DATE)").map(\.key) == [.date, .size])
        #expect(throws: SyntaxError.self) { try self.criteria("(\(String(repeating: "DATE ", count: 18))DATE)") }
    }
}
