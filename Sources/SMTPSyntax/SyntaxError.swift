// SPDX-License-Identifier: Apache-2.0

/// The input does not match the grammar.
///
/// Carries what was expected and where, never what the peer sent, so that it may stand in a log and in a reply.
package struct SyntaxError: Error, Hashable, Sendable {
    /// The production or token that was expected, in the words of the RFC: `"Reverse-path"`.
    package let expected: String
    /// Octets from the beginning of what was parsed (for a command: of its arguments) to where it went wrong.
    package let offset: Int

    package init(expected: String, offset: Int = 0) {
        self.expected = expected
        self.offset = offset
    }
}
