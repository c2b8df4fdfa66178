// SPDX-License-Identifier: Apache-2.0

/// A mailbox name with wildcards (RFC 9051 §6.3.9): `*` is any octets, `%` any except the separator.
///
/// The pattern is kept as its literal octets and the gaps around them: a run of wildcards is one gap, which a `*` in it
/// makes wide. Matching follows all ways through the pattern at once, a bit for each, so that it takes at most
/// `pattern · name / 64` steps and never goes back, whatever the pattern.
package struct ListPattern: Sendable {
    private typealias Word = UInt64

    /// How many literal octets there are; way `i` has matched `i` of them.
    private let literalCount: Int
    private let wordCount: Int
    /// For each octet, 0 or which of `masks` has its places in the pattern.
    private let maskIndices: [UInt8]
    /// For each octet in the pattern, `wordCount` words whose bit `i` says that literal `i` is that octet.
    private let masks: [Word]
    /// Bit `i` says that the gap before literal `i` takes octets other than the separator, or also the separator.
    private let gaps: [Word]
    private let wideGaps: [Word]

    /// Makes a pattern of UTF-8; the reference goes before it as it is.
    package init(reference: [UInt8] = [], _ pattern: [UInt8]) {
        let whole = reference + pattern
        let literalCount = whole.count { !Self.isWildcard($0) }
        // Nothing is that long, so nothing need be kept of it.
        let kept = literalCount > MailboxName.maximumLength ? [] : whole
        let wordCount = min(literalCount, MailboxName.maximumLength) / Word.bitWidth + 1
        var maskIndices = [UInt8](repeating: 0, count: 256)
        var masks = [Word](repeating: 0, count: wordCount)
        var gaps = [Word](repeating: 0, count: wordCount)
        var wideGaps = gaps
        var maskCount: UInt8 = 0
        var place = 0
        for octet in kept {
            let bit: Word = 1 << (place % Word.bitWidth)
            let word = place / Word.bitWidth
            if Self.isWildcard(octet) {
                gaps[word] |= bit
                if octet == UInt8(ascii: "*") { wideGaps[word] |= bit }
                continue
            }
            if maskIndices[Int(octet)] == 0 {
                // There are 254 octets beside the wildcards.
                maskCount += 1
                maskIndices[Int(octet)] = maskCount
                masks.append(contentsOf: repeatElement(0, count: wordCount))
            }
            masks[Int(maskIndices[Int(octet)]) * wordCount + word] |= bit
            place += 1
        }
        self.literalCount = literalCount
        self.wordCount = wordCount
        self.maskIndices = maskIndices
        self.masks = masks
        self.gaps = gaps
        self.wideGaps = wideGaps
    }

    /// Whether the pattern matches all of `name`; in `INBOX`, also as the first level, case does not matter.
    package func matches(_ name: MailboxName) -> Bool {
        let octets = name.text.utf8
        guard self.literalCount <= octets.count else { return false }
        let isInbox = name.isInbox || name.isInferior(to: .inbox)
        var ways = [Word](repeating: 0, count: self.wordCount)
        ways[0] = 1
        var position = 0
        for octet in octets {
            let mask = Int(self.maskIndices[Int(octet)]) * self.wordCount
            let otherCase = isInbox && position < 5 ? octet | 0x20 : octet
            let otherMask = Int(self.maskIndices[Int(otherCase)]) * self.wordCount
            var carry: Word = 0
            var alive: Word = 0
            for word in 0..<self.wordCount {
                let way = ways[word]
                let matched = way & (self.masks[mask + word] | self.masks[otherMask + word])
                let stayed = way & (octet == MailboxName.separator ? self.wideGaps[word] : self.gaps[word])
                ways[word] = matched << 1 | carry | stayed
                carry = matched >> (Word.bitWidth - 1)
                alive |= ways[word]
            }
            guard alive != 0 else { return false }
            position += 1
        }
        return ways[self.literalCount / Word.bitWidth] >> (self.literalCount % Word.bitWidth) & 1 == 1
    }

    private static func isWildcard(_ octet: UInt8) -> Bool {
        octet == UInt8(ascii: "*") || octet == UInt8(ascii: "%")
    }
}
