// SPDX-License-Identifier: Apache-2.0

/// Why a TLS connection ended badly.
///
/// It holds the library's words and no secret, and may be logged.
package struct TLSFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who is to blame, for those who count failures.
    package enum Kind: String, Sendable {
        /// The two sides did not come to terms: no common version, cipher or protocol, or no TLS at all.
        case handshake
        /// The peer's certificate is not what was demanded.
        case certificate
        /// The transport ended without a close_notify alert: what was received may have been cut off.
        case truncated
        /// A record was damaged, or an alert received.
        case record
        /// The session was used in a state that does not allow it.
        case state
    }

    package let kind: Kind
    /// What happened, as a phrase.
    package let reason: String

    package var description: String { "TLS \(self.kind.rawValue) failure: \(self.reason)" }
}
