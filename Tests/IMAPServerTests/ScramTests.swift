// SPDX-License-Identifier: Apache-2.0

import SASLMechanisms
import TestSupport
import Testing

@testable import IMAPServer

/// RFC 9051 §6.2.2 with SCRAM-SHA-256 (RFC 7677), whose octets are others each time: no transcript can have them.
@Suite("AUTHENTICATE SCRAM-SHA-256", .timeLimit(.minutes(20))) struct ScramTests {
    private func encoded(_ octets: [UInt8]) -> String {
        String(decoding: SASLEncoding.encode(octets), as: UTF8.self)
    }

    /// Sends the first message, with the command or behind a challenge that is empty, and the proof; the server's answer
    /// to that.
    private func answerToProof(
        _ scram: inout ScramSHA256Client,
        from client: LiveClient,
        hasInitialResponse: Bool
    ) async throws -> String {
        let first = self.encoded(scram.initialResponse() ?? [])
        if hasInitialResponse {
            client.send("a AUTHENTICATE SCRAM-SHA-256 \(first)\r\n")
        } else {
            client.send("a AUTHENTICATE SCRAM-SHA-256\r\n")
            #expect(try await client.line() == "+ ")
            client.send("\(first)\r\n")
        }
        let proof = try scram.respond(to: try self.challenge(try await client.line()))
        client.send("\(self.encoded(proof))\r\n")
        return try await client.line()
    }

    private func challenge(_ line: String) throws -> [UInt8] {
        #expect(line.hasPrefix("+ "))
        return try #require(SASLEncoding.decode(Array(line.utf8.dropFirst(2))[...]))
    }

    @Test(
        "The server proves that it knows the password in one more challenge, which is answered with nothing",
        arguments: [false, true]
    )
    func succeeds(hasInitialResponse: Bool) async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await LiveClient.with(of: fixture.service) { clients in
            let client = clients[0]
            #expect(try await client.line().contains(" AUTH=SCRAM-SHA-256 "))
            var scram = try ScramSHA256Client(user: "ann@example.org", password: #require(Password("secret")))
            let final = try await self.answerToProof(&scram, from: client, hasInitialResponse: hasInitialResponse)
            #expect(!scram.isComplete)
            #expect(try scram.respond(to: try self.challenge(final)).isEmpty)
            #expect(scram.isComplete)
            client.send("\r\n")
            #expect(try await client.line().hasPrefix("a OK [CAPABILITY "))
            client.send("b STATUS INBOX (MESSAGES)\r\n")
            #expect(try await client.line() == "* STATUS INBOX (MESSAGES 0)")
            #expect(try await client.line() == "b OK STATUS completed")
        }
        try await fixture.close()
    }

    @Test("Before the empty response nobody is logged in; with another or none it never comes to that")
    func unacknowledged() async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await LiveClient.with(of: fixture.service) { clients in
            let client = clients[0]
            _ = try await client.line()
            for answer in ["eA==", "*"] {
                var scram = try ScramSHA256Client(user: "ann@example.org", password: #require(Password("secret")))
                let final = try await self.answerToProof(&scram, from: client, hasInitialResponse: true)
                _ = try scram.respond(to: try self.challenge(final))
                client.send("\(answer)\r\n")
                let refusal = try await client.line()
                #expect(refusal.hasPrefix("a BAD ") || refusal.hasPrefix("a NO "))
                client.send("b STATUS INBOX (MESSAGES)\r\n")
                #expect(try await client.line().hasPrefix("b BAD "))
            }
        }
        try await fixture.close()
    }

    @Test("A wrong password, and a name that nobody has, fail at the proof", arguments: ["ann", "nobody"])
    func wrong(name: String) async throws {
        let fixture = try await Fixture(clock: TestClock())
        try await LiveClient.with(of: fixture.service) { clients in
            let client = clients[0]
            _ = try await client.line()
            var scram = try ScramSHA256Client(user: "\(name)@example.org", password: #require(Password("wrong")))
            let answer = try await self.answerToProof(&scram, from: client, hasInitialResponse: true)
            #expect(answer == "a NO [AUTHENTICATIONFAILED] Authentication failed")
            client.send("b LOGIN ann@example.org secret\r\n")
            #expect(try await client.line().hasPrefix("b OK "))
        }
        try await fixture.close()
    }
}
