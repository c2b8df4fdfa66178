// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SASLMechanisms

/// OAUTHBEARER (RFC 7628) and XOAUTH2.
@Suite("Access tokens")
struct BearerTokenTests {
    private struct NoAnswer: Error {}

    /// `tims` is Tim's token, `nobodys` that of somebody who has no account, `none` of nobody; `broken` breaks the
    /// authority.
    private static func authority() -> TokenAuthority {
        let holders = ["tims": "tim", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==": "user", "nobodys": "nobody"]
        return TokenAuthority(scope: "mail") { token in
            if token == "broken" { throw NoAnswer() }
            return holders[token]
        }
    }

    private static func server(
        _ mechanism: String = "OAUTHBEARER",
        guesses: GuessCounter? = nil
    ) throws -> SASLAuthenticator<Int> {
        try SASLAuthenticator(mechanism: mechanism, peer: .secure, credentials: Self.source(guesses: guesses))
    }

    private static func source(guesses: GuessCounter? = nil) -> CredentialSource<Int> {
        CredentialSource(
            unknownUserKey: [1],
            work: Directory.work,
            guesses: guesses,
            tokens: self.authority()
        ) { name in
            Directory.users[name].map { StoredCredential(identity: $0.id, verifier: Directory.verifier($0.password)) }
        }
    }

    private static func start(_ response: String, _ mechanism: String = "OAUTHBEARER") async throws -> SASLOutcome<Int>
    {
        var server = try self.server(mechanism)
        return try await server.start(initialResponse: octets(response))
    }

    @Test("They are offered if somebody knows about tokens, and nobody listens") func offer() throws {
        #expect(
            Self.source().mechanisms(for: .secure) == ["SCRAM-SHA-256", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"]
        )
        #expect(Self.source().mechanisms(for: .clear) == ["SCRAM-SHA-256"])
        #expect(throws: SASLFailure.encryptionRequired) {
            try SASLAuthenticator(mechanism: "XOAUTH2", peer: .clear, credentials: Self.source())
        }
    }

    @Test(
        "RFC 7628 §3.1, §4.1: whose token it is gets in",
        arguments: [
            ("n,,\u{1}auth=Bearer tims\u{1}\u{1}", 2), ("y,,\u{1}auth=Bearer tims\u{1}\u{1}", 2),
            ("n,a=tim,\u{1}host=server.example.com\u{1}port=143\u{1}auth=bearer  tims\u{1}\u{1}", 2),
            ("n,a=TIM,\u{1}unknown=\r\n\u{1}auth=Bearer tims\u{1}\u{1}", 2),
            (
                "n,a=user,\u{1}host=server.example.com\u{1}port=143\u{1}"
                    + "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u{1}\u{1}", 1
            ),
        ]
    )
    func bearer(_ response: String, _ id: Int) async throws {
        var server = try Self.server()
        #expect(try await server.start(initialResponse: octets(response)).identity == id)
        #expect(try await server.isStillValid())
        server = try Self.server()
        #expect(try await server.start(initialResponse: nil).challenge == "")
        #expect(try await server.respond(to: octets(response)).identity == id)
    }

    @Test(
        "§3.2.2, §3.2.3: a refused token is told, and fails behind whatever the client answers",
        arguments: ["none", "nobodys"],
        ["\u{1}", "", "n,,\u{1}auth=Bearer tims\u{1}\u{1}"]
    )
    func refused(_ token: String, _ answer: String) async throws {
        var server = try Self.server()
        let error = try await server.start(initialResponse: octets("n,,\u{1}auth=Bearer \(token)\u{1}\u{1}"))
        #expect(error.challenge == #"{"status":"invalid_token","scope":"mail"}"#)
        #expect(try await server.respond(to: octets(answer)).failure == .invalidCredentials)
        #expect(try await server.respond(to: octets(answer)).isMalformed)
    }

    @Test("Nobody acts for somebody else") func authorization() async throws {
        let outcome = try await Self.start("n,a=user,\u{1}auth=Bearer tims\u{1}\u{1}")
        #expect(outcome.challenge?.contains("invalid_token") == true)
    }

