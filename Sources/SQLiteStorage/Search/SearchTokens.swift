// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// What the index has of one message: for each of a few places the runs of three characters that occur there.
///
/// A text of three characters or more can only be where all of its runs are; that is what makes an index of them answer
/// for substrings, which IMAP asks for and an index of words could not. Two adjacent characters of East Asian scripts
/// count as well, for there they are a word. SQLite is given the runs as words of its own making rather than the text,
/// because its tokenizer would stop at a NUL, and because each run is then written once.
struct SearchTokens {
    /// Counts the changes of what a message's tokens are.
    static let version = 1
    /// A message with more is looked through by every search: indexing it would cost more than it saves.
    static let textLimit = 1 << 20
    static let tokenLimit = 1 << 16
    /// How many of a pattern's runs are asked for: more would cost more than they exclude.
    private static let queryLimit = 8

    /// Where a run occurs; the first letter of its word.
    enum Place: UInt8 {
        case body = 0x62
        case from = 0x66
        case header = 0x68
        case recipients = 0x72
        case subject = 0x73
    }

    /// Place and run.
    private var tokens: Set<UInt64> = []
    /// The last two scalars of the text so far; 0: none.
    private var before: (UInt32, UInt32) = (0, 0)
    private(set) var textSize = 0

    var count: Int { self.tokens.count }
    /// Whether the message is too long to be indexed.
    var isExcessive: Bool { self.textSize > Self.textLimit || self.tokens.count > Self.tokenLimit }

    /// Adds a text of its own.
    mutating func add(_ text: [UInt8], _ place: Place) {
        self.restart()
        self.feed(text, place)
    }

    /// What comes next is another text.
    mutating func restart() { self.before = (0, 0) }

    /// Adds the next piece of a text, in UTF-8, cut between characters.
    mutating func feed(_ text: [UInt8], _ place: Place) {
        self.textSize += text.count
        guard !self.isExcessive else { return }
        Self.eachRun(text, &self.before) { run in
            self.tokens.insert(UInt64(place.rawValue) << 40 | run)
        }
    }

    /// The words, for SQLite's `ascii` tokenizer.
    var words: [UInt8] {
        var words: [UInt8] = []
        words.reserveCapacity(self.tokens.count * 7)
        for token in self.tokens { Self.write(token, to: &words) }
        return words
    }

    /// What to ask the index for; nil if it cannot know of so short a text.
    static func expression(for term: TextTerm) -> String? {
        let places: [Place] =
            switch term.place {
            case .from: [.from]
            case .recipients: [.recipients]
            case .subject: [.subject]
            case .header: [.header]
            case .body: [.body]
            case .text: [.header, .body]
            }
        var all: [UInt64] = []
        var before: (UInt32, UInt32) = (0, 0)
        Self.eachRun(term.pattern, &before) { run in
            if !all.contains(run), all.count < 4096 { all.append(run) }
        }
        guard !all.isEmpty else { return nil }
        // Spread over the pattern: neighbours tell much the same.
        let count = min(all.count, Self.queryLimit)
        let runs = (0..<count).map { all[count == 1 ? 0 : $0 * (all.count - 1) / (count - 1)] }
        let alternatives = places.map { place in
            let words = runs.map { run in
                var word: [UInt8] = []
                Self.write(UInt64(place.rawValue) << 40 | run, to: &word)
                return "\"\(String(decoding: word.dropLast(), as: UTF8.self))\""
            }
            return "(\(words.joined(separator: " AND ")))"
        }
        return alternatives.joined(separator: " OR ")
    }

    // MARK: Runs

    /// From here on scripts are East Asian.
    private static let eastAsian: UInt32 = 0x2E80

    /// Calls `body` with each run of the text, as a number of at most 36 bits.
    private static func eachRun(_ text: [UInt8], _ before: inout (UInt32, UInt32), _ body: (UInt64) -> Void) {
        var (first, second) = before
        var index = 0
        while index < text.count {
            let scalar = Self.scalar(text, &index)
            if second >= Self.eastAsian, scalar >= Self.eastAsian { body(Self.number(0, second, scalar)) }
            if first != 0 { body(Self.number(first, second, scalar)) }
            (first, second) = (second, scalar)
        }
        before = (first, second)
    }

    /// The scalar at an index of UTF-8 that is known to be well-formed, one more than its value: 0 stands for none.
    private static func scalar(_ text: [UInt8], _ index: inout Int) -> UInt32 {
        let lead = UInt32(text[index])
        index += 1
        guard lead >= 0xC0 else { return lead + 1 }
        var value = lead >= 0xF0 ? lead & 0x07 : lead >= 0xE0 ? lead & 0x0F : lead & 0x1F
        while index < text.count, text[index] & 0xC0 == 0x80 {
            value = value << 6 | UInt32(text[index] & 0x3F)
            index += 1
        }
        return value + 1
    }

    /// ASCII as it is, in 24 bits; the others mixed into 35, of which two runs may have the same: that only makes a
    /// message a candidate.
    private static func number(_ first: UInt32, _ second: UInt32, _ third: UInt32) -> UInt64 {
        if first != 0, first | second | third <= 0xFF {
            return UInt64(first << 16 | second << 8 | third)
        }
        var mixed = UInt64(first) << 42 ^ UInt64(second) << 21 ^ UInt64(third)
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return 1 << 35 | (mixed ^ mixed >> 31) >> 29
    }

    /// A letter for the place, digits of 5 bits, and a space.
    private static func write(_ token: UInt64, to words: inout [UInt8]) {
        words.append(UInt8(truncatingIfNeeded: token >> 40))
        var rest = token & (1 << 40 - 1)
        repeat {
            let digit = UInt8(rest & 31)
            words.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
            rest >>= 5
        } while rest != 0
        words.append(0x20)
    }
}
