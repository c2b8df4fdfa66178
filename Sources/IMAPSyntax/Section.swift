// SPDX-License-Identifier: Apache-2.0

/// What of a message `BODY[…]` names (RFC 9051 §6.4.5).
///
///     section         = "[" [section-spec] "]"
package struct Section: Hashable, Sendable {
    /// Something other than the body of the part.
    ///
    ///     section-text    = section-msgtext / "MIME"
    package enum Text: Hashable, Sendable {
        case header
        /// The fields of these names. They are kept as the client wrote them, order and repetition included: the label
        /// of the response repeats them, and Apple Mail compares.
        case headerFields([[UInt8]])
        /// All fields except those of these names.
        case headerFieldsNot([[UInt8]])
        case text
        case mime
    }

    /// The deepest path to a part.
    package static let maximumDepth = 200

    /// The numbers that lead to the part, from 1; empty for the message itself.
    package var part: [UInt32]
    /// nil for the whole message or the body of the part.
    package var text: Text?

    package init(part: [UInt32] = [], text: Text? = nil) {
        self.part = part
        self.text = text
    }
}

/// The octets of a section that are wanted.
///
///     partial         = "<" number64 "." nz-number64 ">"
package struct Partial: Hashable, Sendable {
    /// The first octet wanted, from 0; it is what the label of the response repeats.
    package var offset: UInt64
    /// The most octets wanted, at least 1.
    package var count: UInt64

    package init(offset: UInt64, count: UInt64) {
        self.offset = offset
        self.count = count
    }

    /// Which of `size` octets these are; empty at the end where the offset lies behind it (RFC 9051 §6.4.5).
    package func range(in size: Int) -> Range<Int> {
        let size = UInt64(max(size, 0))
        let start = min(self.offset, size)
        return Int(start)..<Int(start + min(self.count, size - start))
    }
}
