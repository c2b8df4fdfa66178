// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Testing

@testable import Cryptography

/// What a server's sessions have for authentication above TLS.
@Suite("Channel bindings and client certificates")
struct TLSClientAuthenticationTests {
    private static func server(_ authentication: TLSClientAuthentication) throws -> TLSServerContext {
        try TLSServerContext(
            identities: [Fixture.mail],
            applicationProtocols: [],
            clientAuthentication: authentication
        )
    }

    /// A server that asks for certificates of the authority.
    private static func askingServer() throws -> TLSServerContext {
        try Fixture.withFile(Array(ClientCertificates.authority.utf8)) {
            try self.server(TLSClientAuthentication(authorities: $0))
        }
    }

    /// A connection whose client shows a certificate.
    private static func link(_ identity: TLSIdentity?, version: Int32 = TLS1_3_VERSION) throws -> TLSLink {
        let client = try TLSClientContext()
        if let identity {
            try PEMReader(identity.certificateChain).useCertificateChain(in: client.context)
            try PEMReader(identity.privateKey).usePrivateKey(in: client.context, of: identity.certificateChain)
        }
        let link = try TLSLink(client: client, server: self.askingServer())
        _ = SSL_ctrl(link.client.session.connection, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
        link.settle()
        return link
    }

    @Test("RFC 9266 §2: both sides export the same octets, each connection others")
    func exporter() throws {
        var seen: Set<[UInt8]> = []
        for _ in 0..<3 {
            let link = try TLSLink(client: TLSClientContext(), server: Self.server(.init(bindsChannels: true)))
            link.settle()
            let bindings = try #require(link.server.session.state.parameters).channelBindings
            #expect(bindings.keys.sorted() == ["tls-exporter", "tls-server-end-point"])
            let octets = try #require(bindings["tls-exporter"])
            #expect(octets.count == 32)
            #expect(link.client.session.channelBindings()["tls-exporter"] == octets)
            seen.insert(octets)
        }
        #expect(seen.count == 3)
    }

    @Test("RFC 5929 §4: the end point is the certificate's hash; TLS 1.2 exports nothing")
    func endPoint() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Self.server(.init(bindsChannels: true)))
        _ = SSL_ctrl(link.client.session.connection, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        link.settle()
        let parameters = try #require(link.server.session.state.parameters)
        #expect(parameters.version == "TLSv1.2")
        let certificate = try #require(SSL_get0_peer_certificate(link.client.session.connection))
        var octets = [UInt8](repeating: 0, count: 32)
        #expect(X509_digest(certificate, EVP_sha256(), &octets, nil) == 1)
        #expect(parameters.channelBindings == ["tls-server-end-point": octets])
    }

    @Test("Nothing is told that nobody asked for") func off() throws {
        let link = try TLSLink(client: TLSClientContext(), server: Fixture.server(Fixture.mail))
        link.settle()
        let parameters = try #require(link.server.session.state.parameters)
        #expect(parameters.channelBindings.isEmpty)
        #expect(parameters.certifiedAddresses.isEmpty)
    }

    @Test("RFC 5280 §4.2.1.6: the addresses of a good certificate", arguments: [TLS1_3_VERSION, TLS1_2_VERSION])
    func addresses(version: Int32) throws {
        let expected: [(TLSIdentity?, [String])] = [
            (ClientCertificates.ann, ["ann@example.org"]),
            (ClientCertificates.two, ["ann@example.org", "bob@example.org"]),
            (ClientCertificates.nameless, []),
            (nil, []),
        ]
        for (identity, addresses) in expected {
            let link = try Self.link(identity, version: version)
            #expect(try #require(link.server.session.state.parameters).certifiedAddresses == addresses)
        }
    }

    @Test("Who shows a certificate that is not good is sent away", arguments: [TLS1_3_VERSION, TLS1_2_VERSION])
    func strangers(version: Int32) throws {
        for identity in [ClientCertificates.stranger, Fixture.web] {
            let link = try Self.link(identity, version: version)
            #expect(link.server.session.state.failure?.kind == .certificate)
            #expect(link.server.plaintext.isEmpty)
        }
    }

    @Test("A list of authorities that is none is told with its name") func badAuthorities() throws {
        let error = #expect(throws: TLSConfigurationError.self) {
            try Self.server(TLSClientAuthentication(authorities: "/nonexistent.pem"))
        }
        #expect(error?.source == "/nonexistent.pem")
    }
}
