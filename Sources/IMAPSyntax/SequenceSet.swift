// SPDX-License-Identifier: Apache-2.0

/// A set of message numbers or UIDs as a client writes it, with `*` and `$` not yet resolved.
///
///     sequence-set    = (seq-number / seq-range) ["," sequence-set]
///     sequence-set    =/ seq-last-command
///
/// Memory is that of the ranges written, overlaps merged; nothing is ever counted out.
package struct SequenceSet: Hashable, Sendable {
    /// All ranges that have a `*`, as one: each contains the last number, so that together they have no gap.
    package struct OpenRange: Hashable, Sendable {
        /// The least and the greatest number that stands with a `*`; those of a bare `*` enclose nothing.
        var least = UInt32.max
        var greatest = UInt32.min
    }

    /// What is written with numbers only.
    package internal(set) var numbers = NumberSet()
    /// What reaches to `*`; nil where there is no `*`.
    package internal(set) var openRange: OpenRange?
    /// Whether `$` is part of it: the result saved by SEARCH RETURN (SAVE) (RFC 9051 §6.4.4.1, RFC 5182).
    package internal(set) var includesSavedResult = false

    package init() {}

    package init(_ numbers: NumberSet) { self.numbers = numbers }

    /// The greatest number written; message numbers above the last one are the client's error (RFC 9051 §9 seq-number).
    ///
    /// 0 where there is none but `*`.
    package var greatestNumber: UInt32 { max(self.numbers.last ?? 0, self.openRange?.greatest ?? 0) }

    /// The set with `*` and `$` filled in.
    ///
    /// A range to `*` contains the last number on whichever side of it the other end lies: `559:*` is `400:559` where
    /// 400 is the last UID (RFC 9051 §6.4.9).
    ///
    /// - Parameters:
    ///   - last: The greatest number in use; 0 for an empty mailbox, in which ranges to `*` contain nothing.
    ///   - saved: What `$` stands for.
    /// - Returns: What the client means; it may contain numbers that are not in use.
    package func resolve(last: UInt32, saved: NumberSet = NumberSet()) -> NumberSet {
        var result = self.numbers
        if let open = self.openRange, last > 0 {
            result = result.union(NumberSet([min(open.least, last)...max(open.greatest, last)]))
        }
        return self.includesSavedResult ? result.union(saved) : result
    }

    /// Adds `number:*`.
    mutating func insertOpenRange(from number: UInt32) {
        let open = self.openRange ?? OpenRange()
        self.openRange = OpenRange(least: min(open.least, number), greatest: max(open.greatest, number))
    }

    /// Adds `*`.
    mutating func insertLast() { self.openRange = self.openRange ?? OpenRange() }
}
