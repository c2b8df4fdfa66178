// SPDX-License-Identifier: Apache-2.0

/// A set of message numbers or UIDs as ascending ranges that neither overlap nor touch.
///
///     uid-set         = (uniqueid / uid-range) *("," uid-set)
package struct NumberSet: Hashable, Sendable {
    package private(set) var ranges: [ClosedRange<UInt32>]

    package init() { self.ranges = [] }

    /// Brings ranges of any order into shape, in O(n log n).
    package init(_ ranges: [ClosedRange<UInt32>]) {
        self.ranges = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) { self.append(range) }
    }

    /// Makes ranges of ascending numbers.
    package init(ascending numbers: [UInt32]) {
        self.ranges = []
        for number in numbers { self.append(number...number) }
    }

    package var isEmpty: Bool { self.ranges.isEmpty }

    /// How many numbers there are, which may be 2^32 - 1 in a set that took five octets to send.
    package var count: UInt64 {
        self.ranges.reduce(0) { $0 + UInt64($1.upperBound - $1.lowerBound) + 1 }
    }

    package var first: UInt32? { self.ranges.first?.lowerBound }
    package var last: UInt32? { self.ranges.last?.upperBound }

    /// Whether `number` is in the set, in O(log n).
    package func contains(_ number: UInt32) -> Bool {
        let index = Self.firstIndex(in: 0..<self.ranges.count) { self.ranges[$0].upperBound >= number }
        return index < self.ranges.count && self.ranges[index].lowerBound <= number
    }

    /// Where in an ascending array the numbers of this set are, in O(ranges · log n), whatever they span.
    package func positions(in numbers: [UInt32]) -> [Range<Int>] {
        var positions: [Range<Int>] = []
        var start = 0
        for range in self.ranges {
            let lower = Self.firstIndex(in: start..<numbers.count) { numbers[$0] >= range.lowerBound }
            let upper = Self.firstIndex(in: lower..<numbers.count) { numbers[$0] > range.upperBound }
            if lower < upper { positions.append(lower..<upper) }
            start = upper
        }
        return positions
    }

    /// The numbers of an ascending array that are in this set, in O(ranges · log n + result).
    package func intersection(_ numbers: [UInt32]) -> [UInt32] {
        self.positions(in: numbers).flatMap { numbers[$0] }
    }

    /// The numbers that are in both sets.
    package func intersection(_ other: NumberSet) -> NumberSet {
        var result = NumberSet()
        var (mine, theirs) = (0, 0)
        while mine < self.ranges.count, theirs < other.ranges.count {
            let (left, right) = (self.ranges[mine], other.ranges[theirs])
            let lower = max(left.lowerBound, right.lowerBound)
            let upper = min(left.upperBound, right.upperBound)
            if lower <= upper { result.append(lower...upper) }
            if left.upperBound < right.upperBound { mine += 1 } else { theirs += 1 }
        }
        return result
    }

    /// Whether any number is in both sets, in O(ranges).
    package func overlaps(_ other: NumberSet) -> Bool {
        var (mine, theirs) = (0, 0)
        while mine < self.ranges.count, theirs < other.ranges.count {
            let (left, right) = (self.ranges[mine], other.ranges[theirs])
            if left.overlaps(right) { return true }
            if left.upperBound < right.upperBound { mine += 1 } else { theirs += 1 }
        }
        return false
    }

    /// The numbers that are in either set.
    package func union(_ other: NumberSet) -> NumberSet {
        other.isEmpty ? self : self.isEmpty ? other : NumberSet(self.ranges + other.ranges)
    }

    /// The numbers of this set that are not in the other.
    package func subtracting(_ other: NumberSet) -> NumberSet {
        var result = NumberSet()
        var theirs = 0
        for range in self.ranges {
            var start = UInt64(range.lowerBound)
            while theirs < other.ranges.count, other.ranges[theirs].upperBound < range.lowerBound { theirs += 1 }
            var next = theirs
            while next < other.ranges.count, other.ranges[next].lowerBound <= range.upperBound {
                let gap = other.ranges[next]
                if UInt64(gap.lowerBound) > start { result.append(UInt32(start)...(gap.lowerBound - 1)) }
                start = UInt64(gap.upperBound) + 1
                next += 1
            }
            // The last one may reach into the next range.
            theirs = max(theirs, next - 1)
            if start <= UInt64(range.upperBound) { result.append(UInt32(start)...range.upperBound) }
        }
        return result
    }

    /// Adds a range that begins nowhere before the last one.
    private mutating func append(_ range: ClosedRange<UInt32>) {
        guard let last = self.ranges.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 else {
            self.ranges.append(range)
            return
        }
        self.ranges[self.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
    }

    /// The first index for which `isReached` holds, and the end if there is none; it holds for all behind it.
    private static func firstIndex(in indices: Range<Int>, where isReached: (Int) -> Bool) -> Int {
        var (lower, upper) = (indices.lowerBound, indices.upperBound)
        while lower < upper {
            let middle = lower + (upper - lower) / 2
            if isReached(middle) { upper = middle } else { lower = middle + 1 }
        }
        return lower
    }
}
