// SPDX-License-Identifier: Apache-2.0

/// What a command looks at and what it changes, so that ``CommandQueue`` knows what may run beside it.
///
/// Two commands are independent if neither writes what the other reads or writes; then their order does not show
/// (RFC 9051 §5.5). What is not listed here (CAPABILITY, NAMESPACE) depends on nothing.
struct Footprint: Sendable, Hashable {
    /// The things of an account that commands share.
    struct Things: OptionSet, Sendable, Hashable {
        let rawValue: UInt8
        /// Flags and keywords of messages.
        static let flags = Things(rawValue: 1)
        /// Which messages mailboxes have.
        static let messages = Things(rawValue: 2)
        /// Names and attributes of mailboxes.
        static let mailboxes = Things(rawValue: 4)
        static let subscriptions = Things(rawValue: 8)
    }

    var reads: Things = []
    var writes: Things = []
    /// It is addressed by message sequence numbers: nobody may be told of an EXPUNGE while it runs, nor with its own
    /// completion (RFC 9051 §7.5.1).
    var usesNumbers = false
    /// Its responses have message sequence numbers, as those of UID FETCH do: nobody may be told of an EXPUNGE while it
    /// runs, but with its completion everybody may.
    var answersWithNumbers = false
    /// It tells its client of EXPUNGEs before its own completion, so it waits for those that use numbers.
    var expunges = false
    /// It changes what later commands mean: it waits for all before it, and all behind wait for it.
    var isBarrier = false

    static let nothing = Footprint()
    static let barrier = Footprint(isBarrier: true)

    /// Whether nobody may be told of an EXPUNGE while it runs.
    var holdsExpunges: Bool { self.usesNumbers || self.answersWithNumbers }

    /// Whether the two must not run side by side.
    func conflicts(with other: Footprint) -> Bool {
        if self.isBarrier || other.isBarrier { return true }
        if self.expunges && (other.holdsExpunges || other.expunges) { return true }
        if self.holdsExpunges && other.expunges { return true }
        return !self.writes.isDisjoint(with: other.reads.union(other.writes))
            || !self.reads.isDisjoint(with: other.writes)
    }
}
