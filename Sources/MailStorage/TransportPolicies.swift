// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What domains have said about TLS with their mail hosts (RFC 8461 §3.3).
///
/// Kept for as long as they said, also when they cannot be asked: whoever can suppress the name system's answer, or cut off
/// the web server, must not switch a policy off that was known. All methods throw ``StoreError``.
package protocol TransportPolicyStore: Sendable {
    /// The domain's policy, unless it has expired at `time`; nil if none is known.
    func transportPolicy(of domain: String, at time: UnixTime) async throws -> TransportPolicy?
    /// Keeps a domain's policy instead of what is known of it.
    func keep(_ policy: TransportPolicy, of domain: String) async throws
}

/// A policy as it was fetched.
package struct TransportPolicy: Sendable, Hashable {
    /// What the domain called it (RFC 8461 §3.1).
    package var id: String
    /// The octets of `mta-sts.txt`.
    package var text: [UInt8]
    package var fetchedAt: UnixTime
    package var expiresAt: UnixTime

    package init(id: String, text: [UInt8], fetchedAt: UnixTime, expiresAt: UnixTime) {
        self.id = id
        self.text = text
        self.fetchedAt = fetchedAt
        self.expiresAt = expiresAt
    }
}
