// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Testing

@testable import Cryptography

@Suite("RFC 8017 §8.2, RFC 8032 §5.1: signatures")
struct SigningKeyTests {
    private static let digest = SHA256.hash(Array("abc".utf8))

    private static func key(_ algorithm: PublicKey.Algorithm) throws -> SigningKey {
        algorithm == .rsa ? try SigningKey.generateRSA(bits: 1_024) : try SigningKey.generateEd25519()
    }

    @Test("What a key signs, it verifies, and nothing else", arguments: [PublicKey.Algorithm.rsa, .ed25519])
    func roundTrip(_ algorithm: PublicKey.Algorithm) throws {
        let key = try Self.key(algorithm)
        let signature = try key.signature(of: Self.digest)
        #expect(key.publicKey.algorithm == algorithm)
        #expect(key.publicKey.isValid(signature: signature, of: Self.digest))
        #expect(try key.signature(of: Self.digest) == signature)
        for index in [0, signature.count / 2, signature.count - 1] {
            var altered = signature
            altered[index] ^= 1
            #expect(!key.publicKey.isValid(signature: altered, of: Self.digest))
        }
        #expect(!key.publicKey.isValid(signature: signature, of: SHA256.hash([])))
        #expect(!key.publicKey.isValid(signature: signature, of: []))
        #expect(!key.publicKey.isValid(signature: [], of: Self.digest))
        #expect(!key.publicKey.isValid(signature: signature + [0], of: Self.digest))
        #expect(!(try Self.key(algorithm)).publicKey.isValid(signature: signature, of: Self.digest))
        // TLS on the same thread must not find reasons that are not its own.
        #expect(ERR_peek_error() == 0)
    }

    @Test("PEM and back, and the public half in DER", arguments: [PublicKey.Algorithm.rsa, .ed25519])
    func encodings(_ algorithm: PublicKey.Algorithm) throws {
        let key = try Self.key(algorithm)
        let pem = try key.pem()
        #expect(pem.starts(with: Array("-----BEGIN PRIVATE KEY-----\n".utf8)))
        let signature = try SigningKey(pem: pem).signature(of: Self.digest)
        let der = key.publicKey.subjectPublicKeyInfo
        let publicKey = try #require(PublicKey(subjectPublicKeyInfo: der))
        #expect(publicKey.isValid(signature: signature, of: Self.digest))
        #expect(publicKey.bits == (algorithm == .rsa ? 1_024 : 256))
        #expect(PublicKey(subjectPublicKeyInfo: der + [0]) == nil)
        #expect(PublicKey(subjectPublicKeyInfo: Array(der.dropLast())) == nil)
        #expect(PublicKey(rsaPublicKey: der) == nil)
        let raw = publicKey.ed25519
        #expect((raw?.count ?? 0) == (algorithm == .rsa ? 0 : 32))
        if let raw { #expect(PublicKey(ed25519: raw)?.subjectPublicKeyInfo == der) }
    }

    @Test("RFC 8032 §7.1, test 1: the public key of a private one")
    func vector() throws {
        let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
        let octets = stride(from: 0, to: 64, by: 2).compactMap { UInt8(seed.dropFirst($0).prefix(2), radix: 16) }
        let key = try SigningKey(ed25519: octets)
        #expect(
            key.publicKey.ed25519.map(Hexadecimal.encode)
                == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
        )
    }

    @Test("What is no key makes none")
    func noKeys() {
        #expect(PublicKey(subjectPublicKeyInfo: []) == nil)
        #expect(PublicKey(subjectPublicKeyInfo: [0x30, 0x80, 0xFF]) == nil)
        #expect(PublicKey(rsaPublicKey: [0x30, 0]) == nil)
        #expect(PublicKey(ed25519: [1, 2, 3]) == nil)
        #expect(throws: OpenSSLError.self) { try SigningKey(pem: Array("-----BEGIN".utf8)) }
        #expect(throws: OpenSSLError.self) { try SigningKey(pem: []) }
        #expect(throws: OpenSSLError.self) { try SigningKey.generateRSA(bits: 512) }
        // An elliptic curve that is not Ed25519.
        let (_, pem) = (try? SelfSignedCertificate.make(names: ["a.example"], notBefore: 0, days: 1)) ?? ([], [])
        #expect(throws: OpenSSLError.self) { try SigningKey(pem: pem) }
    }
}
