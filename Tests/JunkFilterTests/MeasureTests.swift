// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@testable import JunkFilter

/// How often the filter is wrong about mail that was made up: kinds of mail with words of their own among words that all have.
///
/// It says nothing about anybody's mail; it would show that a change has made the filter worse. The seeds are fixed, and nothing in
/// the filter was chosen by what comes out here.
@Suite("How often the filter is wrong") struct MeasureTests {
    /// Makes mail of a kind: a colleague's, a shop's that one buys at, a mailing list's; a seller of pills, a fraud.
    struct Kind {
        let name: String
        let isJunk: Bool
        let authors: [String]
        let hosts: [String]
        let words: [String]
        let isMarkup: Bool
        /// How many of its words are its own.
        let share: Double

        init(_ name: String, isJunk: Bool, isMarkup: Bool, share: Double, _ generator: inout TestGenerator) {
            self.name = name
            self.isJunk = isJunk
            self.isMarkup = isMarkup
            self.share = share
            self.words = (0..<150).map { _ in Self.word(&generator) }
            // Junk comes from everywhere.
            self.authors = (0..<(isJunk ? 200 : 12)).map { _ in
                "\(Self.word(&generator))@\(Self.word(&generator)).example"
            }
            self.hosts = (0..<(isJunk ? 40 : 3)).map { _ in "\(Self.word(&generator)).example" }
        }

        static func word(_ generator: inout TestGenerator) -> String {
            (0..<Int.random(in: 2...4, using: &generator)).map { _ in
                String("bcdfghklmnprstvz".randomElement(using: &generator) ?? "b")
                    + String("aeiou".randomElement(using: &generator) ?? "a")
            }.joined()
        }

        /// Words by Zipf's law: few of them often.
        static func pick(_ words: [String], _ generator: inout TestGenerator) -> String {
            let position = Double.random(in: 0..<1, using: &generator)
            return words[Int(Double(words.count) * position * position * position)]
        }

        func message(_ common: [String], _ generator: inout TestGenerator) -> [UInt8] {
            var text: [String] = []
            for _ in 0..<Int.random(in: 20...120, using: &generator) {
                let isOwn = Double.random(in: 0..<1, using: &generator) < self.share
                text.append(Self.pick(isOwn ? self.words : common, &generator))
                // Names, numbers and mistakes that occur once.
                if Int.random(in: 0..<15, using: &generator) == 0 { text.append(Self.word(&generator) + "x") }
            }
            let author = self.authors.randomElement(using: &generator) ?? ""
            let subject = text.shuffled(using: &generator).prefix(4).joined(separator: " ")
            let link = "http://\(self.hosts.randomElement(using: &generator) ?? "")/"
            let body =
                self.isMarkup
                ? "<html><p>\(text.joined(separator: " "))</p><a href=\"\(link)\">here</a></html>"
                : text.joined(separator: " ") + "\n" + link
            return Array(
                """
                Received: from x ([10.0.0.1])\r
                From: \(author)\r
                To: ann@example.org\r
                Subject: \(subject)\r
                Message-ID: <\(Self.word(&generator))@\(author.split(separator: "@").last ?? "")>\r
                Content-Type: text/\(self.isMarkup ? "html" : "plain")\r
                \r
                \(body)\r\n
                """.utf8
            )
        }
    }

    /// A filter in memory.
    struct Filter {
        var counts: [String: LessonCounts] = [:]
        var lessons = LessonCounts()

        mutating func learn(_ octets: [UInt8], isJunk: Bool, by step: Int = 1) {
            for token in MessageTokensTests.tokens(octets) {
                if isJunk {
                    self.counts[token, default: .init()].junk += step
                } else {
                    self.counts[token, default: .init()].wanted += step
                }
                if self.counts[token] == LessonCounts() { self.counts[token] = nil }
            }
            if isJunk { self.lessons.junk += step } else { self.lessons.wanted += step }
        }

        func judge(_ octets: [UInt8]) -> Classifier.Result {
            let words = MessageTokensTests.tokens(octets).compactMap { token in
                self.counts[token].map { (token: token, counts: $0) }
            }
            return Classifier.judge(words, of: self.lessons)
        }
    }

