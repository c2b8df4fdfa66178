// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// What a command looks at and what it changes, so that ``CommandQueue`` knows what may run beside it.
///
/// Two commands are independent if neither writes what the other reads or writes; then their order does not show
/// (RFC 9051 §5.5). What is not listed here (CAPABILITY, NAMESPACE) depends on nothing.
struct Footprint: Sendable, Hashable {
    /// The things of an account that commands share, each as a whole.
    struct Things: OptionSet, Sendable, Hashable {
        let rawValue: UInt8
        /// Flags and keywords of all messages.
        static let flags = Things(rawValue: 1)
        /// Which messages all the mailboxes have.
        static let messages = Things(rawValue: 2)
        /// Names and attributes of mailboxes.
        static let mailboxes = Things(rawValue: 4)
        static let subscriptions = Things(rawValue: 8)
        /// The search result variable `$`; who reads it is bound behind those who write it.
        static let savedResult = Things(rawValue: 16)
    }

    /// Some of the messages of one mailbox.
    struct Extent: Sendable, Hashable {
        enum Messages: Sendable, Hashable {
            /// All, those to come too.
            case all
            /// UIDs that the client knew when its command was read.
            ///
            /// As ranges: others may lie between them.
            case known(NumberSet)
            /// Messages that are being added: none of the known ones.
            case added
        }

        /// The mailbox's name; nil if that is not certain, which may then be any mailbox.
        var mailbox: String?
        var messages = Messages.all

        func overlaps(_ other: Extent) -> Bool {
            if let mine = self.mailbox, let others = other.mailbox, mine != others { return false }
            return switch (self.messages, other.messages) {
            case (.known(let mine), .known(let others)): mine.overlaps(others)
            case (.known, .added), (.added, .known): false
            default: true
            }
        }
    }

    /// What is read, or written.
    struct Access: Sendable, Hashable {
        var things: Things = []
        /// Flags of some messages.
        var flags: [Extent] = []
        /// Whether some messages are there.
        var messages: [Extent] = []

        fileprivate func overlaps(_ other: Access) -> Bool {
            if !self.allThings.isDisjoint(with: other.things) || !self.things.isDisjoint(with: other.allThings) {
                return true
            }
            return Self.overlap(self.flags, other.flags) || Self.overlap(self.messages, other.messages)
        }

        private var allThings: Things {
            var things = self.things
            if !self.flags.isEmpty { things.insert(.flags) }
            if !self.messages.isEmpty { things.insert(.messages) }
            return things
        }

        private static func overlap(_ left: [Extent], _ right: [Extent]) -> Bool {
            left.contains { left in right.contains { left.overlaps($0) } }
        }
    }

    var reads = Access()
    var writes = Access()
    /// It is addressed by message sequence numbers: nobody may be told of an EXPUNGE while it runs, nor with its own
    /// completion (RFC 9051 §7.5.1).
    var usesNumbers = false
    /// Its responses have message sequence numbers, as those of UID FETCH do: nobody may be told of an EXPUNGE while it
    /// runs, but with its completion everybody may.
    var answersWithNumbers = false
    /// It tells its client of EXPUNGEs before its own completion, so it waits for those that use numbers.
    var expunges = false
    /// Messages whose flags it changes without wanting to hear of it: while it runs, what changed about them is not
    /// told, for only its completion knows whose change it is (RFC 9051 §6.4.6).
    var silences = NumberSet()
    /// It changes what later commands mean: it waits for all before it, and all behind wait for it.
    var isBarrier = false

    static let nothing = Footprint()
    static let barrier = Footprint(isBarrier: true)

    init(
        reads: Things = [],
        writes: Things = [],
        usesNumbers: Bool = false,
        answersWithNumbers: Bool = false,
        expunges: Bool = false,
        isBarrier: Bool = false
    ) {
        self.reads.things = reads
        self.writes.things = writes
        self.usesNumbers = usesNumbers
        self.answersWithNumbers = answersWithNumbers
        self.expunges = expunges
        self.isBarrier = isBarrier
    }

    /// Whether nobody may be told of an EXPUNGE while it runs.
    var holdsExpunges: Bool { self.usesNumbers || self.answersWithNumbers }

    /// The messages of which its own responses tell flags; nil if there are none.
    var toldFlags: NumberSet? {
        guard self.answersWithNumbers, case .known(let uids) = self.reads.flags.first?.messages else { return nil }
        return uids
    }

    /// Whether the two must not run side by side.
    ///
    /// O(ranges): messages are never counted out.
    func conflicts(with other: Footprint) -> Bool {
        if self.isBarrier || other.isBarrier { return true }
        if self.expunges && (other.holdsExpunges || other.expunges) { return true }
        if self.holdsExpunges && other.expunges { return true }
        return self.writes.overlaps(other.writes) || self.writes.overlaps(other.reads)
            || self.reads.overlaps(other.writes)
    }
}

// How commands say it.
extension Footprint {
    func reading(flags: Extent...) -> Footprint {
        var footprint = self
        footprint.reads.flags += flags
        return footprint
    }

    func reading(messages: Extent...) -> Footprint {
        var footprint = self
        footprint.reads.messages += messages
        return footprint
    }

    func writing(flags: Extent...) -> Footprint {
        var footprint = self
        footprint.writes.flags += flags
        return footprint
    }

    func writing(messages: Extent...) -> Footprint {
        var footprint = self
        footprint.writes.messages += messages
        return footprint
    }
}
