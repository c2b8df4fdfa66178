// SPDX-License-Identifier: Apache-2.0

/// Everything that changes about up to 256 consecutive UIDs of a mailbox, packed.
///
/// What never changes of a message is a row of its own, written once. What does change lies here: whether the message
/// is still there, its system flags, its keywords, and the mod-sequence of its last change. So marking ten thousand
/// messages rewrites forty pages, and "what changed since n" opens only pages whose ``highestModSeq`` is above n.
package struct MailboxPage: Hashable, Sendable {
    /// UIDs of a page share all but their lowest eight bits.
    package static let span = 256

    /// What changes about one message.
    package struct Slot: Hashable, Sendable {
        package var flags: SystemFlags
        /// Bit i stands for the keyword i of ``MailboxIndex/keywords``.
        package var keywords: UInt64
        package var modSeq: ModSeq

        package init(flags: SystemFlags, keywords: UInt64, modSeq: ModSeq) {
            self.flags = flags
            self.keywords = keywords
            self.modSeq = modSeq
        }
    }

    /// The UIDs' common upper 24 bits.
    package let number: UInt32
    /// The mod-sequence of the last change to any message of the page, expunging included.
    package private(set) var highestModSeq: ModSeq
    /// How many messages are there.
    package private(set) var count = 0
    /// How many of them are not `\Seen`.
    package private(set) var unseen = 0
    /// How many of them have `\Deleted`.
    package private(set) var deleted = 0
    /// Bit `i % 64` of word `i / 64`: whether the message with the lowest eight bits i is there.
    private var present = SIMD4<UInt64>.zero
    private var flags: [UInt8] = []
    private var keywords: [UInt64] = []
    private var modSeqs: [Int64] = []

    /// Makes an empty page.
    ///
    /// - Parameters:
    ///   - number: the UIDs' common upper 24 bits.
    ///   - highestModSeq: the mod-sequence of the last change.
    package init(number: UInt32, highestModSeq: ModSeq) {
        self.number = number
        self.highestModSeq = highestModSeq
    }

    /// Makes a page of all its messages at once, in much less time than one after the other.
    ///
    /// - Parameters:
    ///   - number: the UIDs' common upper 24 bits.
    ///   - highestModSeq: the mod-sequence of the last change.
    ///   - offsets: the UIDs' lowest eight bits, ascending.
    ///   - flags: each message's ``SystemFlags``, in this order.
    ///   - keywords: each message's ``Slot/keywords``; empty if none has any.
    ///   - modSeqs: each message's mod-sequence, none above `highestModSeq`.
    package init(
        number: UInt32,
        highestModSeq: ModSeq,
        offsets: [UInt8],
        flags: [UInt8],
        keywords: [UInt64],
        modSeqs: [Int64]
    ) {
        precondition(
            flags.count == offsets.count && modSeqs.count == offsets.count
                && (keywords.isEmpty || keywords.count == offsets.count)
        )
        self.number = number
        self.highestModSeq = highestModSeq
        self.count = offsets.count
        for offset in offsets { self.present[Int(offset >> 6)] |= 1 << UInt64(offset & 63) }
        for flags in flags {
            if flags & SystemFlags.seen.rawValue == 0 { self.unseen += 1 }
            if flags & SystemFlags.deleted.rawValue != 0 { self.deleted += 1 }
        }
        self.flags = Self.spread(flags, over: offsets)
        self.keywords = keywords.isEmpty ? [] : Self.spread(keywords, over: offsets)
        self.modSeqs = Self.spread(modSeqs, over: offsets)
    }

    /// Each value at its offset, zero between them.
    private static func spread<Value: FixedWidthInteger>(_ values: [Value], over offsets: [UInt8]) -> [Value] {
        guard let last = offsets.last, Int(last) >= offsets.count else { return values }
        var all = [Value](repeating: 0, count: Int(last) + 1)
        for (value, offset) in zip(values, offsets) { all[Int(offset)] = value }
        return all
    }

    /// Which page a UID is in.
    package static func number(of uid: UID) -> UInt32 { uid.rawValue >> 8 }

    /// What changes about the message, or nil if it is not (or no longer) there.
    package subscript(uid: UID) -> Slot? {
        guard Self.number(of: uid) == self.number else { return nil }
        let offset = Int(uid.rawValue & 255)
        return self.isPresent(offset) ? self.slot(offset) : nil
    }

    /// Adds the message or replaces what is known of it; a UID of another page is a mistake of the caller's.
    package mutating func set(_ uid: UID, _ slot: Slot) {
        precondition(Self.number(of: uid) == self.number, "UID of another page")
        let offset = Int(uid.rawValue & 255)
        self.grow(to: offset + 1, withKeywords: slot.keywords != 0)
        if self.isPresent(offset) {
            self.countFlags(offset, by: -1)
        } else {
            self.present[offset >> 6] |= 1 << UInt64(offset & 63)
            self.count += 1
        }
        self.flags[offset] = slot.flags.rawValue
        if offset < self.keywords.count { self.keywords[offset] = slot.keywords }
        self.modSeqs[offset] = slot.modSeq.rawValue
        self.countFlags(offset, by: 1)
        self.highestModSeq = max(self.highestModSeq, slot.modSeq)
    }

    /// Takes the message away; does nothing if it is not there.
    package mutating func remove(_ uid: UID, at modSeq: ModSeq) {
        let offset = Int(uid.rawValue & 255)
        guard Self.number(of: uid) == self.number, self.isPresent(offset) else { return }
        self.present[offset >> 6] &= ~(1 << UInt64(offset & 63))
        self.count -= 1
        self.countFlags(offset, by: -1)
        self.highestModSeq = max(self.highestModSeq, modSeq)
    }

    /// Calls `body` for each message in ascending order.
    package func forEach(_ body: (UID, Slot) throws -> Void) rethrows {
        try self.forEachOffset { offset in try body(self.uid(offset), self.slot(offset)) }
    }

    /// Appends the UIDs of the messages, ascending.
    package func appendUIDs(to uids: inout [UInt32]) {
        self.forEachOffset { offset in uids.append(self.uid(offset).rawValue) }
    }

    /// The bits of keywords that any of its messages has.
    package var keywordsInUse: UInt64 {
        var bits: UInt64 = 0
        if !self.keywords.isEmpty { self.forEachOffset { bits |= self.slot($0).keywords } }
        return bits
    }

    /// The first message that is not `\Seen`.
    package var firstUnseen: UID? {
        guard self.unseen > 0 else { return nil }
        return (0..<self.flags.count).first { self.isPresent($0) && self.isUnseen($0) }.map(self.uid)
    }

    private func forEachOffset(_ body: (Int) throws -> Void) rethrows {
        for word in 0..<4 {
            var bits = self.present[word]
            while bits != 0 {
                try body(word << 6 | bits.trailingZeroBitCount)
                bits &= bits - 1
            }
        }
    }

    private func uid(_ offset: Int) -> UID { UID(rawValue: self.number << 8 | UInt32(offset)) }

    private func slot(_ offset: Int) -> Slot {
        Slot(
            flags: SystemFlags(rawValue: self.flags[offset]),
            keywords: offset < self.keywords.count ? self.keywords[offset] : 0,
            modSeq: ModSeq(rawValue: self.modSeqs[offset])
        )
    }

    private mutating func countFlags(_ offset: Int, by step: Int) {
        if self.isUnseen(offset) { self.unseen += step }
        if SystemFlags(rawValue: self.flags[offset]).contains(.deleted) { self.deleted += step }
    }

    private func isUnseen(_ offset: Int) -> Bool { !SystemFlags(rawValue: self.flags[offset]).contains(.seen) }

    private func isPresent(_ offset: Int) -> Bool { self.present[offset >> 6] & (1 << UInt64(offset & 63)) != 0 }

    private mutating func grow(to count: Int, withKeywords: Bool) {
        if self.flags.count < count {
            self.flags.append(contentsOf: repeatElement(0, count: count - self.flags.count))
            self.modSeqs.append(contentsOf: repeatElement(0, count: count - self.modSeqs.count))
        }
        if withKeywords, self.keywords.count < count {
            self.keywords.append(contentsOf: repeatElement(0, count: count - self.keywords.count))
        }
    }
}
