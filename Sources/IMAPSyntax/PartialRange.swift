// SPDX-License-Identifier: Apache-2.0

/// Which of a list of results are wanted, by their places in it (RFC 9394 §3.1).
package struct PartialRange: Hashable, Sendable {
    /// The places as written, counted from 1, in either order.
    package let first: UInt32
    package let last: UInt32
    /// Whether they are counted from the end of the list: `-1` is the last result.
    package let isFromEnd: Bool

    package init(_ first: UInt32, _ last: UInt32, isFromEnd: Bool = false) {
        self.first = first
        self.last = last
        self.isFromEnd = isFromEnd
    }

    /// Where in a list of so many results they are; what reaches beyond it is left out.
    package func indices(in count: Int) -> Range<Int> {
        let lower = min(Int(min(self.first, self.last)) - 1, count)
        let upper = min(Int(max(self.first, self.last)), count)
        return self.isFromEnd ? count - upper..<count - lower : lower..<upper
    }
}

extension CommandParser {
    /// Reads a range of places in a list of results.
    ///
    ///     partial-range-first = nz-number ":" nz-number
    ///     partial-range-last  = MINUS nz-number ":" MINUS nz-number
    ///     partial-range       = partial-range-first / partial-range-last
    package mutating func partialRange() throws(SyntaxError) -> PartialRange {
        let isFromEnd = self.accept(UInt8(ascii: "-"))
        let first = try self.nzNumber()
        try self.expect(UInt8(ascii: ":"), "\":\"")
        if isFromEnd { try self.expect(UInt8(ascii: "-"), "\"-\"") }
        return PartialRange(first, try self.nzNumber(), isFromEnd: isFromEnd)
    }
}

extension ResponseWriter {
    /// Writes the range as it was written.
    ///
    ///     partial-range       = partial-range-first / partial-range-last
    package mutating func partialRange(_ range: PartialRange) {
        if range.isFromEnd { self.append(UInt8(ascii: "-")) }
        self.number(range.first)
        self.append(UInt8(ascii: ":"))
        if range.isFromEnd { self.append(UInt8(ascii: "-")) }
        self.number(range.last)
    }

    /// Writes numbers in the order given; those that follow one another upwards become ranges (RFC 5267 §3.2).
    ///
    ///     sequence-set    = (seq-number / seq-range) ["," sequence-set]
    package mutating func sequenceSet(inOrder numbers: some Collection<UInt32>) {
        var isFirst = true
        var rest = numbers[...]
        while let lower = rest.popFirst() {
            var upper = lower
            while let next = rest.first, upper < .max, next == upper + 1 {
                upper = next
                rest.removeFirst()
            }
            if !isFirst { self.append(UInt8(ascii: ",")) }
            isFirst = false
            self.number(lower)
            guard upper > lower else { continue }
            self.append(UInt8(ascii: ":"))
            self.number(upper)
        }
    }
}
