// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// How a ``MailboxPage`` lies in a row.
///
/// - 1 octet: the version of this layout, 1;
/// - 32 octets: which UIDs are there, UID `number << 8 | i` being bit `i % 8` of octet `i / 8`;
/// - for each message its system flags, and 128 if it has keywords: 1 octet;
/// - for each message that has keywords, their bits: a varint;
/// - for each message its mod-sequence, as the difference from the one before it (from the page's highest for the
///   first): a varint of the difference doubled, less one if negative.
///
/// A varint has seven bits an octet, the lowest first, 128 for "more". So a page is about 600 octets, and after one
/// STORE on all of it, or one APPEND after the other, no more.
enum PageCoding {
    private static let version: UInt8 = 1
    private static let hasKeywords: UInt8 = 128
    private static let systemFlags: SystemFlags = [.seen, .answered, .flagged, .deleted, .draft]

    static func encode(_ page: MailboxPage) -> [UInt8] {
        var presence = [UInt8](repeating: 0, count: MailboxPage.span / 8)
        var flags: [UInt8] = []
        var keywords: [UInt8] = []
        var modSeqs: [UInt8] = []
        flags.reserveCapacity(page.count)
        modSeqs.reserveCapacity(page.count * 2)
        var previous = page.highestModSeq.rawValue
        page.forEach { uid, slot in
            let offset = Int(uid.rawValue & 255)
            presence[offset >> 3] |= 1 << UInt8(offset & 7)
            flags.append(slot.flags.rawValue | (slot.keywords == 0 ? 0 : Self.hasKeywords))
            if slot.keywords != 0 { Self.append(slot.keywords, to: &keywords) }
            let difference = slot.modSeq.rawValue &- previous
            Self.append(UInt64(bitPattern: difference << 1 ^ difference >> 63), to: &modSeqs)
            previous = slot.modSeq.rawValue
        }
        return [Self.version] + presence + flags + keywords + modSeqs
    }

    /// Throws ``StoreError/corrupt(_:)`` for octets that ``encode(_:)`` cannot have made.
    static func decode(_ octets: [UInt8], number: UInt32, highestModSeq: ModSeq) throws -> MailboxPage {
        var input = Input(octets: octets)
        guard try input.octet() == Self.version else { throw StoreError.corrupt("expected page layout 1") }
        var offsets: [UInt8] = []
        offsets.reserveCapacity(MailboxPage.span)
        for base in 0..<UInt8(MailboxPage.span / 8) {
            var bits = try input.octet()
            while bits != 0 {
                offsets.append(base << 3 | UInt8(bits.trailingZeroBitCount))
                bits &= bits - 1
            }
        }
        guard number > 0 || offsets.first != 0 else { throw StoreError.corrupt("expected no message with UID 0") }
        var flags = try input.take(offsets.count)
        var keywords: [UInt64] = []
        if flags.contains(where: { $0 & Self.hasKeywords != 0 }) {
            keywords = try flags.map { $0 & Self.hasKeywords == 0 ? 0 : try input.varint() }
            for index in flags.indices { flags[index] &= ~Self.hasKeywords }
        }
        let modSeqs = try Self.modSeqs(offsets.count, upTo: highestModSeq.rawValue, &input)
        guard flags.allSatisfy({ $0 & ~Self.systemFlags.rawValue == 0 }) else {
            throw StoreError.corrupt("expected system flags of a page")
        }
        guard input.isAtEnd else { throw StoreError.corrupt("expected the end of a page") }
        return MailboxPage(
            number: number,
            highestModSeq: highestModSeq,
            offsets: offsets,
            flags: flags,
            keywords: keywords,
            modSeqs: modSeqs
        )
    }

    private static func modSeqs(_ count: Int, upTo highest: Int64, _ input: inout Input) throws -> [Int64] {
        var modSeqs: [Int64] = []
        modSeqs.reserveCapacity(count)
        var modSeq = highest
        for _ in 0..<count {
            let folded = try input.varint()
            let difference = Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1)
            let (sum, overflow) = modSeq.addingReportingOverflow(difference)
            guard !overflow, sum >= 1, sum <= highest else {
                throw StoreError.corrupt("expected mod-sequences of a page")
            }
            modSeq = sum
            modSeqs.append(sum)
        }
        return modSeqs
    }

    private static func append(_ value: UInt64, to octets: inout [UInt8]) {
        var rest = value
        while rest >= 128 {
            octets.append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        octets.append(UInt8(rest))
    }

    private struct Input {
        let octets: [UInt8]
        var position = 0

        var isAtEnd: Bool { self.position == self.octets.count }

        mutating func octet() throws -> UInt8 {
            guard self.position < self.octets.count else { throw StoreError.corrupt("expected more of a page") }
            defer { self.position += 1 }
            return self.octets[self.position]
        }

        mutating func take(_ count: Int) throws -> [UInt8] {
            guard count <= self.octets.count - self.position else {
                throw StoreError.corrupt("expected more of a page")
            }
            defer { self.position += count }
            return Array(self.octets[self.position..<self.position + count])
        }

        mutating func varint() throws -> UInt64 {
            // Nearly all are small.
            if self.position < self.octets.count, self.octets[self.position] < 128 {
                defer { self.position += 1 }
                return UInt64(self.octets[self.position])
            }
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while shift <= 63 {
                let octet = try self.octet()
                guard shift < 63 || octet <= 1 else { break }
                value |= UInt64(octet & 127) << shift
                if octet < 128 { return value }
                shift += 7
            }
            throw StoreError.corrupt("expected a number of 64 bits")
        }
    }
}
