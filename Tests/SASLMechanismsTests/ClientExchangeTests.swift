// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SASLMechanisms

@Suite("SASL clients")
struct ClientExchangeTests {
    private func password(_ text: String) throws -> Password { try #require(Password(text)) }

    private func scram(_ nonce: String = "rOprNGfwEbeRWgbNEkqO") throws -> ScramSHA256Client {
        try ScramSHA256Client(user: "user", password: self.password("pencil"), nonce: nonce)
    }

    @Test("RFC 7677 §3: the example")
    func example() throws {
        var client = try self.scram()
        #expect(client.initialResponse() == octets("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"))
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        let expected =
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
            + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        #expect(try client.respond(to: octets(challenge)) == octets(expected))
        #expect(!client.isComplete)
        #expect(try client.respond(to: octets("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")) == [])
        #expect(client.isComplete)
        #expect(throws: SASLFailure.self) { try client.respond(to: []) }
    }

    @Test(
        "What a server may not say first",
        arguments: [
            "x", "r=other,s=W22Z,i=4096", "r=c,s=W22Z,i=4096", "r=cs,s=W22Z,i=4095", "r=cs,s=W22Z,i=999999999",
            "r=cs,s=W22Z,i=99999999999999999999", "r=cs,s=W22Z,i=04096", "r=cs,s=!,i=4096", "m=1,r=cs,s=W22Z,i=4096",
            "r=cs,s=W22Z,i=4096,m=1", "e=other-error", "r=cs,i=4096,s=W22Z", "r=cs,s=W22Z,i=-1",
        ]
    )
    func badServerFirst(_ challenge: String) throws {
        var client = try self.scram("c")
        _ = client.initialResponse()
        #expect(throws: SASLFailure.self) { try client.respond(to: octets(challenge)) }
        #expect(throws: SASLFailure.self) { try client.respond(to: octets("r=cs,s=W22Z,i=4096")) }
        #expect(!client.isComplete)
    }

    @Test(
        "A server that proves nothing is not believed",
        arguments: [
            ("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", SASLFailure.serverNotAuthenticated),
            ("v=", .malformed(expected: "a SCRAM server-final-message")), ("e=invalid-proof", .refusedByServer),
            ("x=abc", .serverNotAuthenticated), ("", .malformed(expected: "a SCRAM server-final-message")),
        ]
    )
    func badServerFinal(_ challenge: String, _ failure: SASLFailure) throws {
        var client = try self.scram("c")
        _ = client.initialResponse()
        _ = try client.respond(to: octets("r=cs,s=W22Z,i=4096"))
        #expect(throws: failure) { try client.respond(to: octets(challenge)) }
        #expect(!client.isComplete)
    }

    @Test("Every client gets into our own server, with and without initial response", arguments: [true, false])
    func ourselves(_ sendsInitialResponse: Bool) async throws {
        for (user, secret) in Directory.users {
            let password = try self.password(secret.password)
            let clients: [any SASLClientExchange] = [
                PlainClient(user: user, password: password), LoginClient(user: user, password: password),
                try ScramSHA256Client(user: user, password: password),
            ]
            for var client in clients {
                var server = try SASLAuthenticator(
                    mechanism: client.mechanism,
                    peer: .secure,
                    credentials: Directory.source()
                )
                let initial = sendsInitialResponse ? client.initialResponse() : nil
                var outcome = try await server.start(initialResponse: initial)
                while let challenge = outcome.challenge {
                    outcome = try await server.respond(to: client.respond(to: octets(challenge)))
                }
                #expect(outcome.identity == secret.id)
                #expect(client.isComplete)
            }
        }
    }

    @Test("A server that asks too often gets nothing more")
    func tooOften() throws {
        var login = LoginClient(user: "user", password: try self.password("pencil"))
        #expect(login.initialResponse() == nil)
        #expect(try login.respond(to: octets("User Name")) == octets("user"))
        #expect(!login.isComplete)
        #expect(try login.respond(to: octets("Secret?")) == octets("pencil"))
        #expect(throws: SASLFailure.self) { try login.respond(to: octets("Again:")) }
        var plain = PlainClient(user: "user", password: try self.password("pencil"))
        #expect(throws: SASLFailure.self) { try plain.respond(to: octets("Password:")) }
    }
}
