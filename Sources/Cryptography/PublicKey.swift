// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// A public key that checks signatures: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2), or Ed25519 (RFC 8032 §5.1).
///
/// It is made of octets that anyone may have sent, so whatever is no such key, or is longer than
/// ``maximumRSABits``, makes none.
package final class PublicKey: Sendable {
    package enum Algorithm: Sendable, Hashable {
        case rsa
        case ed25519
    }

    /// Longer keys are refused: the time that one check takes grows with the square of this.
    package static let maximumRSABits = 8_192

    package let algorithm: Algorithm
    /// The length of the modulus; 256 of Ed25519.
    package let bits: Int
    /// An `EVP_PKEY`, which counts its references atomically and is not changed any more.
    private let key: SharedAddress

    /// Takes over a key; frees it if it is of another kind.
    init?(owning key: OpaquePointer) {
        self.key = unsafe SharedAddress(key)
        self.bits = unsafe Int(EVP_PKEY_get_bits(key))
        if unsafe EVP_PKEY_is_a(key, "RSA") == 1 {
            self.algorithm = .rsa
            guard self.bits <= Self.maximumRSABits else { return nil }
        } else if unsafe EVP_PKEY_is_a(key, "ED25519") == 1 {
            self.algorithm = .ed25519
        } else {
            // Every member has to be there before an initializer may fail and `deinit` run.
            self.algorithm = .rsa
            return nil
        }
    }

    /// From a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER, nothing behind it.
    package convenience init?(subjectPublicKeyInfo octets: [UInt8]) {
        unsafe self.init(der: octets) { unsafe d2i_PUBKEY(nil, $0, $1) }
    }

    /// From an RSAPublicKey (RFC 8017 §A.1.1) in DER, nothing behind it.
    package convenience init?(rsaPublicKey octets: [UInt8]) {
        unsafe self.init(der: octets) { unsafe d2i_PublicKey(EVP_PKEY_RSA, nil, $0, $1) }
    }

    /// From the 32 octets of an Ed25519 key (RFC 8032 §5.1.5).
    package convenience init?(ed25519 octets: [UInt8]) {
        guard let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, octets, octets.count) else {
            ERR_clear_error()
            return nil
        }
        unsafe self.init(owning: key)
    }

    private convenience init?(
        der octets: [UInt8],
        decode: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?
    ) {
        var consumed = 0
        let key = unsafe octets.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            let key = unsafe decode(&position, buffer.count)
            if let start = buffer.baseAddress, let end = unsafe position { unsafe consumed = end - start }
            return unsafe key
        }
        ERR_clear_error()
        guard let key = unsafe key else { return nil }
        guard consumed == octets.count else {
            unsafe EVP_PKEY_free(key)
            return nil
        }
        unsafe self.init(owning: key)
    }

    deinit {
        unsafe EVP_PKEY_free(self.key.pointer)
    }

    /// Whether a signature is this key's for a SHA-256 digest.
    ///
    /// Ed25519 takes the digest for its message, as RFC 8463 §3 has it.
    package func isValid(signature: [UInt8], of digest: [UInt8]) -> Bool {
        // A refusal leaves reasons behind, which TLS on this thread must not take for its own.
        defer { ERR_clear_error() }
        guard digest.count == SHA256.digestLength else { return false }
        switch self.algorithm {
        case .rsa: return self.isValidRSA(signature, of: digest)
        case .ed25519: return self.isValidEd25519(signature, of: digest)
        }
    }

    private func isValidRSA(_ signature: [UInt8], of digest: [UInt8]) -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new(self.key.pointer, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        return unsafe EVP_PKEY_verify_init(context) == 1
            && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
            && EVP_PKEY_CTX_set_signature_md(context, SHA256.algorithm.pointer) == 1
            && EVP_PKEY_verify(context, signature, signature.count, digest, digest.count) == 1
    }

    private func isValidEd25519(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        return unsafe EVP_DigestVerifyInit(context, nil, nil, nil, self.key.pointer) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// As a SubjectPublicKeyInfo in DER.
    package var subjectPublicKeyInfo: [UInt8] {
        let length = unsafe Int(max(0, i2d_PUBKEY(self.key.pointer, nil)))
        return unsafe [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            var position = buffer.baseAddress
            count = unsafe Int(max(0, i2d_PUBKEY(self.key.pointer, &position)))
        }
    }

    /// The 32 octets of an Ed25519 key; nil of RSA, which has no such form.
    package var ed25519: [UInt8]? {
        guard self.algorithm == .ed25519 else { return nil }
        var octets = [UInt8](repeating: 0, count: 32)
        var count = octets.count
        let done = unsafe octets.withUnsafeMutableBufferPointer { buffer in
            unsafe EVP_PKEY_get_raw_public_key(self.key.pointer, buffer.baseAddress, &count)
        }
        return done == 1 && count == 32 ? octets : nil
    }
}
