// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Cryptography
@testable import SASLMechanisms

private let clientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
private let serverFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
private let withoutProof = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
private let proof = ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
private let serverFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

@Suite("RFC 5802 and RFC 7677: SCRAM-SHA-256, the server")
struct ScramSHA256Tests {
    @Test("RFC 7677 §3: the example", arguments: [true, false])
    func example(_ hasInitialResponse: Bool) async throws {
        var authenticator = try Directory.authenticator("SCRAM-SHA-256")
        if !hasInitialResponse {
            #expect(try await authenticator.start(initialResponse: nil).challenge == "")
        }
        let first =
            hasInitialResponse
            ? try await authenticator.start(initialResponse: octets(clientFirst))
            : try await authenticator.respond(to: octets(clientFirst))
        #expect(first.challenge == serverFirst)
        #expect(try await authenticator.respond(to: octets(withoutProof + proof)).challenge == serverFinal)
        #expect(try await authenticator.respond(to: []).identity == 1)
        #expect(try await authenticator.respond(to: []).isMalformed)
    }

    @Test(
        "§5.1, §7: what is no client-first-message",
        arguments: [
            "", "n", "n,", "n,,", ",,n=user,r=x", "x,,n=user,r=x", "n,,n=user", "n,,n=,r=x", "n,,n=user,r=",
            "n,,r=x,n=user", "n,,n=user,,r=x", "n,,n=user,r=x,", "n,,n=user,r=x,z", "n,,n=user,r=\u{E9}",
            "n,,n=user,r=a b", "n,,n=us=er,r=x", "n,,n=us=2,r=x", "n,,n=us=2c,r=x", "n,,n=user=,r=x",
            "n,,n=u\u{1}ser,r=x", "n,,m=1,n=user,r=x", "n,,n=user,r=x,m=1", "p=tls-unique,,n=user,r=x",
            "n,b=user,n=user,r=x", "N,,n=user,r=x", "n=1,,n=user,r=x", "n,,n=us\0er,r=x",
        ]
    )
    func clientFirstMalformed(_ message: String) async throws {
        var authenticator = try Directory.authenticator("SCRAM-SHA-256")
        #expect(try await authenticator.start(initialResponse: octets(message)).isMalformed)
        #expect(try await authenticator.respond(to: octets(clientFirst)).isMalformed)
    }

    @Test("§5.1: the authorization identity may only repeat the name")
    func authorization() async throws {
        for (identity, denied) in [("user", false), ("tim", true), ("use=72", true)] {
            var authenticator = try Directory.authenticator("SCRAM-SHA-256")
            let message = "n,a=\(identity),n=user,r=x"
            let outcome = try await authenticator.start(initialResponse: octets(message))
            #expect((outcome.failure == .authorizationDenied) == denied)
        }
    }

