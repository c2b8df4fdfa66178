// SPDX-License-Identifier: Apache-2.0

/// Makes words of a text that comes in pieces: folded (`SearchText`), in UTF-8, cut between characters.
///
/// What it makes depends on the text alone, not on how it is cut, and it keeps no more of a text than a word.
///
/// - Letters and digits make words, with `'`, `-`, `.`, `_`, `@` and `$` within them. Words of one or two letters say nothing;
///   of one that is longer than people write, only the length is taken.
/// - Scripts that have no spaces between words give each two characters that follow one another.
/// - Of a URL the host is taken, and those above it: `url:shop.example.com`, `url:example.com`. Of a mail address, whose domain
///   it is. No word of a text has a colon, so texts cannot contain what is said of them otherwise.
/// - Characters that nobody sees are passed over, so that they take no word apart.
struct WordReader {
    private static let longestWord = 20
    /// Octets that are kept of a word.
    private static let mostOctets = 255

    private enum Mode {
        case words
        /// Behind `http:`, so many slashes.
        case scheme(slashes: Int)
        case host
        /// Behind a host, up to the end of the URL.
        case rest
    }

    private var mode = Mode.words
    private var word: [UInt8] = []
    /// Characters of it, those that are not kept included.
    private var count = 0
    /// The last character, of a script without spaces; empty if it was of another.
    private var previous: [UInt8] = []

    /// Takes a piece of a text.
    mutating func feed(_ text: ArraySlice<UInt8>, _ emit: (String) -> Void) {
        var index = text.startIndex
        while index < text.endIndex {
            let lead = text[index]
            if lead >= 0x80 {
                let length = min(lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2, text.endIndex - index)
                self.take(text[index..<index + length], emit)
                index += length
            } else if case .words = self.mode, Self.isLetter(lead) {
                // Most of a text: all letters at once.
                let end = text[index...].firstIndex { !Self.isLetter($0) } ?? text.endIndex
                self.append(text[index..<end], count: end - index)
                if !self.previous.isEmpty { self.previous = [] }
                index = end
            } else {
                self.take(lead, emit)
                index += 1
            }
        }
    }

    /// The end of the text.
    mutating func end(_ emit: (String) -> Void) {
        self.endWord(emit)
        self.mode = .words
    }

    private mutating func take(_ octet: UInt8, _ emit: (String) -> Void) {
        if !self.previous.isEmpty { self.previous = [] }
        switch self.mode {
        case .words: break
        case .scheme(let slashes):
            if octet == UInt8(ascii: "/"), slashes < 2 {
                self.mode = slashes == 1 ? .host : .scheme(slashes: 1)
                return
            }
            self.mode = .words
        case .host:
            if Self.isLetter(octet) || octet == UInt8(ascii: "-") || octet == UInt8(ascii: ".")
                || octet == UInt8(ascii: "_")
            {
                self.append(octet)
            } else if octet == UInt8(ascii: "@") {
                // What stands before it is there to be taken for the host.
                emit("url:user")
                self.dropWord()
            } else if octet == UInt8(ascii: ":"), !self.word.isEmpty {
                // A port, or a password.
                self.endHost(emit)
                self.mode = .rest
            } else {
                self.endHost(emit)
                self.mode = Self.endsURL(octet) ? .words : .rest
            }
            return
        case .rest:
            if Self.endsURL(octet) { self.mode = .words }
            return
        }
        if Self.isLetter(octet) || octet == UInt8(ascii: "$") {
            self.append(octet)
        } else if Self.isInner(octet), !self.word.isEmpty {
            self.append(octet)
        } else if octet == UInt8(ascii: ":"),
            self.word.elementsEqual("http".utf8) || self.word.elementsEqual("https".utf8)
        {
            self.dropWord()
            self.mode = .scheme(slashes: 0)
        } else {
            self.endWord(emit)
        }
    }

