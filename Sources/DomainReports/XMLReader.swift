// SPDX-License-Identifier: Apache-2.0

/// What came is no XML as reports need it.
package struct MalformedXML: Error, Hashable, Sendable, CustomStringConvertible {
    package let expected: String
    package var description: String { "expected \(self.expected)" }
}

/// Reads XML 1.0 as far as reports need it, element by element: in one pass, in memory that does not grow.
///
/// There are no document types, so no entities that anybody could define; attributes are passed over, and so are the prefixes of
/// names. The text of an element is that which stands directly in it, to a limit.
struct XMLReader {
    enum Event: Equatable {
        case start(String)
        case end(String, text: String)
    }

    private static let depthLimit = 16
    private static let nameLimit = 100
    /// Elements in all: each costs more than the octets it has.
    private static let elementLimit = 1_000_000
    /// Octets of the text of one element; what is behind is dropped.
    private static let textLimit = 2000

    private let octets: [UInt8]
    private var position = 0
    /// The elements that are open, with their prefixes: end tags have to repeat them.
    private var open: [ArraySlice<UInt8>] = []
    /// What stands in the innermost open element since the last tag.
    private var text: [UInt8] = []
    private var hasRoot = false
    private var elements = 0
    /// An element without content has begun: its end comes next.
    private var endsAtOnce = false

    init(_ octets: [UInt8]) {
        self.octets = octets
        if octets.starts(with: [0xEF, 0xBB, 0xBF]) { self.position = 3 }
    }

    /// The next begin or end of an element; nil at the end of the document.
    mutating func next() throws(MalformedXML) -> Event? {
        if self.endsAtOnce {
            self.endsAtOnce = false
            return try self.close()
        }
        while self.position < self.octets.count {
            guard self.octets[self.position] == UInt8(ascii: "<") else {
                try self.takeText()
                continue
            }
            if self.starts(with: "</") { return try self.endTag() }
            if self.starts(with: "<?") {
                try self.skip(past: "?>", after: 2)
            } else if self.starts(with: "<!--") {
                try self.skip(past: "-->", after: 4)
            } else if self.starts(with: "<![CDATA[") {
                let start = self.position + 9
                try self.skip(past: "]]>", after: 9)
                guard !self.open.isEmpty else { throw MalformedXML(expected: "text within an element only") }
                self.keep(self.octets[start..<(self.position - 3)])
            } else if self.starts(with: "<!") {
                throw MalformedXML(expected: "no document type")
            } else {
                return try self.startTag()
            }
        }
        guard self.open.isEmpty, self.hasRoot else { throw MalformedXML(expected: "the end of every element") }
        return nil
    }

    // MARK: Tags

    // STag = '<' Name (S Attribute)* S? '>'
    private mutating func startTag() throws(MalformedXML) -> Event {
        guard !self.open.isEmpty || !self.hasRoot else { throw MalformedXML(expected: "one element around all others") }
        guard self.open.count < Self.depthLimit else {
            throw MalformedXML(expected: "at most \(Self.depthLimit) elements within each other")
        }
        self.elements += 1
        guard self.elements <= Self.elementLimit else {
            throw MalformedXML(expected: "at most \(Self.elementLimit) elements")
        }
        self.position += 1
        let name = try self.name()
        self.hasRoot = true
        self.open.append(name)
        self.text = []
        while let octet = self.current, octet != UInt8(ascii: ">") {
            if octet == UInt8(ascii: "\"") || octet == UInt8(ascii: "'") {
                self.position += 1
                while let inner = self.current, inner != octet { self.position += 1 }
                guard self.current != nil else { break }
            } else if octet == UInt8(ascii: "<") {
                throw MalformedXML(expected: "\">\" at the end of a tag")
            }
            self.position += 1
        }
        guard self.current != nil else { throw MalformedXML(expected: "\">\" at the end of a tag") }
        self.endsAtOnce = self.octets[self.position - 1] == UInt8(ascii: "/")
        self.position += 1
        return .start(Self.localName(name))
    }

    // ETag = '</' Name S? '>'
    private mutating func endTag() throws(MalformedXML) -> Event {
        self.position += 2
        let name = try self.name()
        guard self.open.last == name else { throw MalformedXML(expected: "the end of the element that began last") }
        while let octet = self.current, Self.isSpace(octet) { self.position += 1 }
        guard self.current == UInt8(ascii: ">") else { throw MalformedXML(expected: "\">\" at the end of a tag") }
        self.position += 1
        return try self.close()
    }

