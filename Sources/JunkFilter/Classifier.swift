// SPDX-License-Identifier: Apache-2.0

/// How often something has been in mail of either kind.
package struct LessonCounts: Hashable, Sendable {
    package var junk: Int
    package var wanted: Int

    package init(junk: Int = 0, wanted: Int = 0) {
        self.junk = junk
        self.wanted = wanted
    }
}

/// What a text looks like.
package enum Likeness: String, Sendable, Hashable, CaseIterable {
    case junk, unsure, wanted
}

/// Judges a message by its words, from what an account has taught: Gary Robinson's combination of probabilities ("A
/// Statistical Approach to the Spam Problem", Linux Journal 2003) as SpamBayes has it, with its numbers.
///
/// For each word there is `f(w)`, the probability that a message with it is junk, drawn towards one half where little is
/// known. Of those that say most, Fisher's method tells how improbable they would be together if words were drawn at random,
/// once for junk and once for wanted; the score is between the two. A message in which both are improbable has words of
/// either kind, or neither: it comes out near one half, and is unsure.
package enum Classifier {
    /// Lessons of both kinds before anything is judged.
    ///
    /// With fewer, too many words have been in one kind only by accident. That is not all that is needed: a single word that was in
    /// all messages of one kind and in none of the other would decide alone, hence ``leastClues``.
    package static let leastLessons = 50
    /// Words that must count before a message is junk: one or two never decide.
    static let leastClues = 8
    /// How much the assumption `f(w) = 0.5` weighs, in messages.
    static let priorStrength = 0.45
    /// How far from one half a word must be to count.
    static let leastDistance = 0.1
    /// How many words count.
    static let mostClues = 150
    /// From here on it is junk: a wanted message in Junk is worse than junk in INBOX, so this end is narrower.
    package static let junkFrom = 0.9
    /// Up to here it is wanted.
    package static let wantedTo = 0.2

    /// A word that counts, and the probability that a message with it is junk.
    package struct Clue: Hashable, Sendable {
        package let token: String
        package let probability: Double

        package init(_ token: String, _ probability: Double) {
            self.token = token
            self.probability = probability
        }

        fileprivate var distance: Double { abs(self.probability - 0.5) }
    }

    /// What comes of a message.
    package struct Result: Sendable, Hashable {
        /// From 0, wanted, to 1, junk.
        package let score: Double
        /// The clues that counted, the most telling first.
        package let clues: [Clue]

        package init(score: Double, clues: [Clue]) {
            self.score = score
            self.clues = clues
        }

        package var likeness: Likeness {
            if self.score <= Classifier.wantedTo { return .wanted }
            return self.score >= Classifier.junkFrom && self.clues.count >= Classifier.leastClues ? .junk : .unsure
        }
    }

    /// Whether enough was taught to judge by.
    package static func isReady(_ lessons: LessonCounts) -> Bool {
        min(lessons.junk, lessons.wanted) >= Self.leastLessons
    }

    /// `f(w)`: the probability that a message with a word is junk, that word having been in so many of the lessons.
    ///
    /// The share of each kind that has the word is what speaks. How much is known counts in messages of the rarer kind: where there
    /// were ten times as many of the other, ten of those say no more than one. Without that, thousands of words that have been in a
    /// few of many wanted messages, and never in one of few junk ones, would outvote everything (SpamBayes'
    /// `experimental_ham_spam_imbalance_adjustment`).
    package static func probability(_ word: LessonCounts, of lessons: LessonCounts) -> Double {
        let junk = Double(word.junk) / Double(max(lessons.junk, 1))
        let wanted = Double(word.wanted) / Double(max(lessons.wanted, 1))
        guard junk + wanted > 0 else { return 0.5 }
        let ratio = Double(max(lessons.junk, 1)) / Double(max(lessons.wanted, 1))
        let count = Double(word.wanted) * min(1, ratio) + Double(word.junk) * min(1, 1 / ratio)
        return (Self.priorStrength * 0.5 + count * (junk / (junk + wanted))) / (Self.priorStrength + count)
    }

    /// Judges a message with those words; each once.
    package static func judge(_ words: [(token: String, counts: LessonCounts)], of lessons: LessonCounts) -> Result {
        var clues: [Clue] = []
        for (token, counts) in words {
            let clue = Clue(token, Self.probability(counts, of: lessons))
            if clue.distance >= Self.leastDistance { clues.append(clue) }
        }
        // The order is the same every time, whatever the order of the words.
        clues.sort { ($1.distance, $0.token) < ($0.distance, $1.token) }
        clues.removeLast(max(0, clues.count - Self.mostClues))
        return Result(score: Self.combined(clues.map(\.probability)), clues: clues)
    }

    /// One probability of many, none of which is 0 or 1.
    static func combined(_ probabilities: [Double]) -> Double {
        guard !probabilities.isEmpty else { return 0.5 }
        var (junk, wanted) = (0.0, 0.0)
        for probability in probabilities {
            junk -= Logarithm.of(1 - probability)
            wanted -= Logarithm.of(probability)
        }
        let likeJunk = 1 - ChiSquare.upperTail(half: junk, pairs: probabilities.count)
        let likeWanted = 1 - ChiSquare.upperTail(half: wanted, pairs: probabilities.count)
        return (1 + likeJunk - likeWanted) / 2
    }
}
