// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Makes words of HTML that comes in pieces, folded as for ``WordReader``: of the text that a person sees, of the hosts that
/// links and pictures lead to, and of a few kinds of elements.
///
/// Elements that only change how letters look do not end a word, for between letters they are there to hide it. Whatever the
/// octets are, each is looked at once and no more is kept than a tag.
struct MarkupReader {
    private static let longestTag = 4096
    private static let longestEntity = 12

    private enum State {
        case text
        case entity
        case tag
        case comment
        /// In an element whose content nobody sees, which ends with that.
        case hidden([UInt8])
    }

    private var words = WordReader()
    private var state = State.text
    /// What there is of an entity or a tag, or the end of a comment or hidden content.
    private var held: [UInt8] = []

    mutating func feed(_ text: [UInt8], _ emit: (String) -> Void) {
        var index = 0
        while index < text.count {
            guard case .text = self.state else {
                if self.take(text[index], emit) { index += 1 }
                continue
            }
            let end = text[index...].firstIndex { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "&") } ?? text.count
            if end > index { self.words.feed(text[index..<end], emit) }
            if end < text.count { self.state = text[end] == UInt8(ascii: "<") ? .tag : .entity }
            self.held = []
            index = end + 1
        }
    }

    mutating func end(_ emit: (String) -> Void) {
        if case .entity = self.state { self.words.feed(self.held[...], emit) }
        self.words.end(emit)
        self = MarkupReader()
    }

    /// Takes an octet outside of text; false if it is to be taken once more, in the new state.
    private mutating func take(_ octet: UInt8, _ emit: (String) -> Void) -> Bool {
        switch self.state {
        case .text: return false
        case .entity:
            if octet == UInt8(ascii: ";") {
                self.words.feed(Entity.text(self.held)[...], emit)
            } else if self.held.count < Self.longestEntity,
                Self.isNamed(octet) || (self.held.isEmpty && octet == UInt8(ascii: "#"))
            {
                self.held.append(octet)
                return true
            } else {
                self.words.feed([UInt8(ascii: " ")] + self.held.filter { $0 != UInt8(ascii: "#") }, emit)
            }
            self.state = .text
            return octet == UInt8(ascii: ";")
        case .tag:
            if self.held.isEmpty, !Self.isNamed(octet) || octet <= UInt8(ascii: "9"), !"/!?".utf8.contains(octet) {
                // Less than.
                self.words.feed([0x20], emit)
                self.state = .text
                return false
            }
            if octet == UInt8(ascii: ">") {
                self.endTag(emit)
            } else {
                if self.held.count < Self.longestTag { self.held.append(octet) }
                if self.held.count == 3, self.held.elementsEqual("!--".utf8) {
                    self.state = .comment
                    self.held = []
                }
            }
            return true
        case .comment: return self.skip(octet, until: Array("-->".utf8))
        case .hidden(let end): return self.skip(octet, until: end)
        }
    }

    /// Looks for the end of what nobody sees.
    private mutating func skip(_ octet: UInt8, until end: [UInt8]) -> Bool {
        self.held.append(octet)
        if self.held.count > end.count { self.held.removeFirst() }
        if self.held == end {
            self.held = []
            // The rest of an end tag is a tag.
            self.state = end.last == UInt8(ascii: ">") ? .text : .tag
            if case .tag = self.state { self.held = Array("/".utf8) }
        }
        return true
    }

    private static func isNamed(_ octet: UInt8) -> Bool {
        (0x61...0x7A).contains(octet | 0x20) || (0x30...0x39).contains(octet)
    }

    // MARK: Tags

    private static let inline: Set<String> = [
        "a", "abbr", "b", "big", "code", "del", "em", "font", "i", "ins", "mark", "s", "small", "span", "strike",
        "strong",
        "sub", "sup", "tt", "u", "wbr",
    ]
    private static let telling: Set<String> = ["embed", "form", "iframe", "input", "object", "script"]

    private mutating func endTag(_ emit: (String) -> Void) {
        defer { self.held = [] }
        self.state = .text
        let name = String(
            decoding: self.held.drop { $0 == UInt8(ascii: "/") }.prefix(while: Self.isNamed),
            as: UTF8.self
        )
        if !Self.inline.contains(name) { self.words.feed([0x20], emit) }
        guard self.held.first != UInt8(ascii: "/") else { return }
        if Self.telling.contains(name) { emit("tag:\(name)") }
        if name == "script" || name == "style" { self.state = .hidden(Array("</\(name)".utf8)) }
        for (attribute, value) in Self.attributes(self.held[...]) {
            switch attribute {
            case "href", "src", "action", "background": Self.link(value, isImage: name == "img", emit)
            case "style":
                let style = value.filter { $0 > 0x20 }
                let isHidden = ["display:none", "visibility:hidden", "font-size:0", "font-size:1px"].contains {
                    style.firstRange(of: Array($0.utf8)) != nil
                }
                if isHidden { emit("tag:hidden") }
            default: break
            }
        }
    }

    private static func link(_ value: ArraySlice<UInt8>, isImage: Bool, _ emit: (String) -> Void) {
        var value = value.drop { $0 <= 0x20 }
        let scheme = value.prefix { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "/") }
        switch String(decoding: scheme.prefix(12), as: UTF8.self) {
        case "http", "https": value = value.dropFirst(scheme.count + 1)
        case "mailto":
            let address = value.dropFirst(7).prefix { $0 != UInt8(ascii: "?") }
            if let at = address.lastIndex(of: UInt8(ascii: "@")) {
                emit("addr:" + String(decoding: address[(at + 1)...].prefix(255), as: UTF8.self))
            }
            return
        case "": break
        case "data", "javascript": return emit("url:" + String(decoding: scheme, as: UTF8.self))
        default: return
        }
        guard value.starts(with: "//".utf8) else { return }
        if isImage { emit("tag:img") }
        let place = value.dropFirst(2).prefix { !"/?#\\".utf8.contains($0) }
        let host = place.lastIndex(of: UInt8(ascii: "@")).map { place[($0 + 1)...] } ?? place
        if host.startIndex != place.startIndex { emit("url:user") }
        WordReader.eachDomain(of: host.prefix { $0 != UInt8(ascii: ":") }.prefix(255)) { emit("url:" + $0) }
    }

    /// Names and values; those without a value are left out.
    private static func attributes(_ tag: ArraySlice<UInt8>) -> [(String, ArraySlice<UInt8>)] {
        var attributes: [(String, ArraySlice<UInt8>)] = []
        var rest = tag
        while let equals = rest.firstIndex(of: UInt8(ascii: "=")) {
            let before = rest[..<equals].reversed().drop { $0 <= 0x20 }.prefix {
                Self.isNamed($0) || $0 == UInt8(ascii: "-")
            }
            rest = rest[(equals + 1)...].drop { $0 <= 0x20 }
            let value: ArraySlice<UInt8>
            if let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                value = rest.dropFirst().prefix { $0 != quote }
                rest = rest.dropFirst(value.count + 2)
            } else {
                value = rest.prefix { $0 > 0x20 }
                rest = rest.dropFirst(value.count)
            }
            attributes.append((String(decoding: before.prefix(16).reversed(), as: UTF8.self), value))
        }
        return attributes
    }
}

