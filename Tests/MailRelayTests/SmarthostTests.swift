// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailStorage
import SASLMechanisms
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import MailRelay

@Suite struct SmarthostTests {
    private static func smarthost(
        _ options: inout RelayService.Options,
        _ security: Smarthost.Security,
        password: String = "secret"
    ) {
        options.smarthosts = [
            SmarthostRule(
                smarthost: Smarthost(
                    host: "out.example",
                    port: 587,
                    security: security,
                    login: .init(user: "ann") { try #require(Password(password)) }
                )
            )
        ]
    }

    @Test(arguments: [
        (Smarthost.Security.implicit, RelayTarget.Security.implicit(.verified(name: "out.example"))),
        (.startTLS, .startTLS(.verified(name: "out.example"))), (.opportunistic, .startTLS(.none)),
    ]) func smarthost(security: Smarthost.Security, expected: RelayTarget.Security) async throws {
        let fixture = try await Fixture { Self.smarthost(&$0, security) }
        fixture.sinks.set {
            $0.extensions = ["STARTTLS", "AUTH PLAIN", "PIPELINING"]
            $0.reply = { command, isSecure in
                guard command.hasPrefix("AUTH") else { return nil }
                return command == "AUTH PLAIN AGFubgBzZWNyZXQ=" && isSecure ? "235 2.7.0 ok" : "535 5.7.8 no"
            }
        }
        try await fixture.enqueue(["a@one.example", "b@two.example"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(
            fixture.sinks.record.targets == [
                RelayTarget(
                    address: Names.address(of: "out.example"),
                    port: 587,
                    serverName: "out.example",
                    security: expected
                )
            ]
        )
        #expect(fixture.sinks.record.messages.map(\.recipients.count) == [2], "all go the same way")
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [true])
    }

    /// what requires TLS never goes without, and a password neither.
    @Test(arguments: [Smarthost.Security.startTLS, .opportunistic], [true, false])
    func smarthostWithoutTLS(security: Smarthost.Security, isOffered: Bool) async throws {
        let fixture = try await Fixture { Self.smarthost(&$0, security) }
        fixture.sinks.set {
            $0.extensions = isOffered ? ["STARTTLS", "AUTH PLAIN"] : ["AUTH PLAIN"]
            $0.canTLS = false
        }
        try await fixture.enqueue(["a@one.example"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(!fixture.sinks.record.commands.contains { $0.hasPrefix("AUTH") || $0.hasPrefix("MAIL") })
        #expect(try await fixture.queue().count == 1)
    }

    @Test("A smarthost whose TLS is broken is left alone, as one that cannot be reached") func rests() async throws {
        let fixture = try await Fixture {
            Self.smarthost(&$0, .startTLS)
            $0.attemptsPerDestination = 1
        }
        fixture.sinks.set {
            $0.extensions = ["STARTTLS", "AUTH PLAIN"]
            $0.canTLS = false
        }
        for number in 0..<5 { try await fixture.enqueue(["a\(number)@one.example"]) }
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.targets.count == 1)
        #expect(try await fixture.queue().count == 5)
    }

    @Test("Our password being refused is no answer about a message, whatever that requires", arguments: [true, false])
    func smarthostRefusesThePassword(requiresTLS: Bool) async throws {
        let fixture = try await Fixture { Self.smarthost(&$0, .implicit, password: "hunter2") }
        fixture.sinks.set {
            $0.extensions = ["AUTH PLAIN"]
            $0.reply = { command, _ in command.hasPrefix("AUTH") ? "535 5.7.8 no" : nil }
        }
        try await fixture.enqueue(["a@one.example"]) { $0.requiresTLS = requiresTLS }
        try await fixture.relaying { try await fixture.untilIdle() }
        let reply = try #require(try await fixture.queue().first?.recipients.first?.lastReply)
        #expect(reply.contains("authentication failed: 535"))
        #expect(!reply.contains("hunter2"))
    }

    /// There are servers that quote what they do not like.
    @Test(arguments: ["535 5.7.8", "421 4.7.0", "500", "334 nonsense"]) func smarthostQuotesThePassword(
        reply: String
    ) async throws {
        let fixture = try await Fixture { Self.smarthost(&$0, .implicit) }
        fixture.sinks.set {
            $0.extensions = ["AUTH PLAIN"]
            $0.reply = { command, _ in
                command.hasPrefix("AUTH") || command == "*" ? "\(reply) \(command)" : nil
            }
        }
        try await fixture.enqueue(["a@one.example"])
        let lines = LogLines()
        try await fixture.relaying(logger: lines.logger) { try await fixture.untilIdle() }
        let last = try #require(try await fixture.queue().first?.recipients.first?.lastReply)
        #expect(!last.contains("AGFubgBzZWNyZXQ="))
        #expect(!lines.all.contains { $0.text.contains("AGFubgBzZWNyZXQ=") })
    }

    /// What a smarthost minds are our settings, which can be mended.
    @Test func smarthostDoesNotTalkToUs() async throws {
        let fixture = try await Fixture { Self.smarthost(&$0, .implicit) }
        fixture.sinks.set { $0.greeting = "554 5.7.1 you are blocked" }
        try await fixture.enqueue(["a@one.example"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(try await fixture.queue().count == 1)
    }

    /// The whole exchange, against our own server's side; the right password and a wrong one.
    @Test(arguments: ["secret", "hunter2"]) func smarthostWithScram(password: String) async throws {
        let verifier = try PasswordVerifier(
            password: #require(Password("secret")),
            salt: [1, 2, 3, 4, 5, 6, 7, 8],
            iterations: 4096
        )
        let server = ScramServer(
            CredentialSource(unknownUserKey: Array(repeating: 1, count: 32), work: PasswordWork(width: 1)) { _ in
                StoredCredential(identity: "ann", verifier: verifier)
            }
        )
        let fixture = try await Fixture { Self.smarthost(&$0, .implicit, password: password) }
        fixture.sinks.set {
            $0.extensions = ["AUTH SCRAM-SHA-256 PLAIN"]
            $0.reply = { command, _ in await server.reply(to: command) }
        }
        try await fixture.enqueue(["a@one.example"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.messages.count == (password == "secret" ? 1 : 0))
        #expect(!fixture.sinks.record.commands.contains { $0.hasPrefix("AUTH PLAIN") })
    }

    /// The server's side of AUTH.
    private final class ScramServer: Sendable {
        private let credentials: CredentialSource<String>
        private let exchange = Mutex<SASLAuthenticator<String>?>(nil)

        init(_ credentials: CredentialSource<String>) { self.credentials = credentials }

        /// The reply to AUTH and to what follows it; nil to anything else.
        func reply(to line: String) async -> String? {
            let prefix = "AUTH SCRAM-SHA-256 "
            let outcome: SASLOutcome<String>?
            var authenticator: SASLAuthenticator<String>?
            if line.hasPrefix(prefix) {
                authenticator = try? SASLAuthenticator(
                    mechanism: "SCRAM-SHA-256",
                    peer: SASLPeer(address: "192.0.2.1", allowsPlaintextPasswords: false),
                    credentials: self.credentials
                )
                let response = SASLEncoding.decode(Array(line.utf8.dropFirst(prefix.utf8.count))[...])
                outcome = try? await authenticator?.start(initialResponse: response)
            } else {
                authenticator = self.exchange.withLock { $0 }
                guard authenticator != nil else { return nil }
                outcome = try? await authenticator?.respond(to: SASLEncoding.decode(Array(line.utf8)[...]) ?? [])
            }
            let next = authenticator
            self.exchange.withLock { exchange in exchange = nil }
            switch outcome {
            case .challenge(let challenge):
                self.exchange.withLock { exchange in exchange = next }
                return "334 " + String(decoding: SASLEncoding.encode(challenge), as: UTF8.self)
            case .success: return "235 2.7.0 ok"
            case .failure, nil: return "535 5.7.8 no"
            }
        }
    }
}
