// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SASLMechanisms
import Testing

@testable import SMTPServer

/// RFC 4954 §4 with SCRAM-SHA-256 (RFC 7677), whose octets are others each time: no transcript can have them.
@Suite("AUTH SCRAM-SHA-256", .timeLimit(.minutes(20))) struct ScramTests {
    private func encoded(_ octets: [UInt8]) -> String {
        String(decoding: SASLEncoding.encode(octets), as: UTF8.self)
    }

    private func challenge(_ reply: String) throws -> [UInt8] {
        #expect(reply.hasPrefix("334 "))
        return try #require(SASLEncoding.decode(Array(reply.utf8.dropFirst(4))[...]))
    }

    @Test(
        "The server proves that it knows the password in one more challenge, which is answered with nothing",
        arguments: [false, true]
    )
    func succeeds(hasInitialResponse: Bool) async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.ask("EHLO client.example.com")
            var scram = try ScramSHA256Client(user: "ann@example.org", password: #require(Password("secret")))
            let first = self.encoded(scram.initialResponse() ?? [])
            var reply = try await client.ask("AUTH SCRAM-SHA-256\(hasInitialResponse ? " \(first)" : "")")
            if !hasInitialResponse {
                #expect(reply == "334 ")
                reply = try await client.ask(first)
            }
            let proof = try scram.respond(to: try self.challenge(reply))
            let final = try self.challenge(try await client.ask(self.encoded(proof)))
            #expect(!scram.isComplete)
            #expect(try scram.respond(to: final).isEmpty)
            #expect(scram.isComplete)
            #expect(try await client.ask("") == "235 2.7.0 Authentication succeeded")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
        }
        try await fixture.close()
    }

    @Test("A wrong password fails at the proof; so does who does not wait for the server's") func wrong() async throws {
        let fixture = try await Fixture()
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.ask("EHLO client.example.com")
            for (password, isRight) in [("wrong", false), ("secret", true)] {
                var scram = try ScramSHA256Client(user: "ann@example.org", password: #require(Password(password)))
                let first = self.encoded(scram.initialResponse() ?? [])
                let proof = try scram.respond(
                    to: try self.challenge(try await client.ask("AUTH SCRAM-SHA-256 \(first)"))
                )
                var reply = try await client.ask(self.encoded(proof))
                if isRight {
                    #expect(reply.hasPrefix("334 "))
                    reply = try await client.ask("*")
                    #expect(reply == "501 5.7.0 Authentication cancelled")
                } else {
                    #expect(reply == "535 5.7.8 Authentication credentials invalid")
                }
                #expect(try await client.ask("MAIL FROM:<ann@example.org>") == "530 5.7.0 Authentication required")
            }
        }
        try await fixture.close()
    }
}
