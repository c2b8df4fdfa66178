// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Testing

@testable import Cryptography

@Suite("What an operator is told about certificates")
struct TLSServerContextTests {
    private func problem(_ identity: TLSIdentity) throws -> TLSConfigurationError {
        try #require(throws: TLSConfigurationError.self) {
            try TLSServerContext(identities: [identity], applicationProtocols: [])
        }
    }

    @Test("A missing file is named")
    func missing() throws {
        let error = try self.problem(
            TLSIdentity(certificateChain: .file("/nowhere/fullchain.pem"), privateKey: Fixture.mail.privateKey)
        )
        #expect(error.source == "/nowhere/fullchain.pem")
        #expect(error.description.contains("No such file"))
    }

    @Test("A file without a certificate is named")
    func noCertificate() throws {
        try Fixture.withFile(Array("hello\n".utf8)) { path in
            let error = try self.problem(
                TLSIdentity(certificateChain: .file(path), privateKey: Fixture.mail.privateKey)
            )
            #expect(error.source == path)
            #expect(error.problem.contains("no certificate"))
        }
    }

    @Test("A key of another certificate is found out")
    func mismatch() throws {
        try Fixture.withFile(Fixture.text(Fixture.web.privateKey)) { path in
            let error = try self.problem(
                TLSIdentity(certificateChain: Fixture.mail.certificateChain, privateKey: .file(path))
            )
            #expect(error.source == path)
            #expect(error.problem.contains("does not hold the key"))
        }
    }

    @Test("An encrypted key is refused without a question on the terminal")
    func encrypted() throws {
        let plain = Fixture.text(Fixture.mail.privateKey)
        let input = BIO_new_mem_buf(plain, Int32(plain.count))
        defer { BIO_free(input) }
        let key = PEM_read_bio_PrivateKey(input, nil, nil, nil)
        defer { EVP_PKEY_free(key) }
        let output = BIO_new(BIO_s_mem())
        defer { BIO_free(output) }
        #expect(PEM_write_bio_PrivateKey(output, key, EVP_aes_128_cbc(), Array("secret".utf8), 6, nil, nil) == 1)
        var text = [UInt8](repeating: 0, count: 4_096)
        text.removeLast(text.count - Int(BIO_read(output, &text, Int32(text.count))))
        #expect(String(decoding: text, as: UTF8.self).contains("ENCRYPTED PRIVATE KEY"))
        let error = try self.problem(
            TLSIdentity(certificateChain: Fixture.mail.certificateChain, privateKey: .text(text))
        )
        #expect(error.advice.contains("not encrypted"))
    }

    @Test("Certificate and key may be files, with a chain behind the certificate")
    func files() throws {
        let chain = Fixture.text(Fixture.mail.certificateChain) + Fixture.text(Fixture.web.certificateChain)
        try Fixture.withFile(chain) { certificate in
            try Fixture.withFile(Fixture.text(Fixture.mail.privateKey)) { key in
                let identity = TLSIdentity(certificateChain: .file(certificate), privateKey: .file(key))
                let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(identity))
                link.settle()
                #expect(link.client.session.state.parameters != nil)
            }
        }
    }

    @Test("A chain that is cut off is not taken for a short one")
    func damagedChain() throws {
        let chain =
            Fixture.text(Fixture.mail.certificateChain) + Fixture.text(Fixture.web.certificateChain).dropLast(60)
        let error = try self.problem(
            TLSIdentity(certificateChain: .text(chain), privateKey: Fixture.mail.privateKey)
        )
        #expect(error.problem.contains("damaged"))
    }

    @Test("No certificate at all is an error, not a trap")
    func none() {
        #expect(throws: TLSConfigurationError.self) {
            try TLSServerContext(identities: [], applicationProtocols: [])
        }
    }

    @Test("A trust store that is none is named")
    func trust() throws {
        let error = try #require(throws: TLSConfigurationError.self) {
            try TLSClientContext(trust: .file("/nowhere/ca.pem"))
        }
        #expect(error.source == "/nowhere/ca.pem")
    }

    @Test("A key in memory appears in no description")
    func masked() {
        var dumped = ""
        dump(Fixture.mail, to: &dumped)
        let key = String(decoding: Fixture.text(Fixture.mail.privateKey), as: UTF8.self)
        #expect(key.contains("PRIVATE KEY"))
        for text in ["\(Fixture.mail)", String(reflecting: Fixture.mail), dumped] {
            #expect(!text.contains("45, 45") && !text.contains("PRIVATE KEY") && !text.contains("- 45"))
        }
    }
}