    private mutating func take(_ character: ArraySlice<UInt8>, _ emit: (String) -> Void) {
        let scalar = String(decoding: character, as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
        switch Self.kind(scalar) {
        case .invisible: return
        case .separator:
            if case .words = self.mode {} else { self.end(emit) }
            self.endWord(emit)
            self.previous = []
        case .letter:
            self.previous = []
            switch self.mode {
            case .words, .host: self.append(character)
            case .scheme:
                self.mode = .words
                self.append(character)
            case .rest: break
            }
        case .unspaced:
            if !self.word.isEmpty { self.endWord(emit) }
            self.mode = .words
            if !self.previous.isEmpty { emit(String(decoding: self.previous + character, as: UTF8.self)) }
            self.previous = Array(character)
        }
    }

    private mutating func append(_ octet: UInt8) {
        self.count += 1
        if self.word.count < Self.mostOctets { self.word.append(octet) }
    }

    private mutating func append(_ octets: ArraySlice<UInt8>, count: Int = 1) {
        self.count += count
        if self.word.count + octets.count <= Self.mostOctets { self.word += octets }
    }

    private mutating func dropWord() {
        self.word.removeAll(keepingCapacity: true)
        self.count = 0
    }

    private mutating func endWord(_ emit: (String) -> Void) {
        if case .host = self.mode { return self.endHost(emit) }
        defer { self.dropWord() }
        while let last = self.word.last, Self.isInner(last) {
            self.word.removeLast()
            self.count -= 1
        }
        guard self.count >= (self.word.first.map { $0 >= 0x80 } == true ? 2 : 3) else { return }
        if let at = self.word.lastIndex(of: UInt8(ascii: "@")) {
            emit("addr:" + String(decoding: self.word[(at + 1)...], as: UTF8.self))
        } else if self.word.starts(with: "www.".utf8) {
            Self.eachDomain(of: self.word[...]) { emit("url:" + $0) }
        } else if self.count <= Self.longestWord {
            emit(String(decoding: self.word, as: UTF8.self))
        } else {
            emit("long:\(min(self.count / 10 * 10, 200))")
        }
    }

    private mutating func endHost(_ emit: (String) -> Void) {
        Self.eachDomain(of: self.word[...]) { emit("url:" + $0) }
        self.dropWord()
    }

    /// Calls `body` with a host and up to three domains that it is in, two labels at least; with `ip` for an address.
    static func eachDomain(of host: ArraySlice<UInt8>, _ body: (String) -> Void) {
        var labels = host.split(separator: UInt8(ascii: "."))
        guard let last = labels.last else { return }
        if last.allSatisfy({ (0x30...0x39).contains($0) }) { return body("ip") }
        if labels.count > 4 { body("deep") }
        labels = labels.suffix(4)
        while labels.count >= 2 {
            body(String(decoding: Array(labels.joined(separator: ".".utf8)), as: UTF8.self))
            labels.removeFirst()
        }
    }

    // MARK: Characters

    private static func isLetter(_ octet: UInt8) -> Bool { (octet | 0x20) &- 0x61 < 26 || octet &- 0x30 < 10 }

    private static func isInner(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "'"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "@"): true
        default: false
        }
    }

    private static func endsURL(_ octet: UInt8) -> Bool {
        switch octet {
        case 0...0x20, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""): true
        default: false
        }
    }

    private enum Kind { case letter, unspaced, separator, invisible }

    private static func kind(_ scalar: Unicode.Scalar) -> Kind {
        switch scalar.value {
        case 0xAD, 0x200B...0x200F, 0x2060...0x2064, 0xFE00...0xFE0F, 0xFEFF: return .invisible
        // Thai, Lao; Burmese; Khmer; Chinese and Japanese.
        case 0x0E01...0x0E3A, 0x0E40...0x0E4E, 0x0E81...0x0ECD, 0x1000...0x103F, 0x1780...0x17D3,
            0x3041...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFD:
            return .unspaced
        default: break
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .currencySymbol:
            return .letter
        default: return .separator
        }
    }
}
