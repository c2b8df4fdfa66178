// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import JunkFilter

@Suite("Words and authors become a verdict") struct JunkVerdictTests {
    @Test(
        "A good reputation needs three lessons, a bad one ten; nine of ten must agree",
        arguments: [
            (0, 0, .mixed), (2, 0, .mixed), (0, 2, .mixed), (3, 0, .mixed), (9, 0, .mixed), (10, 0, .bad),
            (0, 3, .good), (9, 1, .bad), (8, 1, .mixed),
            (16, 2, .mixed),
            (1, 9, .good), (1, 8, .mixed), (50, 50, .mixed),
        ] as [(Int, Int, Reputation)]
    )
    func reputation(junk: Int, wanted: Int, expected: Reputation) {
        #expect(Reputation(LessonCounts(junk: junk, wanted: wanted)) == expected)
    }

    @Test(
        "The table of the rule",
        arguments: [
            (true, .good, [.wanted, .wanted, .wanted]), (true, .bad, [.wanted, .wanted, .wanted]),
            (false, .good, [.unsure, .wanted, .wanted]), (false, .mixed, [.junk, .unsure, .wanted]),
            (false, .bad, [.junk, .junk, .unsure]),
        ] as [(Bool, Reputation, [Likeness])]
    )
    func rule(isCorrespondent: Bool, reputation: Reputation, expected: [Likeness]) {
        let words: [Likeness] = [.junk, .unsure, .wanted]
        #expect(
            words.map { JunkVerdict.likeness($0, reputation, isCorrespondent: isCorrespondent) } == expected
        )
    }

    @Test("Without an author who was shown, words alone decide") func unknownAuthor() {
        for (score, likeness) in [(0.95, Likeness.junk), (0.5, .unsure), (0.1, .wanted)] {
            let content = Classifier.Result(score: score, clues: Self.clues)
            #expect(JunkVerdict(content: content, author: nil).likeness == likeness)
        }
        let content = Classifier.Result(score: 0.95, clues: Self.clues)
        let friend = AuthorStanding(domain: "example.net", lessons: LessonCounts(), isCorrespondent: true)
        #expect(!JunkVerdict(content: content, author: friend).isJunk)
    }

    /// Enough of them for junk; none can stand in the field.
    private static let clues = (1...Classifier.leastClues).map { Classifier.Clue("\u{0}\($0)", 0.9) }

    private static func field(_ tokens: [String], score: Double = 0.987, author: AuthorStanding? = nil) -> String {
        let clues = tokens.map { Classifier.Clue($0, 0.99) } + Self.clues
        let verdict = JunkVerdict(content: Classifier.Result(score: score, clues: clues), author: author)
        return String(decoding: JunkField.octets(verdict), as: UTF8.self)
    }

    @Test("The field") func field() {
        #expect(
            Self.field(["casino", "url:bad.example"])
                == "X-Letterhouse-Junk: yes, score=0.98\r\n\t(casino,\r\n\t url:bad.example)\r\n"
        )
        #expect(Self.field([], score: 0) == "X-Letterhouse-Junk: no, score=0.00\r\n")
        #expect(Self.field([], score: 1) == "X-Letterhouse-Junk: yes, score=1.00\r\n")
        #expect(Self.field([], score: 0.999_999) == "X-Letterhouse-Junk: yes, score=0.99\r\n")
        let author = AuthorStanding(domain: "example.net", lessons: LessonCounts(wanted: 5), isCorrespondent: false)
        #expect(
            Self.field([], author: author)
                == "X-Letterhouse-Junk: unsure, score=0.98,\r\n\tdomain=example.net, sender=good\r\n"
        )
    }

    @Test(
        "No word ends the comment, the line or the header",
        arguments: [
            "a\r\nBcc: x", "a)", "(", "\\", "a b", "\u{0}", "\"", "ä", "казино", "赌场", "", "=?utf-8?q?x?=", ",", ";",
            String(repeating: "a", count: 41),
        ]
    )
    func injection(word: String) {
        #expect(Self.field([word, "casino"]) == Self.field(["casino"]))
    }

    @Test("The sentence has words of any script, cut short") func reason() {
        let clues = [Classifier.Clue("казино", 0.99), Classifier.Clue(String(repeating: "a", count: 99), 0.9)]
        let verdict = JunkVerdict(content: Classifier.Result(score: 0.95, clues: clues), author: nil)
        #expect(JunkField.reason(verdict) == "unsure, score 0.95 (казино, \(String(repeating: "a", count: 40)))")
    }
}