    @Test("Taking a lesson back gives the filter there was before") func unlearning() {
        var generator = TestGenerator(seed: 3)
        let common = (0..<100).map { _ in Kind.word(&generator) }
        let kind = Kind("a", isJunk: true, isMarkup: true, share: 0.3, &generator)
        var filter = Filter()
        let messages = (0..<20).map { _ in kind.message(common, &generator) }
        for (number, message) in messages.enumerated() { filter.learn(message, isJunk: number % 3 == 0) }
        let before = filter
        for message in messages { filter.learn(message, isJunk: true) }
        for message in messages.shuffled(using: &generator) { filter.learn(message, isJunk: true, by: -1) }
        #expect(filter.counts == before.counts && filter.lessons == before.lessons)
    }

    /// Kinds of mail, and a filter that was taught so many messages of them.
    struct Post {
        static let messages = 40
        var generator: TestGenerator
        var filter = Filter()
        let common: [String]
        let wanted: [Kind]
        let junk: [Kind]
        let newWanted: [Kind]
        let newJunk: [Kind]

        init(_ lessons: LessonCounts, seed: UInt64) {
            var generator = TestGenerator(seed: seed)
            let common = (0..<2_000).map { _ in Kind.word(&generator) }
            self.common = common
            self.wanted = ["colleagues", "shop", "list", "family"].map {
                Kind($0, isJunk: false, isMarkup: $0 == "shop", share: 0.15, &generator)
            }
            self.junk = ["pills", "casino", "fraud", "loans"].map {
                Kind($0, isJunk: true, isMarkup: $0 != "fraud", share: 0.25, &generator)
            }
            self.newWanted = [Kind("new wanted", isJunk: false, isMarkup: true, share: 0.15, &generator)]
            self.newJunk = [Kind("new junk", isJunk: true, isMarkup: true, share: 0.25, &generator)]
            for number in 0..<max(lessons.junk, lessons.wanted) {
                if number < lessons.wanted {
                    self.filter.learn(self.wanted[number % 4].message(common, &generator), isJunk: false)
                }
                if number < lessons.junk {
                    self.filter.learn(self.junk[number % 4].message(common, &generator), isJunk: true)
                }
            }
            self.generator = generator
        }

        /// What the filter makes of new messages of some kinds.
        mutating func likenesses(_ kinds: [Kind]) -> [Likeness: Int] {
            var found: [Likeness: Int] = [:]
            for number in 0..<Self.messages {
                let message = kinds[number % kinds.count].message(self.common, &self.generator)
                found[self.filter.judge(message).likeness, default: 0] += 1
            }
            return found
        }
    }

    @Test("Of the kinds that were taught, and of kinds that are new") func figures() {
        var before = 0
        for (lessons, seed) in [(20, UInt64(11)), (80, 12)] {
            var post = Post(LessonCounts(junk: lessons, wanted: lessons), seed: seed)
            let (known, caught) = (post.likenesses(post.wanted), post.likenesses(post.junk))
            let (newWanted, newJunk) = (post.likenesses(post.newWanted), post.likenesses(post.newJunk))
            print(
                "junk filter, \(lessons) lessons of either kind, of \(Post.messages) each (junk/unsure/wanted):",
                [("wanted", known), ("junk", caught), ("new wanted", newWanted), ("new junk", newJunk)].map {
                    name,
                    found in
                    "\(name) \(found[.junk] ?? 0)/\(found[.unsure] ?? 0)/\(found[.wanted] ?? 0)"
                }.joined(separator: ", ")
            )
            #expect(known[.junk, default: 0] == 0, "wanted mail in Junk")
            #expect(caught[.wanted, default: 0] == 0, "junk that is taken for wanted mail")
            #expect(caught[.junk, default: 0] > before, "what was taught is found, and more of it with more lessons")
            before = caught[.junk, default: 0]
        }
    }

    @Test(
        "With ten or twenty times as many lessons of one kind",
        arguments: [(50, 500, 13), (100, 2_000, 14), (200, 20, 15)]
    )
    func imbalance(junk: Int, wanted: Int, seed: UInt64) {
        var post = Post(LessonCounts(junk: junk, wanted: wanted), seed: seed)
        let (known, caught) = (post.likenesses(post.wanted), post.likenesses(post.junk))
        print("junk filter, \(junk):\(wanted) lessons: wanted \(known), junk \(caught)")
        #expect(known[.junk, default: 0] == 0, "wanted mail in Junk")
        // With few lessons of a kind, much is unsure; with enough of them, half is found.
        let isWellTaught = junk >= 100
        #expect(caught[.wanted, default: 0] <= (isWellTaught ? 0 : 4), "junk that is taken for wanted mail")
        #expect(caught[.junk, default: 0] >= (isWellTaught ? Post.messages / 2 : 1), "the filter is not blind")
    }
}
