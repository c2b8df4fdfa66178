// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// The commands received and not yet completed, and which of them may run now.
///
/// Pure: RFC 9051 §5.5 and nothing else.
///
/// A command starts when fewer than ``concurrency`` run and it conflicts with no unfinished command before it.
struct CommandQueue: Sendable {
    /// A command's number within its session, in the order received.
    typealias ID = Int

    /// A class: wherever it is passed through, it is one pointer.
    final class Entry: Sendable {
        let id: ID
        let tag: String
        let name: String
        let work: Work
        /// Octets of its line and literals.
        let size: Int

        init(id: ID, tag: String, name: String, work: Work, size: Int) {
            self.id = id
            self.tag = tag
            self.name = name
            self.work = work
            self.size = size
        }
    }

    /// How many commands of a session run at once; 1 is strictly serial.
    let concurrency: Int
    /// How many commands wait before the session stops reading.
    static let waitingLimit = 64
    /// How many octets the lines of the commands that wait may have had before the session stops reading.
    static let waitingSizeLimit = 1 << 20

    private(set) var waiting: [Entry] = []
    private(set) var running: [Entry] = []
    private var waitingSize = 0
    private var lastID: ID = 0

    init(concurrency: Int) { self.concurrency = max(1, concurrency) }

    /// Whether a command of the client's is unfinished.
    var hasCommands: Bool { (self.waiting + self.running).contains { !$0.work.isUnasked } }

    /// Whether nothing waits, and what runs changes nothing: then what the session itself runs next is not behind
    /// anything of which the client knows more.
    var isQuiet: Bool {
        self.waiting.isEmpty
            && !self.running.contains { $0.work.footprint.isBarrier || $0.work.footprint.writes != Footprint.Access() }
    }

    var isEmpty: Bool { self.waiting.isEmpty && self.running.isEmpty }

    /// True while nothing more may be bound: a command that changes what binding looks at is unfinished, or too many
    /// wait.
    var holdsInput: Bool {
        self.waiting.count >= Self.waitingLimit || self.waitingSize >= Self.waitingSizeLimit
            || self.waiting.contains { $0.work.footprint.isBarrier }
            || self.running.contains { $0.work.footprint.isBarrier }
    }

    /// Whether a command with this tag is unfinished (RFC 9051 §2.2.1 asks clients for a new tag each time).
    func hasUnfinished(tag: String) -> Bool {
        self.waiting.contains { $0.tag == tag } || self.running.contains { $0.tag == tag }
    }

    /// Adds a command; `size`: octets of its line and literals.
    mutating func add(tag: String, name: String, work: Work, size: Int = 0) {
        self.lastID += 1
        self.waitingSize += size
        self.waiting.append(Entry(id: self.lastID, tag: tag, name: name, work: work, size: size))
    }

    /// The next command that may start now, in the order received; it counts as running from here on.
    ///
    /// `allowsInline`: whether a command that runs within the session may start; not while another's block
    /// is being written.
    mutating func startNext(allowsInline: Bool) -> Entry? {
        guard self.running.count < self.concurrency else { return nil }
        for (index, entry) in self.waiting.enumerated() where allowsInline || !entry.work.isInline {
            let footprint = entry.work.footprint
            let before = self.waiting[..<index]
            if !self.running.contains(where: { $0.work.footprint.conflicts(with: footprint) }),
                !before.contains(where: { $0.work.footprint.conflicts(with: footprint) })
            {
                self.waiting.remove(at: index)
                self.waitingSize -= entry.size
                self.running.append(entry)
                return entry
            }
            if footprint.isBarrier { return nil }
        }
        return nil
    }

    /// Whether an unfinished command will change the search result variable `$` (RFC 9051 §6.4.4.1).
    var willSaveResult: Bool {
        self.waiting.contains { $0.work.footprint.writes.things.contains(.savedResult) }
            || self.running.contains { $0.work.footprint.writes.things.contains(.savedResult) }
    }

    /// The running command with that number.
    func entry(_ id: ID) -> Entry? { self.running.first { $0.id == id } }

    /// Takes a running command out.
    mutating func finish(_ id: ID) { self.running.removeAll { $0.id == id } }

    /// Messages of whose flags nothing is to be told now, see ``Footprint/silences``.
    var silenced: NumberSet {
        self.running.reduce(into: NumberSet()) { $0 = $0.union($1.work.footprint.silences) }
    }

    /// Whether EXPUNGE responses may be sent now, as far as other commands go (RFC 9051 §7.5.1).
    var mayExpunge: Bool { !self.running.contains { $0.work.footprint.holdsExpunges } }
}
