// SPDX-License-Identifier: Apache-2.0

/// The command does not match the grammar: what was expected and where, never what the client sent.
///
/// A session answers it with `BAD` (RFC 9051 §7.1.3), except for ``Kind/mailboxName``.
package struct SyntaxError: Error, Hashable, Sendable {
    /// Whether the grammar or only a name was at fault.
    package enum Kind: Hashable, Sendable {
        /// The octets do not follow the grammar: `BAD`.
        case grammar
        /// The grammar was followed, but no mailbox can have this name: `NO [CANNOT]` (RFC 9051 §7.1).
        case mailboxName
    }

    /// The production or the rule that was expected, in words fit for the client to read.
    package var expected: String
    /// Where it was expected, in octets from the start of what was parsed, literals included.
    package var offset: Int
    package var kind: Kind

    package init(expected: String, offset: Int, kind: Kind = .grammar) {
        self.expected = expected
        self.offset = offset
        self.kind = kind
    }
}
