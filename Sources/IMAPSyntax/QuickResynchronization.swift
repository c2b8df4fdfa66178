// SPDX-License-Identifier: Apache-2.0

/// What a client that comes back knows of a mailbox: the arguments of SELECT's QRESYNC (RFC 7162 §3.2.5).
package struct QuickResynchronization: Hashable, Sendable {
    /// Message numbers that follow one another, and the UIDs that the client knows them by, which do so too.
    package struct Match: Hashable, Sendable {
        /// The first message number.
        package var number: UInt32
        /// The first UID.
        package var uid: UInt32
        /// How many there are, at least 1.
        package var count: UInt32

        package init(number: UInt32, uid: UInt32, count: UInt32) {
            self.number = number
            self.uid = uid
            self.count = count
        }
    }

    package var uidValidity: UInt32
    /// 1...2^63-1.
    package var modSequence: UInt64
    /// The UIDs that the client wants to hear of; nil: of all.
    package var knownUIDs: NumberSet?
    /// Samples of what the client knows, ascending.
    package var matches: [Match]

    package init(uidValidity: UInt32, modSequence: UInt64, knownUIDs: NumberSet? = nil, matches: [Match] = []) {
        self.uidValidity = uidValidity
        self.modSequence = modSequence
        self.knownUIDs = knownUIDs
        self.matches = matches
    }
}

extension CommandParser {
    /// Reads the arguments of SELECT's QRESYNC (RFC 7162 §7).
    ///
    ///     select-param        =/  "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids]
    ///                         [SP seq-match-data] ")"
    ///     uidvalidity         =  nz-number
    ///     known-uids          =  sequence-set
    package mutating func quickResynchronization() throws(SyntaxError) -> QuickResynchronization {
        try self.expect(UInt8(ascii: "("), "\"(\"")
        let uidValidity = try self.nzNumber()
        try self.sp()
        var result = QuickResynchronization(uidValidity: uidValidity, modSequence: try self.modSequenceValue())
        var hasMore = self.accept(.space)
        if hasMore, !self.peek(UInt8(ascii: "(")) {
            result.knownUIDs = try self.uidSet()
            hasMore = self.accept(.space)
        }
        if hasMore { result.matches = try self.sequenceMatchData() }
        try self.expect(UInt8(ascii: ")"), "\")\"")
        return result
    }

    /// Reads which UIDs a client knows for some message numbers, in O(ranges).
    ///
    ///     seq-match-data      =  "(" known-sequence-set SP known-uid-set ")"
    private mutating func sequenceMatchData() throws(SyntaxError) -> [QuickResynchronization.Match] {
        try self.expect(UInt8(ascii: "("), "seq-match-data")
        let numbers = try self.ascendingSet()
        try self.sp()
        let start = self.offset
        let uids = try self.ascendingSet()
        try self.expect(UInt8(ascii: ")"), "\")\"")
        var matches: [QuickResynchronization.Match] = []
        // Which range of each, and how much of it has been matched.
        var (number, uid) = (0, 0)
        var (numberOffset, uidOffset): (UInt32, UInt32) = (0, 0)
        while number < numbers.count, uid < uids.count {
            let firstNumber = numbers[number].lowerBound + numberOffset
            let firstUID = uids[uid].lowerBound + uidOffset
            let (moreNumbers, moreUIDs) = (numbers[number].upperBound - firstNumber, uids[uid].upperBound - firstUID)
            let more = min(moreNumbers, moreUIDs)
            matches.append(QuickResynchronization.Match(number: firstNumber, uid: firstUID, count: more + 1))
            (number, numberOffset) = more == moreNumbers ? (number + 1, 0) : (number, numberOffset + more + 1)
            (uid, uidOffset) = more == moreUIDs ? (uid + 1, 0) : (uid, uidOffset + more + 1)
        }
        guard number == numbers.count, uid == uids.count else {
            throw SyntaxError(expected: "as many UIDs as message numbers", offset: start)
        }
        return matches
    }

    /// Reads a sequence set that ascends, without `*` and `$`.
    ///
    ///     known-sequence-set  =  sequence-set
    ///     known-uid-set       =  sequence-set
    private mutating func ascendingSet() throws(SyntaxError) -> [ClosedRange<UInt32>] {
        var ranges: [ClosedRange<UInt32>] = []
        repeat {
            let start = self.offset
            let first = try self.nzNumber()
            let last = self.accept(UInt8(ascii: ":")) ? try self.nzNumber() : first
            guard first <= last, first > ranges.last?.upperBound ?? 0 else {
                throw SyntaxError(expected: "an ascending sequence-set", offset: start)
            }
            guard ranges.count < Self.maximumRanges else {
                throw self.expected("at most \(Self.maximumRanges) ranges")
            }
            ranges.append(first...last)
        } while self.accept(UInt8(ascii: ","))
        return ranges
    }
}
