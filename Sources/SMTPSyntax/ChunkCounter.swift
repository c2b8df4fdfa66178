// SPDX-License-Identifier: Apache-2.0

/// Counts the octets of one BDAT chunk (RFC 3030 §2): of any values, no line ends, no dots, exactly as many as declared.
///
/// The caller must take and discard the chunk also when it refuses it, before it answers. It need not do so for a size
/// that it would never accept: then it answers 552 and closes.
package struct ChunkCounter: Hashable, Sendable {
    /// What the command declared, in octets.
    ///
    /// Any 64-bit number: compare it with your limit before adding it up.
    package let size: UInt64
    /// Whether the message is complete after this chunk.
    package let isLast: Bool
    /// Octets that have not arrived yet.
    package private(set) var remaining: UInt64

    package init(size: UInt64, isLast: Bool) {
        self.size = size
        self.isLast = isLast
        self.remaining = size
    }

    /// Whether the whole chunk has been taken; true from the beginning for `BDAT 0 LAST`.
    package var isComplete: Bool { self.remaining == 0 }

    /// Removes from `unread` what belongs to the chunk, and returns it; nil if that is nothing.
    package mutating func take(from unread: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let count = Int(clamping: min(self.remaining, UInt64(unread.count)))
        guard count > 0 else { return nil }
        let run = unread.prefix(count)
        unread = unread.dropFirst(count)
        self.remaining -= UInt64(count)
        return run
    }
}
