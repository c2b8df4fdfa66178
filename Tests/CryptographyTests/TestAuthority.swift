// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Testing

@testable import Cryptography

/// An authority that vouches for whoever is named.
///
/// Certificates that vouch for themselves are made first, and then signed anew.
struct TestAuthority {
    let certificatePEM: [UInt8]
    private let keyPEM: [UInt8]

    init() throws {
        let made = try SelfSignedCertificate.make(
            names: ["authority.example"],
            notBefore: Fixture.now - 90 * 86_400,
            days: 365
        )
        self.keyPEM = made.keyPEM
        self.certificatePEM = try Self.signed(made.certificatePEM, by: made.keyPEM) { certificate in
            // It is one that may sign others.
            while X509_get_ext_count(certificate) > 0 { X509_EXTENSION_free(X509_delete_ext(certificate, 0)) }
            for (kind, value) in [(NID_basic_constraints, "critical,CA:TRUE"), (NID_key_usage, "critical,keyCertSign")]
            {
                let added = X509V3_EXT_conf_nid(nil, nil, kind, value)
                defer { X509_EXTENSION_free(added) }
                try #require(X509_add_ext(certificate, added, -1) == 1)
            }
        }
    }

    /// A server with a certificate for these names, and the authority's behind it.
    func identity(_ names: [String], isChainShown: Bool, notBefore: Int64) throws -> TLSIdentity {
        let made = try SelfSignedCertificate.make(names: names, notBefore: notBefore, days: 7)
        let certificate = try Self.signed(made.certificatePEM, by: self.keyPEM) { certificate in
            try Self.withCertificate(self.certificatePEM) { authority in
                try #require(X509_set_issuer_name(certificate, X509_get_subject_name(authority)) == 1)
            }
        }
        return TLSIdentity(
            certificateChain: .text(certificate + (isChainShown ? self.certificatePEM : [])),
            privateKey: .text(made.keyPEM)
        )
    }

    /// A certificate as PEM after a change, signed with a key.
    private static func signed(
        _ pem: [UInt8],
        by keyPEM: [UInt8],
        _ change: (OpaquePointer) throws -> Void
    ) throws -> [UInt8] {
        try self.withCertificate(pem) { certificate in
            try change(certificate)
            let bio = try #require(keyPEM.withUnsafeBytes { BIO_new_mem_buf($0.baseAddress, Int32($0.count)) })
            defer { BIO_free(bio) }
            let key = try #require(PEM_read_bio_PrivateKey(bio, nil, nil, nil))
            defer { EVP_PKEY_free(key) }
            try #require(X509_sign(certificate, key, EVP_sha256()) > 0)
            return try MemoryBIO.text { PEM_write_bio_X509($0, certificate) }
        }
    }

    private static func withCertificate<Result>(
        _ pem: [UInt8],
        _ body: (OpaquePointer) throws -> Result
    ) throws -> Result {
        let bio = try #require(pem.withUnsafeBytes { BIO_new_mem_buf($0.baseAddress, Int32($0.count)) })
        defer { BIO_free(bio) }
        let certificate = try #require(PEM_read_bio_X509(bio, nil, nil, nil))
        defer { X509_free(certificate) }
        return try body(certificate)
    }
}