    private mutating func close() throws(MalformedXML) -> Event {
        guard let name = self.open.popLast() else { throw MalformedXML(expected: "the begin of an element") }
        let text = String(decoding: self.text.trimmingSpaces, as: UTF8.self)
        self.text = []
        return .end(Self.localName(name), text: text)
    }

    private mutating func name() throws(MalformedXML) -> ArraySlice<UInt8> {
        let start = self.position
        while let octet = self.current, !Self.isSpace(octet), octet != UInt8(ascii: ">"), octet != UInt8(ascii: "/") {
            guard octet != UInt8(ascii: "<"), octet != UInt8(ascii: "\""), octet != UInt8(ascii: "&"), octet > 0x20
            else {
                throw MalformedXML(expected: "a name")
            }
            self.position += 1
        }
        let name = self.octets[start..<self.position]
        guard (1...Self.nameLimit).contains(name.count) else { throw MalformedXML(expected: "a name") }
        return name
    }

    private static func localName(_ name: ArraySlice<UInt8>) -> String {
        let local = name.lastIndex(of: UInt8(ascii: ":")).map { name[($0 + 1)...] } ?? name
        return String(decoding: local, as: UTF8.self)
    }

    // MARK: Text

    private mutating func takeText() throws(MalformedXML) {
        let start = self.position
        while let octet = self.current, octet != UInt8(ascii: "<"), octet != UInt8(ascii: "&") { self.position += 1 }
        let plain = self.octets[start..<self.position]
        if self.open.isEmpty {
            guard plain.allSatisfy(Self.isSpace), self.current != UInt8(ascii: "&") else {
                throw MalformedXML(expected: "text within an element only")
            }
            return
        }
        self.keep(plain)
        if self.current == UInt8(ascii: "&") { try self.takeReference() }
    }

    // Reference = '&' Name ';' | '&#' [0-9]+ ';' | '&#x' [0-9a-fA-F]+ ';'
    private mutating func takeReference() throws(MalformedXML) {
        let rest = self.octets[(self.position + 1)...].prefix(10)
        guard let end = rest.firstIndex(of: UInt8(ascii: ";")) else { throw MalformedXML(expected: "a reference") }
        self.position = end + 1
        let name = String(decoding: rest[..<end], as: UTF8.self)
        switch name {
        case "lt": self.keep([UInt8(ascii: "<")])
        case "gt": self.keep([UInt8(ascii: ">")])
        case "amp": self.keep([UInt8(ascii: "&")])
        case "quot": self.keep([UInt8(ascii: "\"")])
        case "apos": self.keep([UInt8(ascii: "'")])
        default:
            let digits = name.dropFirst(name.hasPrefix("#x") ? 2 : 1)
            guard name.hasPrefix("#"), digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let number = UInt32(digits, radix: name.hasPrefix("#x") ? 16 : 10),
                let scalar = Unicode.Scalar(number), number >= 0x20 || [9, 10, 13].contains(number)
            else { throw MalformedXML(expected: "a reference to a character that there is") }
            self.keep(Array(String(Character(scalar)).utf8)[...])
        }
    }

    private mutating func keep(_ octets: some Collection<UInt8>) {
        let room = Self.textLimit - self.text.count
        if room > 0 { self.text += octets.prefix(room) }
    }

    // MARK: Octets

    private var current: UInt8? { self.position < self.octets.count ? self.octets[self.position] : nil }

    private func starts(with text: StaticString) -> Bool {
        self.octets[self.position...].starts(with: text.description.utf8)
    }

    /// Goes on behind the next `mark`, which is not among the first octets.
    private mutating func skip(past mark: StaticString, after count: Int) throws(MalformedXML) {
        let mark = Array(mark.description.utf8)
        self.position += count
        while self.position < self.octets.count {
            if self.octets[self.position] == mark[0], self.octets[self.position...].starts(with: mark) {
                self.position += mark.count
                return
            }
            self.position += 1
        }
        throw MalformedXML(expected: "the end of what began")
    }

    private static func isSpace(_ octet: UInt8) -> Bool { octet == 0x20 || (0x09...0x0D).contains(octet) }
}

extension [UInt8] {
    fileprivate var trimmingSpaces: ArraySlice<UInt8> {
        let start = self.firstIndex { $0 > 0x20 } ?? self.endIndex
        let end = self.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? start
        return self[start..<end]
    }
}
