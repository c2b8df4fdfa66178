// SPDX-License-Identifier: Apache-2.0

import Cryptography

extension PublicKey {
    /// What a domain publishes about the key at `selector._domainkey` (RFC 6376 §3.6.1, RFC 8463 §4), for a TXT record.
    package var dkimRecord: String {
        let octets: [UInt8]
        let type: String
        if let ed25519 = self.ed25519 {
            (type, octets) = ("ed25519", ed25519)
        } else {
            (type, octets) = ("rsa", self.subjectPublicKeyInfo)
        }
        return "v=DKIM1; k=\(type); h=sha256; p=\(String(decoding: Cryptography.Base64.encode(octets), as: UTF8.self))"
    }
}

extension DKIMSigner.Key {
    /// From a selector and a PEM file with the key.
    ///
    /// - Throws: `OpenSSLError` if it holds no key that signs.
    package init?(selector: String, pem: [UInt8]) throws {
        guard let selector = DomainName(selector) else { return nil }
        self.init(selector: selector, key: try SigningKey(pem: pem))
    }
}
