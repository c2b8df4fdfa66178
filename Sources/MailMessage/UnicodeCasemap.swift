// SPDX-License-Identifier: Apache-2.0

/// How SORT and THREAD compare texts: the collation `i;unicode-casemap` (RFC 5051), which RFC 5256 §7 demands.
package enum UnicodeCasemap {
    /// What to compare octet by octet in place of the text: each character in title case, then taken apart as far as it
    /// goes, in UTF-8 (RFC 5051 §2).
    ///
    /// With a limit, no more than so many octets, cut between characters.
    package static func key(_ text: String, limit: Int = .max) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(min(text.utf8.count, limit))
        for scalar in text.unicodeScalars {
            let length = key.count
            self.append(scalar, to: &key)
            if key.count > limit {
                key.removeSubrange(length...)
                break
            }
        }
        return key
    }

    private static func append(_ scalar: Unicode.Scalar, to key: inout [UInt8]) {
        switch scalar.value {
        case 0x61...0x7A: key.append(UInt8(truncatingIfNeeded: scalar.value) & 0xDF)
        case ..<0x80: key.append(UInt8(truncatingIfNeeded: scalar.value))
        case 0xAC00...0xD7A3:
            // The Unicode Standard §3.12, "Hangul Syllable Decomposition".
            let index = scalar.value - 0xAC00
            self.appendUTF8(0x1100 + index / 588, to: &key)
            self.appendUTF8(0x1161 + index % 588 / 28, to: &key)
            if index % 28 != 0 { self.appendUTF8(0x11A7 + index % 28, to: &key) }
        default:
            if let mapped = self.mapping[scalar.value] {
                key.append(contentsOf: mapped)
            } else {
                self.appendUTF8(scalar.value, to: &key)
            }
        }
    }

    private static func appendUTF8(_ value: UInt32, to key: inout [UInt8]) {
        guard let scalar = Unicode.Scalar(value) else { return }
        key.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    // MARK: The table

    /// What a character becomes, in UTF-8.
    private struct Mapping: Sendable {
        /// Ascending.
        private var characters: [UInt32] = []
        /// Where the mapping of each ends in `octets`.
        private var ends: [UInt32] = []
        private var octets: [UInt8] = []

        mutating func append(_ character: UInt32, _ mapped: [UInt32]) {
            for value in mapped { UnicodeCasemap.appendUTF8(value, to: &self.octets) }
            self.characters.append(character)
            self.ends.append(UInt32(self.octets.count))
        }

        /// O(log n).
        subscript(character: UInt32) -> ArraySlice<UInt8>? {
            var (low, high) = (0, self.characters.count)
            while low < high {
                let middle = (low + high) / 2
                if self.characters[middle] < character { low = middle + 1 } else { high = middle }
            }
            guard low < self.characters.count, self.characters[low] == character else { return nil }
            return self.octets[(low == 0 ? 0 : Int(self.ends[low - 1]))..<Int(self.ends[low])]
        }
    }

    private static let mapping: Mapping = {
        var mapping = Mapping()
        var first: UInt32 = 0
        for word in table.split(whereSeparator: \.isWhitespace) {
            var reader = WordReader(octets: word.utf8[...])
            first += reader.number()
            var (step, count): (UInt32, UInt32) = (0, 1)
            if reader.accept("*") { (step, count) = (1, reader.number()) }
            if reader.accept("/") { (step, count) = (2, reader.number()) }
            var mapped: [UInt32] = []
            while reader.accept("=") || reader.accept(".") { mapped.append(reader.number()) }
            for index in 0..<count { mapping.append(first + index * step, mapped.map { $0 + index * step }) }
        }
        return mapping
    }()

    /// Reads a word of the table.
    private struct WordReader {
        var octets: Substring.UTF8View

        mutating func accept(_ sign: Unicode.Scalar) -> Bool {
            guard self.octets.first == UInt8(ascii: sign) else { return false }
            self.octets.removeFirst()
            return true
        }

        /// Digits and lower case letters, base 36.
        mutating func number() -> UInt32 {
            var value: UInt32 = 0
            while let octet = self.octets.first {
                switch octet {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value * 36 + UInt32(octet & 15)
                case UInt8(ascii: "a")...UInt8(ascii: "z"): value = value * 36 + UInt32(octet - 87)
                default: return value
                }
                self.octets.removeFirst()
            }
            return value
        }
    }
}
