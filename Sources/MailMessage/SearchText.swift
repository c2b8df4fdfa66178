// SPDX-License-Identifier: Apache-2.0

/// What of a message is searched, and how texts are made comparable (RFC 9051 §6.4.4).
///
/// SEARCH compares these texts, and an index is made of the same ones: so they are defined once, here. Whoever changes
/// what any of it returns, changes ``version`` too, and every index is made anew.
package enum SearchText {
    /// Counts the changes of what is searched.
    package static let version = 1
    /// How many octets of a header are searched; none is longer but by intent.
    package static let headerLimit = 1 << 20

    /// Text in the form in which it is compared: Unicode's lower case, letters and their marks apart, in UTF-8.
    ///
    /// So case does not matter, nor whether `é` is one character or two; and `cafe` is found in `café`.
    /// Each scalar is folded by itself, so a text may be folded in pieces, and what is contained in a text is contained
    /// in it when both are folded.
    package static func folded(_ text: String) -> [UInt8] {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text.utf8.map(Octets.lowercased) }
        var folded: [UInt8] = []
        folded.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if scalar.isASCII {
                folded.append(Octets.lowercased(UInt8(truncatingIfNeeded: scalar.value)))
            } else {
                for lower in scalar.properties.lowercaseMapping.unicodeScalars {
                    Self.decompose(lower.value, into: &folded)
                }
            }
        }
        return folded
    }

    private static func decompose(_ scalar: UInt32, into folded: inout [UInt8]) {
        if let (letter, mark) = Decomposition.pair(of: scalar) {
            Self.decompose(letter, into: &folded)
            Self.append(mark, to: &folded)
        } else if (0xAC00...0xD7A3).contains(scalar) {
            // A Korean syllable is two or three letters: Unicode §3.12.
            let index = scalar - 0xAC00
            Self.append(0x1100 + index / 588, to: &folded)
            Self.append(0x1161 + index % 588 / 28, to: &folded)
            if index % 28 != 0 { Self.append(0x11A7 + index % 28, to: &folded) }
        } else {
            Self.append(scalar, to: &folded)
        }
    }

    private static func append(_ scalar: UInt32, to folded: inout [UInt8]) {
        if let scalar = Unicode.Scalar(scalar) {
            folded.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        }
    }

    /// The value of a header field, encoded words decoded.
    package static func ofField(_ value: ArraySlice<UInt8>) -> [UInt8] { Self.folded(EncodedWord.decode(value)) }

    /// What a person would look for in an address.
    package static func of(_ address: Address) -> [UInt8] {
        switch address {
        case .mailbox(let mailbox):
            let name = mailbox.name.map { EncodedWord.decode($0[...]) } ?? ""
            return Self.folded("\(name) <\(String(decoding: mailbox.addrSpec, as: UTF8.self))>")
        case .groupStart(let name): return Self.ofField(name[...])
        case .groupEnd: return []
        }
    }

    /// The MIME headers of a message's parts, those of attached messages included, within ``headerLimit`` octets together.
    ///
    /// TEXT finds what they say (RFC 9051 §6.4.4).
    package static func partHeaders(_ root: Part) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var rest = Self.headerLimit
        root.forEachPart { part in
            guard part.headerRange != root.headerRange, !part.headerRange.isEmpty, rest > 0 else { return }
            ranges.append(part.headerRange.prefix(rest))
            rest -= part.headerRange.count
        }
        return ranges
    }

    /// What the MIME headers say in a form that a person would not look for: file names and descriptions, decoded.
    package static func ofParts(_ root: Part) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        root.forEachPart { part in
            if let name = part.fileName { texts.append(Self.folded(name)) }
            if let description = part.description { texts.append(Self.ofField(description[...])) }
        }
        return texts
    }
}

/// One field of a header, made comparable once for all searches.
package struct SearchedField: Sendable {
    /// In lower case.
    package let name: [UInt8]
    package let text: [UInt8]

    package init(_ field: HeaderField) {
        self.name = field.name.map(Octets.lowercased)
        self.text = SearchText.ofField(field.unfoldedValue[...])
    }

    /// The field as a person sees it: `name: text`.
    package var line: [UInt8] { self.name + [UInt8(ascii: ":"), UInt8(ascii: " ")] + self.text }
}

extension Part {
    /// The parts whose text a person reads, those within attached messages included.
    package var textParts: [Part] {
        var parts: [Part] = []
        self.forEachPart { part in
            if part.isLeaf, part.contentType.isType("text") { parts.append(part) }
        }
        return parts
    }

    private var isLeaf: Bool {
        guard case .leaf = self.content else { return false }
        return true
    }

    /// This part and those in it, in the order of the message.
    fileprivate func forEachPart(_ body: (Part) -> Void) {
        body(self)
        switch self.content {
        case .leaf: break
        case .multipart(let children): for child in children { child.forEachPart(body) }
        case .message(let message): message.root.forEachPart(body)
        }
    }
}
