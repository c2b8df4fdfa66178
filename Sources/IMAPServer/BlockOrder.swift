// SPDX-License-Identifier: Apache-2.0

/// Whose turn it is to write: a command's untagged responses and its tagged one are one block that nothing interrupts.
///
/// The first command with something to say takes the output and keeps it to its tag; what others have ready waits
/// here, at most one piece for each (rule U9). Pure.
struct BlockOrder: Sendable {
    typealias ID = CommandQueue.ID

    /// What a command has ready.
    enum Ready: Sendable {
        case piece([UInt8])
        case end([UInt8], CommandResult)
    }

    /// The command whose block has begun and not ended.
    private(set) var holder: ID?
    private var ready: [ID: Ready] = [:]

    /// Notes what a command has ready; ``next()`` says when it may be written.
    mutating func add(_ ready: Ready, from id: ID) { self.ready[id] = ready }

    /// What to write now, in the order the commands were received; nil if nobody may.
    mutating func next() -> (id: ID, ready: Ready)? {
        guard let id = self.holder ?? self.ready.keys.min(), let ready = self.ready.removeValue(forKey: id) else {
            return nil
        }
        if case .piece = ready { self.holder = id } else { self.holder = nil }
        return (id, ready)
    }
}
