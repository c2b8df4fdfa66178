// SPDX-License-Identifier: Apache-2.0

/// The field that tells the recipient of a message, and nobody else, how his filter has judged it.
///
///     X-Letterhouse-Junk: yes, score=0.98, domain=bad.example (casino, url:bad.example)
package enum JunkField {
    /// Fields of that name that come from outside are taken out.
    package static let name = "X-Letterhouse-Junk"
    /// How many words are named, and how long one may be.
    private static let (mostWords, longestWord) = (8, 40)

    /// The field, with its line ends.
    package static func octets(_ verdict: JunkVerdict) -> [UInt8] {
        var text = "\(Self.name): \(Self.answer(verdict.likeness)), score=\(Self.score(verdict.content.score))"
        if let author = verdict.author, let domain = Self.safe(author.domain) {
            text += ",\r\n\tdomain=\(domain), sender=\(Self.standing(author))"
        }
        let words = verdict.content.clues.lazy.compactMap { Self.safe($0.token) }.prefix(Self.mostWords)
        if !words.isEmpty {
            // One on each line keeps every line short.
            text += "\r\n\t(" + words.joined(separator: ",\r\n\t ") + ")"
        }
        return Array((text + "\r\n").utf8)
    }

    /// The same in a sentence, for who asks what has become of a message; words of any script are in it.
    package static func reason(_ verdict: JunkVerdict) -> String {
        var text = "\(Self.answer(verdict.likeness)), score \(Self.score(verdict.content.score))"
        if let author = verdict.author { text += ", \(author.domain) is \(Self.standing(author))" }
        let words = verdict.content.clues.prefix(Self.mostWords).map { clue in
            String(clue.token.unicodeScalars.prefix(Self.longestWord))
        }
        return words.isEmpty ? text : "\(text) (\(words.joined(separator: ", ")))"
    }

    private static func answer(_ likeness: Likeness) -> String {
        switch likeness {
        case .junk: "yes"
        case .unsure: "unsure"
        case .wanted: "no"
        }
    }

    private static func standing(_ author: AuthorStanding) -> String {
        author.isCorrespondent ? "correspondent" : author.reputation.rawValue
    }

    /// Two digits behind the point, cut off rather than rounded: 1.00 is certain.
    static func score(_ score: Double) -> String {
        let hundredths = min(100, max(0, Int(score * 100)))
        return "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
    }

    /// The word if it can stand in a comment as it is; nil for all others, so that no word can end the comment or the line.
    static func safe(_ word: String) -> String? {
        let isSafe = word.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "@"),
                UInt8(ascii: "/"), UInt8(ascii: "$"):
                true
            default: false
            }
        }
        return isSafe && (1...Self.longestWord).contains(word.utf8.count) ? word : nil
    }
}
