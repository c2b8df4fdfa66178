// SPDX-License-Identifier: Apache-2.0

/// The last commands of a session, for an operator who is asked why a client behaves as it does.
///
/// It can tell no secret, because it never gets one: a command is known by its type, arguments are not passed, and of a
/// line that was not understood there is nothing but the moment. Pure, bounded, and empty until there is something in it.
package struct CommandJournal: Sendable {
    /// How many commands are kept; an older one makes room for a new one.
    package static let capacity = 64
    /// Octets of a tag that are kept: as many as a `String` holds without memory of its own.
    package static let tagLimit = 15

    /// How a command ended, in the words of RFC 9051 §7.1.
    package enum Ending: String, Sendable, Codable { case ok = "OK", no = "NO", bad = "BAD" }

    /// One command, or a line that was none.
    package struct Entry: Sendable, Equatable {
        /// The tag, cut to ``CommandJournal/tagLimit`` octets; empty for a line that was not understood.
        package var tag: String
        /// Such as `UID FETCH`; nil for a line that was not understood.
        package var command: String?
        /// When its line had come, on the monotonic clock.
        package var began: Duration
        /// How long it took; nil while it runs.
        package var took: Duration?
        /// Nil while it runs.
        package var ending: Ending?
    }

    /// An entry in 48 octets.
    private struct Slot: Sendable {
        var tag: String
        var command: (any IMAPCommand.Type)?
        var began: Int64
        /// Milliseconds; what takes longer than 49 days has taken 49 days.
        var took: UInt32 = 0
        var ending: Ending?
        var isUID: Bool

        /// Whether the response may still come.
        func isUnfinished(_ tag: String) -> Bool { self.ending == nil && self.tag == tag }
    }

    private var slots: [Slot] = []
    /// Where the next one goes when all places are taken: the oldest is there.
    private var next = 0

    package init() {}

    /// Notes a command whose name has been read; what follows the name is nobody's business.
    mutating func begin(tag: String, _ command: any IMAPCommand.Type, _ addressing: Addressing, at now: Duration) {
        self.add(
            Slot(
                tag: Self.short(tag),
                command: command,
                began: now.milliseconds,
                isUID: addressing == .uids
            )
        )
    }

    /// Notes the tagged response; to the oldest of the commands with that tag, if a client has used it twice.
    mutating func end(tag: String, _ ending: Ending, at now: Duration) {
        let tag = Self.short(tag)
        guard let index = self.order.first(where: { self.slots[$0].isUnfinished(tag) }) else { return }
        self.slots[index].took = UInt32(clamping: now.milliseconds - self.slots[index].began)
        self.slots[index].ending = ending
    }

    /// Notes a line that was no command; not what stood in it, which may have been a password on the wrong line.
    mutating func noteMistake(at now: Duration) {
        self.add(Slot(tag: "", command: nil, began: now.milliseconds, ending: .bad, isUID: false))
    }

    /// Oldest first.
    package var entries: [Entry] {
        self.order.map { index in
            let slot = self.slots[index]
            return Entry(
                tag: slot.tag,
                command: slot.command.map { slot.isUID ? "UID \($0.name)" : $0.name },
                began: .milliseconds(slot.began),
                took: slot.ending.map { _ in .milliseconds(slot.took) },
                ending: slot.ending
            )
        }
    }

    /// The places from the oldest entry to the newest.
    private var order: [Int] { Array(self.next..<self.slots.count) + Array(0..<self.next) }

    private mutating func add(_ slot: Slot) {
        guard self.slots.count == Self.capacity else { return self.slots.append(slot) }
        self.slots[self.next] = slot
        self.next = (self.next + 1) % Self.capacity
    }

    /// Tags are ASCII; a long one ends in "...".
    private static func short(_ tag: String) -> String {
        tag.utf8.count <= Self.tagLimit ? tag : String(tag.prefix(Self.tagLimit - 3)) + "..."
    }
}

extension Duration {
    fileprivate var milliseconds: Int64 {
        self.components.seconds * 1000 + self.components.attoseconds / 1_000_000_000_000_000
    }
}
