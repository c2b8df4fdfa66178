// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Testing

@testable import Cryptography

@Suite("Self-signed certificates")
struct SelfSignedCertificateTests {
    /// The text of `openssl x509 -text`, by the library itself.
    private func text(_ pem: [UInt8]) throws -> String {
        let input = BIO_new_mem_buf(pem, Int32(pem.count))
        defer { BIO_free(input) }
        let certificate = try #require(PEM_read_bio_X509(input, nil, nil, nil))
        defer { X509_free(certificate) }
        let output = BIO_new(BIO_s_mem())
        defer { BIO_free(output) }
        #expect(X509_print(output, certificate) == 1)
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let count = BIO_read(output, &buffer, Int32(buffer.count))
        return String(decoding: buffer.prefix(Int(count)), as: UTF8.self)
    }

    @Test("Everything is in it")
    func contents() throws {
        let made = try SelfSignedCertificate.make(
            names: ["mail.example", "*.mail.example", "127.0.0.1", "::1"],
            notBefore: 1_700_000_000,
            days: 90
        )
        let text = try self.text(made.certificatePEM)
        #expect(text.contains("Version: 3"))
        #expect(text.contains("Subject: CN=mail.example"))
        #expect(text.contains("Issuer: CN=mail.example"))
        #expect(
            text.contains("DNS:mail.example, DNS:*.mail.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1")
        )
        #expect(text.contains("Basic Constraints: critical\n                CA:FALSE"))
        #expect(text.contains("Digital Signature"))
        #expect(text.contains("TLS Web Server Authentication"))
        #expect(text.contains("X509v3 Subject Key Identifier"))
        #expect(text.contains("ASN1 OID: prime256v1"))
        #expect(text.contains("Signature Algorithm: ecdsa-with-SHA256"))
        #expect(text.contains("Not Before: Nov 14 22:13:20 2023 GMT"))
        #expect(text.contains("Not After : Feb 12 22:13:20 2024 GMT"))
        #expect(String(decoding: made.keyPEM, as: UTF8.self).hasPrefix("-----BEGIN PRIVATE KEY-----"))
    }

    @Test("Two have different serial numbers and keys")
    func fresh() throws {
        let first = try SelfSignedCertificate.make(names: ["a.example"], notBefore: 0, days: 1)
        let second = try SelfSignedCertificate.make(names: ["a.example"], notBefore: 0, days: 1)
        #expect(first.certificatePEM != second.certificatePEM)
        #expect(first.keyPEM != second.keyPEM)
    }

    @Test(
        "Names that are none are refused",
        arguments: [[], [""], ["a,DNS:bank.example"], ["a b"], ["*.*.example"], ["1.2.3.999"], ["::zz"], ["é.example"]]
    )
    func badNames(_ names: [String]) {
        #expect(throws: OpenSSLError.self) { try SelfSignedCertificate.make(names: names, notBefore: 0, days: 1) }
    }

    @Test(
        "A validity that cannot be is refused",
        arguments: [(Int64.max, 1), (0, 0), (0, -1), (0, Int.max)] as [(Int64, Int)]
    )
    func badValidity(_ notBefore: Int64, _ days: Int) {
        #expect(throws: OpenSSLError.self) {
            try SelfSignedCertificate.make(names: ["a.example"], notBefore: notBefore, days: days)
        }
    }

    @Test("A name too long for a common name stands in the extension")
    func longName() throws {
        let name = String(repeating: "a", count: 60) + ".example"
        let made = try SelfSignedCertificate.make(names: [name], notBefore: 0, days: 1)
        let text = try self.text(made.certificatePEM)
        #expect(text.contains("DNS:" + name))
        #expect(text.contains("CN=Letterhouse"))
    }
}
