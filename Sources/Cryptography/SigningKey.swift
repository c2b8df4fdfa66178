// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// A private key that signs: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2), or Ed25519 (RFC 8032 §5.1).
package final class SigningKey: Sendable {
    /// An `EVP_PKEY`, which counts its references atomically and is not changed any more.
    private let key: SharedAddress
    package let publicKey: PublicKey

    /// Takes over a key.
    private init(owning key: OpaquePointer) throws(OpenSSLError) {
        self.key = unsafe SharedAddress(key)
        // The public half as octets, so that no private key hides in a value that may go anywhere.
        let length = unsafe Int(max(0, i2d_PUBKEY(key, nil)))
        let octets = unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            var position = buffer.baseAddress
            count = unsafe Int(max(0, i2d_PUBKEY(key, &position)))
        }
        guard let publicKey = PublicKey(subjectPublicKeyInfo: octets) else {
            unsafe EVP_PKEY_free(key)
            let longest = PublicKey.maximumRSABits
            throw OpenSSLError(
                operation: "use a key",
                reasons: ["it must be an RSA key of at most \(longest) bits, or Ed25519"]
            )
        }
        self.publicKey = publicKey
    }

    deinit {
        unsafe EVP_PKEY_free(self.key.pointer)
    }

    /// Makes a new RSA key; 2,048 bits take a part of a second.
    package static func generateRSA(bits: Int = 2_048) throws(OpenSSLError) -> SigningKey {
        guard (1_024...PublicKey.maximumRSABits).contains(bits) else {
            throw OpenSSLError(operation: "make a key", reasons: ["1024 to \(PublicKey.maximumRSABits) bits"])
        }
        guard let key = unsafe shim_EVP_RSA_gen(UInt32(bits)) else {
            throw OpenSSLError(takingReasonsFor: "make a key")
        }
        return unsafe try SigningKey(owning: key)
    }

    /// Makes a new Ed25519 key.
    package static func generateEd25519() throws(OpenSSLError) -> SigningKey {
        guard let key = unsafe shim_EVP_ED25519_gen() else { throw OpenSSLError(takingReasonsFor: "make a key") }
        return unsafe try SigningKey(owning: key)
    }

    /// From the 32 octets of a private Ed25519 key (RFC 8032 §5.1.5).
    package convenience init(ed25519 octets: [UInt8]) throws(OpenSSLError) {
        ERR_clear_error()
        guard let key = unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, octets, octets.count) else {
            throw OpenSSLError(takingReasonsFor: "read a key")
        }
        unsafe try self.init(owning: key)
    }

    /// From the text of a PEM file (RFC 7468) that holds the key, not encrypted.
    package convenience init(pem: [UInt8]) throws(OpenSSLError) {
        ERR_clear_error()
        guard let bio = unsafe MemoryBIO.holding(pem) else { throw OpenSSLError(takingReasonsFor: "read a key") }
        defer { unsafe BIO_free(bio) }
        // Without a callback OpenSSL would ask for a pass phrase on the terminal.
        guard let key = unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            throw OpenSSLError(takingReasonsFor: "read a key")
        }
        unsafe try self.init(owning: key)
    }

    /// As a PEM file: PKCS #8 (RFC 5958), not encrypted.
    package func pem() throws(OpenSSLError) -> [UInt8] {
        try unsafe MemoryBIO.text { unsafe PEM_write_bio_PrivateKey($0, self.key.pointer, nil, nil, 0, nil, nil) }
    }

    /// Signs a SHA-256 digest.
    ///
    /// Ed25519 takes the digest for its message, as RFC 8463 §3 has it. Both algorithms are deterministic.
    package func signature(of digest: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        guard digest.count == SHA256.digestLength else {
            throw OpenSSLError(operation: "sign", reasons: ["a digest of 32 octets is needed"])
        }
        ERR_clear_error()
        switch self.publicKey.algorithm {
        case .rsa: return try self.rsaSignature(of: digest)
        case .ed25519: return try self.ed25519Signature(of: digest)
        }
    }

    private func rsaSignature(of digest: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        guard let context = unsafe EVP_PKEY_CTX_new(self.key.pointer, nil) else {
            throw OpenSSLError(takingReasonsFor: "sign")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var octets = [UInt8](repeating: 0, count: (self.publicKey.bits + 7) / 8)
        var count = octets.count
        let done = unsafe octets.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_PKEY_sign_init(context) == 1
                && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
                && EVP_PKEY_CTX_set_signature_md(context, SHA256.algorithm.pointer) == 1
                && EVP_PKEY_sign(context, buffer.baseAddress, &count, digest, digest.count) == 1
        }
        guard done else { throw OpenSSLError(takingReasonsFor: "sign") }
        return Array(octets.prefix(count))
    }

    private func ed25519Signature(of message: [UInt8]) throws(OpenSSLError) -> [UInt8] {
        guard let context = unsafe EVP_MD_CTX_new() else { throw OpenSSLError(takingReasonsFor: "sign") }
        defer { unsafe EVP_MD_CTX_free(context) }
        var octets = [UInt8](repeating: 0, count: 64)
        var count = octets.count
        let done = unsafe octets.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_DigestSignInit(context, nil, nil, nil, self.key.pointer) == 1
                && EVP_DigestSign(context, buffer.baseAddress, &count, message, message.count) == 1
        }
        guard done else { throw OpenSSLError(takingReasonsFor: "sign") }
        return Array(octets.prefix(count))
    }
}
