// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 9051 §9 sequence-set")
struct SequenceSetTests {
    @Test(
        "* and ranges to it",
        arguments: [
            ("*", 0, ""), ("1:*", 0, ""), ("7:*", 3, "3:7"), ("3:*", 3, "3"), ("*", 5, "5"), ("1:*", 5, "1:5"),
            ("9:*,2:*", 5, "2:9"), ("2,*", 5, "2,5"), ("1:3,*", 0, "1:3"), ("$", 5, "20"), ("4:*,$", 5, "4:5,20"),
        ] as [(String, UInt32, String)]
    )
    func resolution(_ input: String, _ last: UInt32, _ expected: String) throws {
        let set = try #require(parse(input) { try $0.sequenceSet() })
        let resolved = set.resolve(last: last, saved: NumberSet([20...20]))
        #expect(written { $0.sequenceSet(resolved) } == expected)
    }

    @Test(
        "the greatest number written",
        arguments: [("1:5,3", 5), ("*", 0), ("9:*", 9), ("2,9:*,4", 9), ("$", 0)] as [(String, UInt32)]
    )
    func greatestNumber(_ input: String, _ expected: UInt32) {
        #expect(parse(input) { try $0.sequenceSet() }?.greatestNumber == expected)
    }

    @Test("as a naive set does it", arguments: UInt64(1)...200)
    func againstModel(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let last = UInt32.random(in: 1...30, using: &random)
        var model: Set<UInt32> = []
        var items: [String] = []
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            func number() -> (String, UInt32) {
                let number = UInt32.random(in: 1...40, using: &random)
                return Bool.random(using: &random) || number < 36 ? ("\(number)", number) : ("*", last)
            }
            let (first, second) = (number(), number())
            if Bool.random(using: &random) {
                items.append(first.0)
                model.insert(first.1)
            } else {
                items.append("\(first.0):\(second.0)")
                model.formUnion(min(first.1, second.1)...max(first.1, second.1))
            }
        }
        let set = try #require(parse(items.joined(separator: ",")) { try $0.sequenceSet() }).resolve(last: last)
        #expect(set == NumberSet(ascending: model.sorted()))
        #expect(set.count == UInt64(model.count))
        #expect((set.first, set.last) == (model.min(), model.max()))
        #expect((0...50).filter { set.contains($0) } == model.sorted())
        let uids = (1...50).filter { _ in Bool.random(using: &random) }.map(UInt32.init)
        #expect(set.intersection(uids) == uids.filter(model.contains))
        #expect(set.positions(in: uids).flatMap { $0 } == uids.indices.filter { model.contains(uids[$0]) })
        #expect(set.intersection(NumberSet(ascending: uids)) == NumberSet(ascending: uids.filter(model.contains)))
        #expect(set.subtracting(NumberSet(ascending: uids)) == NumberSet(ascending: model.subtracting(uids).sorted()))
        #expect(NumberSet([1...50]).subtracting(set) == NumberSet(ascending: (1...50).filter { !model.contains($0) }))
        #expect(NumberSet([1...UInt32.max]).subtracting(NumberSet([5...UInt32.max])) == NumberSet([1...4]))
        #expect(set.overlaps(NumberSet(ascending: uids)) == uids.contains(where: model.contains))
        #expect(set.union(NumberSet(ascending: uids)) == NumberSet(ascending: model.union(uids).sorted()))
        #expect(parse(written { $0.sequenceSet(set) }) { try $0.uidSet() } == set)
    }

    @Test("the ends of 32 bits")
    func extremes() throws {
        let all = try #require(parse("4294967295,1:4294967294,4294967295:4294967290") { try $0.uidSet() })
        #expect(all.ranges == [1...UInt32.max])
        #expect(all.count == UInt64(UInt32.max))
        #expect(all.contains(.max) && all.contains(1) && !all.contains(0))
        #expect(all.intersection([1, 7, .max]) == [1, 7, .max])
        #expect(NumberSet(ascending: [UInt32.max - 1, .max]).ranges == [(UInt32.max - 1)...UInt32.max])
    }

    @Test("a set of nothing")
    func empty() {
        let none = NumberSet()
        #expect(none.isEmpty && none.count == 0 && !none.contains(1) && none.first == nil && none.last == nil)
        #expect(none.intersection([1, 2]) == [] && none.union(none) == none)
        #expect(SequenceSet().resolve(last: 9) == none)
    }
}
