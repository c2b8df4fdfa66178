// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The hash of a body, made while it passes by (RFC 6376 §3.7).
final class BodyDigest {
    /// What two signatures must share to share one hash.
    struct Kind: Hashable, Sendable {
        let canonicalization: Canonicalization
        /// `l=`: how many octets of the canonical body are hashed; nil hashes all.
        let limit: Int?
    }

    let kind: Kind
    private var canonicalizer: BodyCanonicalizer
    private var hash = SHA256()
    /// The octets of the canonical body so far.
    private(set) var length = 0

    init(_ kind: Kind) {
        self.kind = kind
        self.canonicalizer = BodyCanonicalizer(kind.canonicalization)
    }

    func update(_ chunk: ArraySlice<UInt8>) {
        var canonicalizer = self.canonicalizer
        canonicalizer.update(chunk, emit: self.add)
        self.canonicalizer = canonicalizer
    }

    /// The digest, at the end of the body.
    func finish() -> [UInt8] {
        var canonicalizer = self.canonicalizer
        canonicalizer.finish(emit: self.add)
        self.canonicalizer = canonicalizer
        return self.hash.finalize()
    }

    private func add(_ octets: ArraySlice<UInt8>) {
        let wanted = self.kind.limit.map { max(0, $0 - self.length) } ?? octets.count
        self.hash.update(octets.prefix(wanted))
        self.length += octets.count
    }
}
