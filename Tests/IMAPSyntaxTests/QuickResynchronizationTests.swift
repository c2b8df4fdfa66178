// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 7162 §7 the arguments of QRESYNC")
struct QuickResynchronizationTests {
    /// What was read, as `validity modseq known number=uid+count …`.
    private func summary(_ input: String) -> String? {
        parse(input) { try $0.quickResynchronization() }.map { value in
            var words = ["\(value.uidValidity)", "\(value.modSequence)"]
            if let known = value.knownUIDs { words.append(written { $0.sequenceSet(known) }) }
            return (words + value.matches.map { "\($0.number)=\($0.uid)+\($0.count)" }).joined(separator: " ")
        }
    }

    @Test(
        "select-param",
        arguments: [
            // The RFC's own, §3.2.5, §3.2.5.1, §6.
            Example("(67890007 20050715194045000 41,43:211,214:541)", "67890007 20050715194045000 41,43:211,214:541"),
            Example("(67890007 90060115194045000 41:211,214:541)", "67890007 90060115194045000 41:211,214:541"),
            Example("(3857529045 20010715194032001 1:198)", "3857529045 20010715194032001 1:198"),
            Example("(1 1)", "1 1"), Example("(4294967295 9223372036854775807)", "4294967295 9223372036854775807"),
            Example("(1 1 3,1)", "1 1 1,3"), Example("(1 1 (1 2))", "1 1 1=2+1"),
            Example("(1 1 5 (1:3 2,4:5))", "1 1 5 1=2+1 2=4+2"),
            Example("(1 1 (1:4294967295 1:4294967295))", "1 1 1=1+4294967295"),
            // Not by the grammar.
            Example("(0 1)", nil), Example("(1 0)", nil), Example("(1 9223372036854775808)", nil),
            Example("(4294967296 1)", nil), Example("(1)", nil), Example("()", nil), Example("1 1", nil),
            Example("(1 1 )", nil), Example("(1 1 *)", nil), Example("(1 1 1:*)", nil), Example("(1 1 $)", nil),
            Example("(1 1 1 )", nil), Example("(1 1 1 2)", nil), Example("(1 1 1", nil), Example("(1  1)", nil),
            Example("(1 1 ())", nil), Example("(1 1 (1))", nil), Example("(1 1 (1 1) 1)", nil),
            Example("(1 1 (1:* 1:*))", nil), Example("(1 1 (1,* 1,2))", nil), Example("(1 1 ($ $))", nil),
            // "Both MUST be provided in ascending order", one UID for each number.
            Example("(1 1 (2,1 1,2))", nil), Example("(1 1 (1,2 2,1))", nil), Example("(1 1 (2:1 1:2))", nil),
            Example("(1 1 (1,1 1,2))", nil), Example("(1 1 (1:3,3 1:4))", nil), Example("(1 1 (1:2 1))", nil),
            Example("(1 1 (1 1:2))", nil), Example("(1 1 (1,2 1:3))", nil),
        ]
    )
    func arguments(_ example: Example) { #expect(self.summary(example.input) == example.value) }

    @Test("seq-match-data of the RFC, §3.2.5.2")
    func example() throws {
        let input = """
            (67890007 90060115194045000 1:29997 (5000,7500,9000,9990:9999 15000,22500,27000,29970,29973,29976,29979,\
            29982,29985,29988,29991,29994,29997))
            """
        let value = try #require(parse(input) { try $0.quickResynchronization() })
        let pairs = value.matches.flatMap { match in (0..<match.count).map { (match.number + $0, match.uid + $0) } }
        #expect(pairs.count == 13)
        #expect(pairs.allSatisfy { number, uid in uid == number * 3 })
    }

    @Test("matches are the pairs that a naive reader makes", arguments: UInt64(1)...100)
    func againstModel(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let count = Int.random(in: 1...40, using: &random)
        func numbers() -> [UInt32] { Array((UInt32(1)...80).shuffled(using: &random).prefix(count).sorted()) }
        let (numbers, uids) = (numbers(), numbers())
        let sets = [numbers, uids].map { set in written { $0.sequenceSet(NumberSet(ascending: set)) } }
        let value = try #require(parse("(1 1 (\(sets[0]) \(sets[1])))") { try $0.quickResynchronization() })
        let pairs = value.matches.flatMap { match in
            (0..<match.count).map { [match.number + $0, match.uid + $0] }
        }
        #expect(pairs == zip(numbers, uids).map { [$0, $1] })
        #expect(
            value.matches.count <= NumberSet(ascending: numbers).ranges.count + NumberSet(ascending: uids).ranges.count
        )
    }

    /// I-02: as many ranges as are allowed, and one more.
    @Test("many ranges", arguments: [(65536, true), (65537, false)])
    func manyRanges(_ count: Int, _ isAllowed: Bool) {
        let set = (1...count).map { "\($0 * 2)" }.joined(separator: ",")
        #expect((self.summary("(1 1 (\(set) \(set)))") != nil) == isAllowed)
    }
}
