// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// A key as a domain publishes it (RFC 6376 §3.6.1, RFC 8463 §4).
struct DKIMKeyRecord: Sendable {
    /// Why a record cannot be used for a signature.
    struct Fault: Error, Equatable {
        let reason: String
    }

    let key: PublicKey
    /// `t=y`: the domain is trying DKIM out.
    let isTesting: Bool
    /// `s=tlsrpt` and nothing more: it signs reports about TLS, and no other mail (RFC 8460 §3).
    let isForReportsOnly: Bool

    /// Parses a record for the use of one signature: its algorithm, the domain of its `i=`, and its `d=`.
    init(
        _ text: [UInt8],
        for algorithm: DKIMSignature.Algorithm,
        identityDomain: DomainName,
        of domain: DomainName
    ) throws(Fault) {
        guard let tags = TagList(text), let octets = tags["p"] else { throw Fault(reason: "key syntax error") }
        if let version = tags["v"] {
            // RFC 6376 §3.6.1: if it is there, it is first.
            guard version.elementsEqual("DKIM1".utf8), tags.firstName.elementsEqual("v".utf8) else {
                throw Fault(reason: "key syntax error")
            }
        }
        guard (tags.text("k") ?? "rsa") == algorithm.keyType else {
            throw Fault(reason: "inappropriate key algorithm")
        }
        if let hashes = tags["h"], !hashes.parts(separatedBy: .colon).contains(Array("sha256".utf8)[...]) {
            throw Fault(reason: "inappropriate hash algorithm")
        }
        let services = tags["s"]?.parts(separatedBy: .colon) ?? ["*".utf8].map { Array($0)[...] }
        func serves(_ name: String) -> Bool { services.contains { $0.elementsEqual(name.utf8) } }
        self.isForReportsOnly = !serves("*") && !serves("email")
        guard !self.isForReportsOnly || serves("tlsrpt") else { throw Fault(reason: Self.notForMail) }
        let flags = tags["t"]?.parts(separatedBy: .colon) ?? []
        self.isTesting = flags.contains(Array("y".utf8)[...])
        // t=s: the domain of i= must be that of d= and no name below it.
        if flags.contains(Array("s".utf8)[...]), identityDomain != domain {
            throw Fault(reason: "domain mismatch of d= and i=")
        }
        guard !octets.isEmpty else { throw Fault(reason: "key revoked") }
        self.key = try Self.key(octets.withoutWhitespace, for: algorithm)
    }

    static let notForMail = "the key is not for mail"

    private static func key(_ text: [UInt8], for algorithm: DKIMSignature.Algorithm) throws(Fault) -> PublicKey {
        guard let octets = Cryptography.Base64.decode(text) else { throw Fault(reason: "key syntax error") }
        let key: PublicKey?
        switch algorithm {
        case .rsaSHA256:
            // QUIRK: RFC 6376 asks for an RSAPublicKey, its example and everyone has a SubjectPublicKeyInfo (erratum 3017).
            key = PublicKey(subjectPublicKeyInfo: octets) ?? PublicKey(rsaPublicKey: octets)
            guard let key, key.algorithm == .rsa else { throw Fault(reason: "inappropriate key algorithm") }
            // RFC 8301 §3.2.
            guard key.bits >= 1_024 else { throw Fault(reason: "key too short") }
        case .ed25519SHA256:
            key = PublicKey(ed25519: octets)
        }
        guard let key else { throw Fault(reason: "inappropriate key algorithm") }
        return key
    }
}