/// Characters that HTML writes by name or number.
private enum Entity {
    private static let named: [String: String] = [
        "amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'", "szlig": "ß", "euro": "€", "pound": "£",
        "dollar": "$",
        "shy": "", "zwnj": "", "zwj": "",
    ]
    /// Marks, which stand behind the letter in folded text.
    private static let marks: [(ending: String, mark: String)] = [
        ("acute", "\u{301}"), ("grave", "\u{300}"), ("circ", "\u{302}"), ("tilde", "\u{303}"), ("uml", "\u{308}"),
        ("ring", "\u{30A}"), ("cedil", "\u{327}"), ("caron", "\u{30C}"),
    ]

    /// What an entity stands for, folded; a space for those that nobody knows.
    static func text(_ name: [UInt8]) -> [UInt8] {
        let name = String(decoding: name, as: UTF8.self)
        if name.hasPrefix("#") {
            let digits = name.dropFirst()
            let value = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
            guard let value, let scalar = Unicode.Scalar(value), value >= 0x20 else { return [0x20] }
            return SearchText.folded(String(scalar))
        }
        if let text = self.named[name] { return Array(text.utf8) }
        for (ending, mark) in self.marks where name.utf8.count == ending.utf8.count + 1 && name.hasSuffix(ending) {
            return Array((name.prefix(1) + mark).utf8)
        }
        return [0x20]
    }
}
