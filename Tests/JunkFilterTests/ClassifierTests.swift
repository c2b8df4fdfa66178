// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import JunkFilter

/// The numbers were worked out by hand, or with another program's arithmetic.
@Suite("Words become a score") struct ClassifierTests {
    private static func isNear(_ left: Double, _ right: Double, _ distance: Double = 1e-12) -> Bool {
        abs(left - right) <= distance * max(1, abs(right))
    }

    @Test(
        "The logarithm and its inverse",
        arguments: [1, 2, 0.5, 1.4142135, 1.4142136, 0.9999999, 1e-300, 1e300, 0.1, 0.9, 150, 2.718281828459045]
    )
    func logarithm(number: Double) {
        #expect(Self.isNear(Logarithm.of(number), log(number), 1e-15))
        #expect(Self.isNear(Logarithm.inverse(log(number)) / number, 1, 1e-12))
    }

    @Test("What is too small is nothing, what is too large the largest") func limits() {
        #expect(Logarithm.inverse(-800) == 0)
        #expect(Logarithm.inverse(800) == .greatestFiniteMagnitude)
        #expect(Logarithm.inverse(0) == 1)
    }

    @Test("The tail of chi-square") func chiSquare() {
        // With two degrees of freedom it is the exponential distribution; with four, e^-m (1 + m).
        #expect(Self.isNear(ChiSquare.upperTail(half: 3, pairs: 1), exp(-3)))
        #expect(Self.isNear(ChiSquare.upperTail(half: 2, pairs: 2), 3 * exp(-2)))
        #expect(ChiSquare.upperTail(half: 0, pairs: 5) == 1)
        // Each term is too small to be a number, and so is the sum; near the middle it is not.
        #expect(ChiSquare.upperTail(half: 5_000, pairs: 150) == 0)
        let middle = ChiSquare.upperTail(half: 1_000, pairs: 1_000)
        #expect(middle > 0.49 && middle < 0.51)
    }

    @Test("f(w): drawn towards one half where little is known; shares, not numbers") func probability() {
        let lessons = LessonCounts(junk: 20, wanted: 20)
        #expect(Classifier.probability(LessonCounts(), of: lessons) == 0.5)
        // (0.45 * 0.5 + 1) / 1.45, (0.225 + 20) / 20.45
        #expect(Self.isNear(Classifier.probability(LessonCounts(junk: 1), of: lessons), 0.844_827_586_206_896_7))
        #expect(Self.isNear(Classifier.probability(LessonCounts(junk: 20), of: lessons), 0.988_997_555_012_225_1))
        #expect(Self.isNear(Classifier.probability(LessonCounts(wanted: 1), of: lessons), 0.155_172_413_793_103_3))
        // In 5 of 10 and 5 of 20: two thirds, known from as much as 7.5 messages.
        #expect(
            Self.isNear(
                Classifier.probability(LessonCounts(junk: 5, wanted: 5), of: LessonCounts(junk: 10, wanted: 20)),
                0.657_232_704_402_515_7
            )
        )
    }

    @Test("Where there were many more lessons of one kind, a message of that says less") func imbalance() {
        let lessons = LessonCounts(junk: 20, wanted: 200)
        // (0.45 * 0.5 + 0) / (0.45 + 0.1): it does not count.
        let once = Classifier.probability(LessonCounts(wanted: 1), of: lessons)
        #expect(Self.isNear(once, 0.409_090_909_090_909_1) && 0.5 - once < Classifier.leastDistance)
        #expect(
            Self.isNear(Classifier.probability(LessonCounts(wanted: 10), of: lessons), 0.155_172_413_793_103_3)
        )
        #expect(Self.isNear(Classifier.probability(LessonCounts(junk: 1), of: lessons), 0.844_827_586_206_896_7))
        let other = LessonCounts(junk: 200, wanted: 20)
        #expect(Self.isNear(Classifier.probability(LessonCounts(junk: 1), of: other), 1 - once))
    }

    @Test(
        "Fisher's combination",
        arguments: [
            ([], 0.5), ([0.9], 0.9), ([0.9, 0.9], 0.962_316_166_752_898_8), ([0.9, 0.8, 0.3], 0.799_668_588_311_773_2),
            // As much speaks for the one as for the other.
            ([0.99, 0.01], 0.5),
            (Array(repeating: 0.1, count: 10), 0.000_396_567_605_944_586_6),
            ([0.9, 0.9, 0.9, 0.9, 0.9, 0.2, 0.2], 0.933_618_540_831_122_5),
        ] as [([Double], Double)]
    )
    func combination(probabilities: [Double], score: Double) {
        #expect(Self.isNear(Classifier.combined(probabilities), score))
        #expect(Self.isNear(Classifier.combined(probabilities.reversed()), score))
        // Junk and wanted are treated alike.
        #expect(Self.isNear(Classifier.combined(probabilities.map { 1 - $0 }), 1 - score, 1e-9))
    }

    @Test("However strong the evidence, the score is a number from 0 to 1") func extremes() {
        let (least, most) = (2e-9, 1 - 2e-9)
        #expect(Classifier.combined(Array(repeating: most, count: 150)) == 1)
        #expect(Classifier.combined(Array(repeating: least, count: 150)) == 0)
        let both = Classifier.combined(Array(repeating: most, count: 75) + Array(repeating: least, count: 75))
        #expect(Self.isNear(both, 0.5))
    }

    @Test("A word that speaks more for junk never makes a message less like it") func monotone() {
        var generator = TestGenerator(seed: 7)
        for _ in 0..<500 {
            var probabilities = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                Double.random(in: 0.005...0.995, using: &generator)
            }
            let before = Classifier.combined(probabilities)
            let index = Int.random(in: 0..<probabilities.count, using: &generator)
            probabilities[index] = Double.random(in: probabilities[index]...0.999, using: &generator)
            #expect(Classifier.combined(probabilities) >= before - 1e-12)
        }
    }

    @Test("The 150 most telling words count, in the same order every time; what says little does not") func clues() {
        let lessons = LessonCounts(junk: 1_000, wanted: 1_000)
        var words = (0..<200).map { (token: "w\($0)", counts: LessonCounts(junk: 100 + $0, wanted: 1)) }
        words.append(("even", LessonCounts(junk: 500, wanted: 450)))
        words.append(("new", LessonCounts()))
        let result = Classifier.judge(words, of: lessons)
        #expect(result.clues.count == 150)
        #expect(result.clues.first?.token == "w199")
        #expect(!result.clues.contains { $0.token == "even" || $0.token == "new" })
        #expect(Classifier.judge(words.shuffled(), of: lessons) == result)
        #expect(result.likeness == .junk)
    }

    @Test("Where the ends begin") func ends() {
        func likeness(_ score: Double, clues: Int = 8) -> Likeness {
            Classifier.Result(score: score, clues: (0..<clues).map { Classifier.Clue("\($0)", 0.99) }).likeness
        }
        #expect(likeness(0.9) == .junk && likeness(0.899_999) == .unsure)
        #expect(likeness(1, clues: 7) == .unsure, "a few words do not make junk")
        #expect(likeness(0.2) == .wanted && likeness(0.200_001) == .unsure)
        #expect(!Classifier.isReady(LessonCounts(junk: 500, wanted: 49)))
        #expect(!Classifier.isReady(LessonCounts(junk: 49, wanted: 500)))
        #expect(Classifier.isReady(LessonCounts(junk: 50, wanted: 50)))
    }
}

/// The same numbers each time (SplitMix64).
struct TestGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { self.state = seed }
    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