    @Test(
        "§3.1: what is no client response",
        arguments: [
            "", "\u{1}", "\u{1}\u{1}", "n,,", "n,,\u{1}", "n,,\u{1}\u{1}", "n,,\u{1}auth=Bearer tims",
            "n,,\u{1}auth=Bearer tims\u{1}",
            "p=tls-exporter,,\u{1}auth=Bearer tims\u{1}\u{1}", "n,tim,\u{1}auth=Bearer tims\u{1}\u{1}",
            "n,a=,\u{1}auth=Bearer tims\u{1}\u{1}", "n,,x\u{1}auth=Bearer tims\u{1}\u{1}",
            "n\u{1}auth=Bearer tims\u{1}\u{1}",
            "n,,\u{1}auth=Basic tims\u{1}\u{1}", "n,,\u{1}auth=Bearer \u{1}\u{1}",
            "n,,\u{1}auth=Bearer ti ms\u{1}\u{1}",
            "n,,\u{1}auth=Bearer =tims\u{1}\u{1}", "n,,\u{1}auth=Bearer tims&x\u{1}\u{1}",
            "n,,\u{1}auth=Bearer t\u{E9}\u{1}\u{1}",
            "n,,\u{1}auth=Bearer tims\u{1}auth=Bearer tims\u{1}\u{1}", "n,,\u{1}auth=Bearer\u{1}\u{1}",
        ]
    )
    func malformed(_ response: String) async throws {
        #expect(try await Self.start(response).isMalformed)
    }

    @Test("XOAUTH2: the user must be the token's, and is told otherwise in its own JSON") func xoauth2() async throws {
        #expect(try await Self.start("user=tim\u{1}auth=Bearer tims\u{1}\u{1}", "XOAUTH2").identity == 2)
        #expect(try await Self.start("auth=Bearer tims\u{1}\u{1}", "XOAUTH2").isMalformed)
        #expect(try await Self.start("user=\u{1}auth=Bearer tims\u{1}\u{1}", "XOAUTH2").isMalformed)
        var server = try Self.server("xoauth2")
        let error = try await server.start(initialResponse: octets("user=user\u{1}auth=Bearer tims\u{1}\u{1}"))
        #expect(error.challenge == #"{"status":"401","schemes":"bearer","scope":"mail"}"#)
        #expect(try await server.respond(to: []).failure == .invalidCredentials)
    }

    @Test("If the authority cannot tell, that is nobody's fault") func broken() async throws {
        let counter = Self.counter()
        for _ in 0..<10 {
            var server = try Self.server(guesses: counter)
            let outcome = try await server.start(initialResponse: octets("n,,\u{1}auth=Bearer broken\u{1}\u{1}"))
            #expect(outcome.failure == .unavailable)
        }
    }

    private static func counter() -> GuessCounter {
        var options = GuessLimits.Options()
        options.perHour = 10
        return GuessCounter(GuessLimits(options), now: { .zero }) { text in
            text.split(separator: ".").compactMap { UInt8($0) }
        }
    }

    @Test("A-01: who has a right token makes nobody else known where he is, nor long names remembered")
    func owner() async throws {
        let source = Self.source(guesses: Self.counter())
        func guess(_ user: String, isRight: Bool) async throws -> Int? {
            try await source.guess(as: user, from: "192.0.2.1") { isRight ? (found: 7, owner: "tim") : nil }
        }
        #expect(try await guess("user", isRight: true) == 7)
        #expect(try await guess("TIM", isRight: true) == 7)
        let long = String(repeating: "x", count: 321)
        #expect(try await guess(long, isRight: true) == nil)
        #expect(
            try await source.authenticate(user: long, password: #require(Password("x")), from: "192.0.2.1") == nil
        )
        for _ in 0..<2 { #expect(try await guess("nobody", isRight: false) == nil) }
        await #expect(throws: SASLFailure.tooManyGuesses) { try await guess("nobody", isRight: false) }
        await #expect(throws: SASLFailure.tooManyGuesses) { try await guess("user", isRight: false) }
        // He himself is known.
        #expect(try await guess("tim", isRight: true) == 7)
    }

    @Test("A-01: tokens are counted like passwords") func guesses() async throws {
        let counter = Self.counter()
        for round in 0..<5 {
            var server = try Self.server(guesses: counter)
            let outcome = try await server.start(initialResponse: octets("n,a=tim,\u{1}auth=Bearer none\u{1}\u{1}"))
            if round < 2 { #expect(outcome.challenge != nil) } else { #expect(outcome.failure == .tooManyGuesses) }
        }
    }
}