    @Test("§6: the flag y is honest, for we bind no channels; c= must repeat it")
    func flag() async throws {
        for (flag, sent, accepted) in [("y", "eSws", true), ("y", "biws", false), ("n", "eSws", false)] {
            var authenticator = try Directory.authenticator("SCRAM-SHA-256", nonce: "server")
            let bare = "n=user,r=client"
            let challenge = try #require(
                try await authenticator.start(initialResponse: octets("\(flag),,\(bare)")).challenge
            )
            let final = self.sign("c=\(sent),r=clientserver", bare, challenge, password: "pencil")
            let outcome = try await authenticator.respond(to: octets(final))
            #expect((outcome.challenge?.hasPrefix("v=") == true) == accepted)
            #expect(outcome.isMalformed != accepted)
        }
    }

    @Test("§5.1: optional extensions are ignored, and covered by the proof")
    func extensions() async throws {
        var authenticator = try Directory.authenticator("SCRAM-SHA-256", nonce: "server")
        let bare = "n=user,r=client,x=1=2"
        let challenge = try #require(try await authenticator.start(initialResponse: octets("n,," + bare)).challenge)
        let final = self.sign("c=biws,r=clientserver,y=z", bare, challenge, password: "pencil")
        #expect(try await authenticator.respond(to: octets(final)).challenge?.hasPrefix("v=") == true)
    }

    @Test(
        "§7: what is no client-final-message",
        arguments: [
            "", "c=biws", withoutProof, withoutProof + ",p=", withoutProof + ",p=AAAA", withoutProof + ",p=!!!!",
            withoutProof + proof + ",z=1", withoutProof + ",m=1" + proof, "c=biwt" + withoutProof.dropFirst(6) + proof,
            "c=" + withoutProof.dropFirst(6) + proof, "r=x,c=biws" + proof, "c=biws,r=rOprNGfwEbeRWgbNEkqO" + proof,
            withoutProof + "x" + proof, withoutProof + proof + "=", "," + withoutProof + proof,
        ]
    )
    func clientFinalMalformed(_ message: String) async throws {
        var authenticator = try Directory.authenticator("SCRAM-SHA-256")
        _ = try await authenticator.start(initialResponse: octets(clientFirst))
        #expect(try await authenticator.respond(to: octets(message)).isMalformed)
        #expect(try await authenticator.respond(to: octets(withoutProof + proof)).isMalformed)
    }

    @Test("A wrong password, and a proof replayed under another nonce, are refused")
    func wrong() async throws {
        var authenticator = try Directory.authenticator("SCRAM-SHA-256")
        _ = try await authenticator.start(initialResponse: octets(clientFirst))
        let final = self.sign(withoutProof, String(clientFirst.dropFirst(3)), serverFirst, password: "pencils")
        #expect(try await authenticator.respond(to: octets(final)).failure == .invalidCredentials)
        #expect(try await authenticator.respond(to: []).isMalformed)

        var replayed = try Directory.authenticator("SCRAM-SHA-256", nonce: "another")
        _ = try await replayed.start(initialResponse: octets(clientFirst))
        let nonce = "c=biws,r=rOprNGfwEbeRWgbNEkqOanother"
        #expect(try await replayed.respond(to: octets(nonce + proof)).failure == .invalidCredentials)
    }

    @Test("The server's last message must be acknowledged with nothing")
    func acknowledgement() async throws {
        var authenticator = try Directory.authenticator("SCRAM-SHA-256")
        _ = try await authenticator.start(initialResponse: octets(clientFirst))
        _ = try await authenticator.respond(to: octets(withoutProof + proof))
        #expect(try await authenticator.respond(to: octets("x")).isMalformed)
        #expect(try await authenticator.respond(to: []).isMalformed)
    }

    @Test("A-02: a user who does not exist has a salt of his own, always the same, and fails only at the proof")
    func unknown() async throws {
        var challenges: [String] = []
        for name in ["nobody", "nobody", "NoBody", "no=2Cbody"] {
            var authenticator = try Directory.authenticator("SCRAM-SHA-256", nonce: "server")
            let bare = "n=\(name),r=client"
            let challenge = try #require(
                try await authenticator.start(initialResponse: octets("n,," + bare)).challenge
            )
            challenges.append(challenge)
            let attributes = try #require(ScramMessage.attributes(octets(challenge)[...]))
            #expect(Base64.decode(attributes[1].value)?.count == PasswordVerifier.saltLength)
            #expect(ScramMessage.positiveNumber(attributes[2].value) == PasswordVerifier.defaultIterations)
            let final = self.sign("c=biws,r=clientserver", bare, challenge, password: "pencil", iterations: 30_000)
            #expect(try await authenticator.respond(to: octets(final)).failure == .invalidCredentials)
        }
        #expect(challenges[0] == challenges[1] && challenges[0] == challenges[2])
        #expect(challenges[0] != challenges[3])
    }

    @Test("A name may hold commas and equals signs", arguments: [("a=2Cb=3Dc", true), ("a=2Cb", false)])
    func escapes(_ name: String, _ known: Bool) async throws {
        var authenticator = try Directory.authenticator("SCRAM-SHA-256", nonce: "server")
        let challenge = try await authenticator.start(initialResponse: octets("n,,n=\(name),r=client")).challenge
        #expect((challenge == "r=clientserver,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096") == known)
    }

    /// The message with its proof, as RFC 5802 §3 computes it.
    private func sign(
        _ message: String,
        _ bare: String,
        _ challenge: String,
        password: String,
        iterations: Int = 4_096
    ) -> String {
        let salted = PBKDF2.sha256(password: octets(password), salt: Directory.rfc7677Salt, iterations: iterations)
        let clientKey = HMACSHA256.authenticationCode(for: octets("Client Key"), key: salted)
        let signature = HMACSHA256.authenticationCode(
            for: octets("\(bare),\(challenge),\(message)"),
            key: SHA256.hash(clientKey)
        )
        let proof = zip(clientKey, signature).map { $0 ^ $1 }
        return message + ",p=" + String(decoding: Base64.encode(proof), as: UTF8.self)
    }
}
