// SPDX-License-Identifier: Apache-2.0

/// A command or a line that was too long to be kept; its octets are skipped and the next command follows.
package struct FramingError: Error, Hashable, Sendable {
    /// Which of ``CommandFramer/Limits`` was exceeded.
    package enum Reason: Hashable, Sendable {
        /// The text of a command, literals not counted, or a bare line.
        case lineTooLong
        /// A command together with its literals, or the number of its literals.
        case commandTooLong
    }

    package var reason: Reason
    /// The tag for the `BAD`, where the beginning of the command has one; nil calls for an untagged `BAD`.
    package var tag: String?

    package init(_ reason: Reason, tag: String? = nil) {
        self.reason = reason
        self.tag = tag
    }
}
