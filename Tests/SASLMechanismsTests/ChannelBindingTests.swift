// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cryptography
@testable import SASLMechanisms

/// SCRAM-SHA-256-PLUS (RFC 5802 §6) and EXTERNAL (RFC 4422 appendix A).
@Suite("Channel binding and certificates")
struct ChannelBindingTests {
    private static let exporter = [UInt8](0..<32)
    private static let endPoint = [UInt8](repeating: 0xAB, count: 32)
    private static let bound = SASLPeer(
        address: "192.0.2.1",
        allowsPlaintextPasswords: true,
        channelBindings: ["tls-exporter": exporter, "tls-server-end-point": endPoint]
    )

    private static func server(_ mechanism: String, _ peer: SASLPeer = bound) throws -> SASLAuthenticator<Int> {
        try SASLAuthenticator(mechanism: mechanism, peer: peer, credentials: Directory.source(), nonce: "s")
    }

    /// A client's whole exchange with a GS2 header, and what it takes for its channel's binding.
    private static func exchange(
        _ mechanism: String,
        header: String,
        binding: [UInt8],
        password: String = "pencil"
    ) async throws -> SASLOutcome<Int> {
        var server = try self.server(mechanism)
        let bare = "n=user,r=c"
        let first = try await server.start(initialResponse: octets(header + bare))
        guard let serverFirst = first.challenge else { return first }
        let cbind = String(decoding: Base64.encode(octets(header) + binding), as: UTF8.self)
        let withoutProof = "c=\(cbind),r=cs"
        let keys = ScramKeys(
            password: try #require(Password(password)),
            salt: Directory.rfc7677Salt,
            iterations: 4_096
        )
        let message = octets("\(bare),\(serverFirst),\(withoutProof)")
        let signature = HMACSHA256.authenticationCode(for: message, key: keys.storedKey)
        let proof = Base64.encode(ScramKeys.exclusiveOr(keys.clientKey, signature))
        let final = try await server.respond(to: octets(withoutProof + ",p=") + proof)
        guard final.challenge != nil else { return final }
        return try await server.respond(to: [])
    }

    @Test("It is offered where there is something to bind to, and then first of the passwords")
    func offer() throws {
        #expect(
            Directory.source().mechanisms(for: Self.bound) == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]
        )
        #expect(throws: SASLFailure.unknownMechanism) { try Self.server("SCRAM-SHA-256-PLUS", .secure) }
    }

    @Test("§6: a client that sees the same channel gets in, with either binding")
    func sameChannel() async throws {
        for (name, octets) in Self.bound.channelBindings {
            let outcome = try await Self.exchange("SCRAM-SHA-256-PLUS", header: "p=\(name),,", binding: octets)
            #expect(outcome.identity == 1)
            let wrong = try await Self.exchange(
                "SCRAM-SHA-256-PLUS",
                header: "p=\(name),,",
                binding: octets,
                password: "x"
            )
            #expect(wrong.failure == .invalidCredentials)
        }
    }

    @Test("§6: one that sees another channel does not")
    func otherChannel() async throws {
        for binding in [[], Self.endPoint, Array(Self.exporter.dropLast())] {
            let outcome = try await Self.exchange(
                "SCRAM-SHA-256-PLUS",
                header: "p=tls-exporter,,",
                binding: binding
            )
            #expect(outcome.failure == .invalidCredentials)
        }
    }

    @Test("§6: a client that was not shown -PLUS is warned of whoever hid it")
    func downgrade() async throws {
        #expect(
            try await Self.exchange("SCRAM-SHA-256", header: "y,,", binding: []).failure == .invalidCredentials
        )
        #expect(try await Self.exchange("SCRAM-SHA-256", header: "n,,", binding: []).identity == 1)
    }

    @Test(
        "§6: name and flag must agree",
        arguments: [
            ("SCRAM-SHA-256-PLUS", "n,,"), ("SCRAM-SHA-256-PLUS", "y,,"), ("SCRAM-SHA-256-PLUS", "p=tls-unique,,"),
            ("SCRAM-SHA-256-PLUS", "p=,,"), ("SCRAM-SHA-256-PLUS", "p,,"), ("SCRAM-SHA-256", "p=tls-exporter,,"),
        ]
    )
    func disagreement(_ mechanism: String, _ header: String) async throws {
        #expect(try await Self.exchange(mechanism, header: header, binding: Self.exporter).isMalformed)
    }

    // MARK: EXTERNAL

    private static func external(_ response: String?, _ addresses: String...) async throws -> SASLOutcome<Int> {
        let peer = SASLPeer(address: "192.0.2.1", allowsPlaintextPasswords: true, certifiedAddresses: addresses)
        var server = try self.server("EXTERNAL", peer)
        return try await server.start(initialResponse: response.map { octets($0) })
    }

    @Test("RFC 4422 §A.1: the certificate says who it is, or who it may be")
    func external() async throws {
        #expect(try await Self.external("", "tim").identity == 2)
        #expect(try await Self.external("tim", "tim").identity == 2)
        #expect(try await Self.external("tim", "user", "tim").identity == 2)
        #expect(try await Self.external(nil, "tim").challenge == "")
        #expect(try await Self.external("", "user", "tim").failure == .authorizationDenied)
        #expect(try await Self.external("user", "tim").failure == .authorizationDenied)
        #expect(try await Self.external("", "nobody").failure == .invalidCredentials)
        #expect(try await Self.external("ti\0m", "tim").isMalformed)
    }

    @Test("From where somebody came with a certificate is known") func externalIsKnown() async throws {
        let guesses = GuessCounter(GuessLimits(), now: { .zero }, octets: { $0 == "192.0.2.1" ? [192, 0, 2, 1] : nil })
        let peer = SASLPeer(address: "192.0.2.1", allowsPlaintextPasswords: true, certifiedAddresses: ["tim"])
        func logIn(as user: String) async throws {
            var server = try SASLAuthenticator(
                mechanism: "EXTERNAL",
                peer: peer,
                credentials: Directory.source(guesses: guesses)
            )
            _ = try await server.start(initialResponse: octets(user))
        }
        try await logIn(as: "user")
        #expect(!guesses.knows("192.0.2.1"))
        try await logIn(as: "tim")
        #expect(guesses.knows("192.0.2.1"))
    }

    @Test("EXTERNAL is for those who showed a certificate") func noCertificate() {
        #expect(throws: SASLFailure.unknownMechanism) { try Self.server("EXTERNAL") }
        let peer = SASLPeer(address: "192.0.2.1", allowsPlaintextPasswords: false, certifiedAddresses: ["tim"])
        #expect(Directory.source().mechanisms(for: peer) == ["EXTERNAL", "SCRAM-SHA-256"])
    }
}
