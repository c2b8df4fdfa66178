// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Testing

@testable import Cryptography

@Suite("TLS negotiation: certificates, names, protocols")
struct TLSNegotiationTests {
    @Test(
        "A verified name must be in the certificate",
        arguments: [
            ("mail.example", true), ("MAIL.example.", true), ("127.0.0.1", true), ("::1", true),
            ("other.example", false), ("127.0.0.2", false), ("example", false), ("x.mail.example", false),
        ]
    )
    func names(_ name: String, _ fits: Bool) throws {
        let link = try TLSLink(
            client: Fixture.client(trusting: Fixture.mail),
            server: Fixture.server(Fixture.mail),
            serverName: name,
            verification: .verified(name: name)
        )
        link.settle()
        if fits {
            #expect(link.client.session.state.parameters != nil)
            #expect(link.server.session.state.parameters != nil)
        } else {
            #expect(link.client.session.state.failure?.kind == .certificate)
            #expect(link.server.session.state.failure != nil)
        }
    }

    @Test("An authority nobody trusts is refused, unless nothing is demanded")
    func trust() throws {
        let refused = try TLSLink(
            client: Fixture.client(trusting: Fixture.web),
            server: Fixture.server(Fixture.mail),
            verification: .verified(name: "mail.example")
        )
        refused.settle()
        #expect(refused.client.session.state.failure?.kind == .certificate)
        let system = try TLSLink(
            client: TLSClientContext(trust: .system),
            server: Fixture.server(Fixture.mail),
            verification: .verified(name: "mail.example")
        )
        system.settle()
        #expect(system.client.session.state.failure?.kind == .certificate)
        let opportunistic = try TLSLink(
            client: Fixture.client(trusting: Fixture.web),
            server: Fixture.server(Fixture.mail)
        )
        opportunistic.settle()
        #expect(opportunistic.client.session.state.parameters != nil)
    }

    @Test("An expired certificate is refused, one not yet valid too", arguments: [-30, 30])
    func validity(_ days: Int64) throws {
        let identity = Fixture.identity("mail.example", notBefore: Fixture.now + days * 86_400, days: 7)
        let link = try TLSLink(
            client: Fixture.client(trusting: identity),
            server: Fixture.server(identity),
            verification: .verified(name: "mail.example")
        )
        link.settle()
        #expect(link.client.session.state.failure?.kind == .certificate)
    }

    @Test("Nobody can demand an empty name")
    func emptyName() throws {
        let context = try TLSClientContext()
        #expect(throws: OpenSSLError.self) {
            try TLSSession(context, serverName: nil, verification: .verified(name: ""))
        }
    }

    @Test(
        "The server name chooses the certificate; an unknown one gets the first",
        arguments: [
            ("mail.example", 0), ("www.example", 1), ("WWW.EXAMPLE", 1), ("a.wild.example", 1),
            ("a.b.wild.example", 0), ("unknown.example", 0), (nil, 0),
        ] as [(String?, Int)]
    )
    func serverName(_ name: String?, _ index: Int) throws {
        let identities = [Fixture.mail, Fixture.web]
        // Only the expected certificate is trusted, and must bear the name if it is known.
        let verified = ["mail.example", "www.example"][index]
        let link = try TLSLink(
            client: Fixture.client(trusting: identities[index]),
            server: TLSServerContext(identities: identities, applicationProtocols: []),
            serverName: name,
            verification: .verified(name: verified)
        )
        link.settle()
        #expect(link.client.session.state.parameters != nil)
        #expect(link.server.session.state.parameters?.serverName == name?.lowercased())
    }

    @Test(
        "RFC 7301 §3.2: the server's order decides; none in common is an alert; no offer is let in",
        arguments: [
            (["imap"], ["imap"], "imap"), (["http/1.1", "imap"], ["imap"], "imap"),
            (["b", "a"], ["a", "b"], "a"), ([], ["imap"], nil), (["h2"], [], nil),
        ] as [([String], [String], String?)]
    )
    func protocols(_ offered: [String], _ known: [String], _ chosen: String?) throws {
        let link = try TLSLink(
            client: TLSClientContext(applicationProtocols: offered),
            server: Fixture.server(Fixture.mail, protocols: known)
        )
        link.settle()
        let server = try #require(link.server.session.state.parameters)
        #expect(server.applicationProtocol == chosen)
        #expect(link.client.session.state.parameters?.applicationProtocol == chosen)
    }

    @Test("T-05: a client that offers only other protocols gets no_application_protocol", arguments: [1, 2])
    func mismatch(_ identities: Int) throws {
        let link = try TLSLink(
            client: TLSClientContext(applicationProtocols: ["http/1.1", "h2"]),
            server: TLSServerContext(
                identities: Array([Fixture.mail, Fixture.web].prefix(identities)),
                applicationProtocols: ["imap"]
            ),
            serverName: "www.example"
        )
        link.settle()
        #expect(link.server.session.state.failure?.kind == .handshake)
        let told = try #require(link.client.session.state.failure)
        #expect(told.reason.contains("no application protocol"))
    }

    @Test("A list of protocols that lies about its lengths has no choice in it")
    func hostileProtocols() {
        let protocols = ApplicationProtocols(["imap"])
        for list in [[4, 105, 109], [255], [0, 0, 0], [200, 1], []] as [[UInt8]] {
            #expect(list.withUnsafeBytes { protocols.choice(in: $0) } == nil)
        }
        let list: [UInt8] = [1, 120, 4, 105, 109, 97, 112]
        #expect(list.withUnsafeBytes { protocols.choice(in: $0) } == 3..<7)
        #expect(protocols.wireFormat == [4, 105, 109, 97, 112])
    }

    @Test("TLS 1.1 is refused, TLS 1.2 accepted")
    func versions() throws {
        for (version, accepted) in [(TLS1_1_VERSION, false), (TLS1_2_VERSION, true)] {
            let client = try TLSClientContext()
            _ = SSL_CTX_ctrl(client.context.pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(version), nil)
            _ = SSL_CTX_ctrl(client.context.pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version), nil)
            let link = try TLSLink(client: client, server: Fixture.server(Fixture.mail))
            link.settle()
            #expect((link.server.session.state.parameters?.version == "TLSv1.2") == accepted)
            #expect((link.server.session.state.failure != nil || link.client.session.state.failure != nil) != accepted)
        }
    }

    @Test(
        "T-07: of TLS 1.2, only forward secrecy with authenticated encryption",
        arguments: [
            ("ECDHE-ECDSA-AES128-GCM-SHA256", true), ("ECDHE-ECDSA-CHACHA20-POLY1305", true),
            ("ECDHE-ECDSA-AES128-SHA256", false), ("ECDHE-ECDSA-AES256-SHA", false),
        ]
    )
    func ciphers(_ name: String, _ accepted: Bool) throws {
        let client = try TLSClientContext()
        _ = SSL_CTX_ctrl(client.context.pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        let session = try TLSSession(client, serverName: nil, verification: .none)
        #expect(SSL_set_cipher_list(session.connection, name) == 1)
        let link = TLSLink(client: TLSEnd(session), server: TLSEnd(try TLSSession(Fixture.server(Fixture.mail))))
        link.settle()
        #expect(link.server.session.state.parameters?.cipher == (accepted ? name : nil))
        #expect((link.server.session.state.failure?.kind == .handshake) != accepted)
    }
}
