// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// The private keys with which the domains here sign their mail (DKIM, RFC 6376).
///
/// A key signs only once it has been started: before, the domain publishes it, for who gets a signature asks DNS for the key at
/// once. All methods throw ``StoreError``.
package protocol SigningKeys: Sendable {
    /// The keys of a domain, in lower case, or of all; by domain, then by selector.
    func signingKeys(of domain: String?) async throws -> [StoredSigningKey]
    /// Adds keys of domains here, all or none; they do not sign yet.
    func addSigningKeys(_ keys: [StoredSigningKey]) async throws
    /// Signs with a key from now on, and no longer with the domain's others of that algorithm, which stay.
    func startSigning(domain: String, selector: String) async throws
    /// Removes a key for ever.
    func removeSigningKey(domain: String, selector: String) async throws
}

/// A private key, and what it is for.
package struct StoredSigningKey: Hashable, Sendable, CustomStringConvertible {
    package enum Algorithm: String, Hashable, Sendable, CaseIterable {
        case rsa
        case ed25519
    }

    /// In lower case.
    package var domain: String
    /// The name under which the domain publishes it: the labels before `_domainkey`, in lower case.
    package var selector: String
    package var algorithm: Algorithm
    /// PKCS #8 as PEM: a secret.
    package var pem: [UInt8]
    package var addedAt: UnixTime
    package var isSigning: Bool

    package init(
        domain: String,
        selector: String,
        algorithm: Algorithm,
        pem: [UInt8],
        addedAt: UnixTime,
        isSigning: Bool = false
    ) {
        self.domain = domain
        self.selector = selector
        self.algorithm = algorithm
        self.pem = pem
        self.addedAt = addedAt
        self.isSigning = isSigning
    }

    /// Without the key, which must not get into a log.
    package var description: String { "\(self.selector)._domainkey.\(self.domain) (\(self.algorithm.rawValue))" }
}
