// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// The most ranges in one sequence set.
    package static let maximumRanges = 1 << 16

    /// Reads a set of message numbers or UIDs.
    ///
    ///     seq-number      = nz-number / "*"
    ///     seq-range       = seq-number ":" seq-number
    ///     sequence-set    = (seq-number / seq-range) ["," sequence-set]
    ///     sequence-set    =/ seq-last-command
    ///     seq-last-command   = "$"
    package mutating func sequenceSet() throws(SyntaxError) -> SequenceSet {
        var ranges: [ClosedRange<UInt32>] = []
        var set = SequenceSet()
        var count = 0
        repeat {
            count += 1
            guard count <= Self.maximumRanges else { throw self.expected("at most \(Self.maximumRanges) ranges") }
            if self.accept(UInt8(ascii: "$")) {
                set.includesSavedResult = true
                continue
            }
            let first = try self.sequenceNumber()
            let second = self.accept(UInt8(ascii: ":")) ? try self.sequenceNumber() : first
            switch (first, second) {
            case (let first?, let second?): ranges.append(min(first, second)...max(first, second))
            case (let number?, nil), (nil, let number?): set.insertOpenRange(from: number)
            case (nil, nil): set.insertLast()
            }
        } while self.accept(UInt8(ascii: ","))
        set.numbers = NumberSet(ranges)
        return set
    }

    /// Reads a set of UIDs without `*` and `$` (RFC 7162 §7 known-uids, RFC 9051 §9 uid-set).
    ///
    ///     uid-set         = (uniqueid / uid-range) *("," uid-set)
    package mutating func uidSet() throws(SyntaxError) -> NumberSet {
        let start = self.offset
        let set = try self.sequenceSet()
        guard set.openRange == nil, !set.includesSavedResult else {
            throw SyntaxError(expected: "uid-set without \"*\" and \"$\"", offset: start)
        }
        return set.numbers
    }

    /// Reads the number of one message, or `*`, as a set.
    ///
    ///     seq-number      = nz-number / "*"
    package mutating func oneSequenceNumber() throws(SyntaxError) -> SequenceSet {
        var set = SequenceSet()
        if let number = try self.sequenceNumber() {
            set.numbers = NumberSet([number...number])
        } else {
            set.insertLast()
        }
        return set
    }

    /// Reads a number, or "*" as nil.
    private mutating func sequenceNumber() throws(SyntaxError) -> UInt32? {
        if self.accept(UInt8(ascii: "*")) { return nil }
        guard let digit = self.peek(), digit.isDigit else { throw self.expected("sequence-set") }
        return try self.nzNumber()
    }
}
