// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Testing

@testable import Cryptography

@Suite("RFC 7672 §3: a server authenticated by TLSA records") struct DANETests {
    /// What a record of a certificate would hold: the fixture's, or this one.
    static func association(
        of pem: [UInt8] = Fixture.text(Fixture.mail.certificateChain),
        selector: UInt8,
        matchingType: UInt8
    ) throws -> [UInt8] {
        let bio = try #require(pem.withUnsafeBytes { BIO_new_mem_buf($0.baseAddress, Int32($0.count)) })
        defer { BIO_free(bio) }
        let certificate = try #require(PEM_read_bio_X509(bio, nil, nil, nil))
        defer { X509_free(certificate) }
        var der: UnsafeMutablePointer<UInt8>?
        let count =
            selector == 0 ? i2d_X509(certificate, &der) : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der)
        defer { CRYPTO_free(der, "", 0) }
        let octets = Array(UnsafeBufferPointer(start: der, count: Int(count)))
        guard matchingType > 0 else { return octets }
        var hash = [UInt8](repeating: 0, count: 64)
        var length: UInt32 = 0
        _ = EVP_Digest(octets, octets.count, &hash, &length, matchingType == 1 ? EVP_sha256() : EVP_sha512(), nil)
        return Array(hash.prefix(Int(length)))
    }

    /// The state of a client that demands a server with these records, of one that shows the fixture's certificate.
    private func state(
        _ records: [TLSARecord],
        baseDomain: String,
        otherNames: [String] = [],
        server: TLSIdentity = Fixture.mail
    ) throws -> TLSState {
        let peer = try #require(DANEPeer(records: records, baseDomain: baseDomain, otherNames: otherNames))
        // Whom else the client trusts must make no difference.
        let link = try TLSLink(
            client: Fixture.client(trusting: server),
            server: Fixture.server(server),
            serverName: nil,
            verification: .dane(peer)
        )
        link.settle()
        return link.client.session.state
    }

    @Test(
        "DANE-EE (3): the certificate or its key, whatever its names",
        arguments: [UInt8(0), 1],
        [UInt8(0), 1, 2]
    )
    func endEntity(_ selector: UInt8, _ matchingType: UInt8) throws {
        let association = try Self.association(selector: selector, matchingType: matchingType)
        let record = TLSARecord(usage: 3, selector: selector, matchingType: matchingType, association: association)
        #expect(record.isUsable)
        #expect(try self.state([record], baseDomain: "mail.example").parameters != nil)
        #expect(try self.state([record], baseDomain: "other.example").parameters != nil)
        var wrong = association
        wrong[wrong.count - 1] ^= 1
        let other = TLSARecord(usage: 3, selector: selector, matchingType: matchingType, association: wrong)
        // One of several will do.
        #expect(try self.state([other, record], baseDomain: "mail.example").parameters != nil)
        guard matchingType > 0 else { return }
        let failure = try #require(try self.state([other], baseDomain: "mail.example").failure)
        #expect(failure.kind == .certificate)
        #expect(failure.certificateFault == .noMatch)
    }

    @Test("An expired certificate will do for DANE-EE (§3.1.1)") func expired() throws {
        let old = Fixture.identity("mail.example", notBefore: Fixture.now - 30 * 86_400, days: 7)
        let pem = Fixture.text(old.certificateChain)
        let body = String(decoding: pem, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("-----") }
            .joined()
        let der = try #require(Base64.decode(Array(body.utf8)))
        let record = TLSARecord(usage: 3, selector: 0, matchingType: 1, association: SHA256.hash(der))
        #expect(try self.state([record], baseDomain: "mail.example", server: old).parameters != nil)
    }

    // MARK: DANE-TA (2)

    private static let authority = Result { try TestAuthority() }

    /// The state of a client with a record of the authority's certificate, of a server that shows a certificate for these names.
    private func state(
        names: [String],
        selector: UInt8 = 1,
        matchingType: UInt8 = 1,
        of signer: TestAuthority? = nil,
        isChainShown: Bool = true,
        notBefore: Int64 = Fixture.now - 3600
    ) throws -> TLSState {
        let authority = try Self.authority.get()
        let server = try (signer ?? authority).identity(names, isChainShown: isChainShown, notBefore: notBefore)
        let association = try Self.association(
            of: authority.certificatePEM,
            selector: selector,
            matchingType: matchingType
        )
        let record = TLSARecord(usage: 2, selector: selector, matchingType: matchingType, association: association)
        #expect(record.isUsable)
        let valid = ["mx.example.net", "example.net"]
        return try self.state([record], baseDomain: valid[0], otherNames: valid, server: server)
    }

    @Test(
        "DANE-TA (2): an authority's word for the host's name, or for the domain's (§3.2.2)",
        arguments: ["mx.example.net", "example.net", "*.example.net"],
        [(UInt8(0), UInt8(0)), (0, 1), (0, 2), (1, 1), (1, 2)]
    )
    func authority(_ name: String, _ record: (selector: UInt8, matchingType: UInt8)) throws {
        let state = try self.state(names: [name], selector: record.selector, matchingType: record.matchingType)
        #expect(state.parameters != nil, "\(state)")
    }

    @Test("For no other name", arguments: ["mail.example", "x.example.net", "net", "*.net", "*.mx.example.net"])
    func otherName(_ name: String) throws {
        let failure = try #require(try self.state(names: [name]).failure)
        #expect(failure.kind == .certificate)
        #expect(failure.certificateFault == .otherName)
    }

    @Test("And not for ever: dates count") func expiredByAuthority() throws {
        let old = Fixture.now - 30 * 86_400
        let failure = try #require(try self.state(names: ["mx.example.net"], notBefore: old).failure)
        #expect(failure.certificateFault == .expired)
    }

    @Test("Another authority's word counts for nothing, though the host shows it") func otherAuthority() throws {
        let stranger = try TestAuthority()
        let failure = try #require(try self.state(names: ["mx.example.net"], of: stranger).failure)
        #expect(failure.kind == .certificate)
    }

    /// §3.1.2: a hash of the authority's certificate is of use only with the certificate, which the record has where it is whole.
    @Test("An authority that the host does not show is known only by a record of its whole certificate") func alone()
        throws
    {
        for (selector, matchingType) in [(UInt8(0), UInt8(1)), (0, 2), (1, 1)] {
            let state = try self.state(
                names: ["mx.example.net"],
                selector: selector,
                matchingType: matchingType,
                isChainShown: false
            )
            #expect(state.failure?.kind == .certificate, "\(state)")
        }
        let whole = try self.state(names: ["mx.example.net"], selector: 0, matchingType: 0, isChainShown: false)
        #expect(whole.parameters != nil, "\(whole)")
    }

    @Test("SNI asks for the base domain (§2.2.3)") func serverName() throws {
        let association = try Self.association(selector: 1, matchingType: 1)
        let record = TLSARecord(usage: 3, selector: 1, matchingType: 1, association: association)
        let state = try self.state([record], baseDomain: "MX.example.net.")
        #expect(state.parameters?.serverName == "mx.example.net")
    }

    @Test("PKIX usages, unknown numbers and hashes of the wrong length are of no use (§3.1.3)")
    func unusable() throws {
        let hash = try Self.association(selector: 1, matchingType: 1)
        for record in [
            TLSARecord(usage: 0, selector: 1, matchingType: 1, association: hash),
            TLSARecord(usage: 1, selector: 1, matchingType: 1, association: hash),
            TLSARecord(usage: 4, selector: 1, matchingType: 1, association: hash),
            TLSARecord(usage: 3, selector: 2, matchingType: 1, association: hash),
            TLSARecord(usage: 3, selector: 1, matchingType: 3, association: hash),
            TLSARecord(usage: 3, selector: 1, matchingType: 2, association: hash),
            TLSARecord(usage: 3, selector: 1, matchingType: 1, association: Array(hash.dropLast())),
        ] {
            #expect(!record.isUsable)
            #expect(DANEPeer(records: [record], baseDomain: "mail.example") == nil)
        }
    }

    @Test("A full certificate, or key, that is none is of no use either", arguments: [UInt8(0), 1])
    func malformed(selector: UInt8) throws {
        let whole = try Self.association(selector: selector, matchingType: 0)
        func isUsable(_ association: [UInt8]) -> Bool {
            TLSARecord(usage: 3, selector: selector, matchingType: 0, association: association).isUsable
        }
        #expect(isUsable(whole))
        #expect(!isUsable([]) && !isUsable([1, 2, 3]))
        #expect(!isUsable(Array(whole.dropLast())) && !isUsable(whole + [0]))
    }

    @Test("RDATA", arguments: [([3, 1, 1], nil), ([3, 1, 2, 0xAB, 0x01], "3 1 2 ab01")] as [([UInt8], String?)])
    func rdata(_ octets: [UInt8], _ text: String?) {
        #expect(TLSARecord(rdata: octets)?.text == text)
    }
}
