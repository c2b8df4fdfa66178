// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import SQLiteStorage
import SenderAuthentication
import TestSupport
import Testing

@testable import SMTPServer

/// RFC 8617 §5.1: what is sent on says what was found out about who sent it.
@Suite("What is sent on is sealed") struct ForwardingSealTests {
    private static let key = Result { try SigningKey.generateRSA(bits: 1024) }

    /// A fixture with a key of example.org, and what that publishes beside what others do.
    private func fixture(
        algorithm: StoredSigningKey.Algorithm = .rsa,
        filters: FilterPolicy = FilterPolicy()
    ) async throws -> (Fixture, TestSenders) {
        let key = algorithm == .rsa ? try Self.key.get() : try SigningKey.generateEd25519()
        var senders = TestSenders()
        senders.texts["s._domainkey.example.org"] = key.publicKey.dkimRecord
        let fixture = try await Fixture(senders: senders.policy(), signs: true, filters: filters)
        try await fixture.store.addSigningKeys([
            StoredSigningKey(
                domain: "example.org",
                selector: "s",
                algorithm: algorithm,
                pem: try key.pem(),
                addedAt: UnixTime(rawValue: 0)
            )
        ])
        return (fixture, senders)
    }

    private func send(
        _ message: String,
        to recipient: String = "afar@example.org",
        in fixture: Fixture
    ) async throws {
        try await fixture.connect { client in
            try await client.ask("EHLO mail.example.net")
            try await client.begin(to: recipient)
            try await client.ask("DATA")
            #expect(try await client.ask(message.replacing("\n", with: "\r\n") + "\r\n.").hasPrefix("250 "))
        }
    }

    /// What goes to the first one who waits for it.
    private func sentOn(_ fixture: Fixture) async throws -> [UInt8] {
        let entry = try #require(try await fixture.queue().last)
        return try await fixture.octets(of: entry)
    }

    private func chain(of message: [UInt8], _ senders: TestSenders) async -> ARCOutcome {
        let end = message.indices.first { message[$0...].starts(with: [13, 10, 13, 10]) } ?? message.count - 4
        var verifier = ARCVerifier(header: message[..<(end + 4)])
        verifier.update(message[(end + 4)...])
        return await verifier.finish(names: senders, unixTime: 1_767_225_601)
    }

    private static let messages = [
        "From: eve@example.net\nSubject: hi\n\nBody\n..dot\n  spaces  \n\n\n", "From: eve@example.net\n\n",
        "From: eve@example.net\nAuthentication-Results: mx.example.org; dmarc=pass\nDate: today\n\nÜ",
        "From: eve@example.net\n\n" + String(repeating: String(repeating: "x", count: 900) + "\n", count: 400),
    ]

    @Test("The set holds for who gets it, and says what we have found", arguments: messages) func sealed(
        message: String
    ) async throws {
        let (fixture, senders) = try await self.fixture()
        try await fixture.store.startSigning(domain: "example.org", selector: "s")
        try await self.send(message, in: fixture)
        let sent = try await self.sentOn(fixture)
        let text = String(decoding: sent, as: UTF8.self)
        #expect(text.hasPrefix("ARC-Seal: i=1; a=rsa-sha256; cv=none;\r\n\td=example.org;\r\n\ts=s; t=1767225600;\r\n"))
        #expect(
            text.contains(
                """
                \r\nARC-Authentication-Results: i=1; mx.example.org;\r
                \tspf=pass\r
                \t smtp.mailfrom=example.net;\r
                \tdkim=none;\r
                \tdmarc=none\r
                \t header.from=example.net\r
                Authentication-Results: mx.example.org;\r\n
                """
            ),
            "\(text.prefix(2000))"
        )
        let outcome = await self.chain(of: sent, senders)
        #expect(outcome.result == .pass, "\(outcome)")
        #expect(outcome.instance == 1)
        #expect(outcome.domain?.text == "example.org")
        var changed = sent
        changed[changed.count - 3] ^= 1
        if message.hasSuffix("\n\n") == false {
            #expect(await self.chain(of: changed, senders).result == .fail)
        }
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
    }

    @Test("What filters add and change is covered", arguments: messages) func filtered(message: String) async throws {
        let changes: [(Character, String)] = [
            ("h", "X-Added\0one\0"), ("m", "\0\0\0\u{1}From\0Eve <eve@example.net>\0"), ("h", "Cc\0bob@example.org\0"),
        ]
        // With fields that are only added, and with one that is changed.
        for changes in [changes, [changes[2]]] {
            let (fixture, senders) = try await self.fixture(filters: TestFilter.policy(changes))
            try await fixture.store.startSigning(domain: "example.org", selector: "s")
            try await self.send(message, in: fixture)
            let sent = try await self.sentOn(fixture)
            let text = String(decoding: sent, as: UTF8.self)
            #expect(text.hasPrefix("ARC-Seal: i=1;") && text.contains("\r\nCc: bob@example.org\r\n"))
            #expect(text.contains("\r\nFrom: Eve <") == (changes.count > 1))
            let outcome = await self.chain(of: sent, senders)
            #expect(outcome.result == .pass, "\(outcome)")
            #expect(try await fixture.store.verify { _, _ in }.isEmpty)
            try await fixture.close()
        }
    }

    @Test("A chain goes on; one that is broken is sealed as such, once") func chains() async throws {
        let (fixture, senders) = try await self.fixture()
        try await fixture.store.startSigning(domain: "example.org", selector: "s")
        func passedOn(_ message: [UInt8]) async throws -> ([UInt8], ARCOutcome) {
            // By another server: here it would run in circles.
            let text = String(decoding: message, as: UTF8.self).replacing("\r\n", with: "\n").replacing(
                "X-Letterhouse-Loop",
                with: "X-Other-Loop"
            )
            try await self.send(String(text.dropLast()), in: fixture)
            let sent = try await self.sentOn(fixture)
            return (sent, await self.chain(of: sent, senders))
        }
        let (first, _) = try await passedOn(Array("From: eve@example.net\n\nHi\n".utf8))
        let (second, outcome) = try await passedOn(first)
        #expect(outcome.result == .pass)
        #expect(outcome.instance == 2)
        #expect(String(decoding: second, as: UTF8.self).hasPrefix("ARC-Seal: i=2; a=rsa-sha256; cv=pass;"))
        let broken = Array(String(decoding: second, as: UTF8.self).replacing("\r\nHi\r\n", with: "\r\nHo\r\n").utf8)
        let (third, failed) = try await passedOn(broken)
        #expect(failed.result == .fail)
        #expect(String(decoding: third, as: UTF8.self).hasPrefix("ARC-Seal: i=3; a=rsa-sha256; cv=fail;"))
        let (fourth, _) = try await passedOn(third)
        #expect(String(decoding: fourth, as: UTF8.self).hasPrefix("Authentication-Results: "))
        #expect(String(decoding: fourth, as: UTF8.self).contains("\r\n\tarc=fail"))
        try await fixture.close()
    }

    @Test("Who has only the other algorithm seals with it") func ed25519() async throws {
        let (fixture, senders) = try await self.fixture(algorithm: .ed25519)
        try await fixture.store.startSigning(domain: "example.org", selector: "s")
        try await self.send("From: eve@example.net\n\nHi", in: fixture)
        #expect(await self.chain(of: try await self.sentOn(fixture), senders).result == .pass)
        try await fixture.close()
    }

    @Test("Not without a key that signs, nor what goes nowhere else, nor where nobody has asked") func unsealed()
        async throws
    {
        let (fixture, _) = try await self.fixture()
        try await self.send("From: eve@example.net\n\nHi", in: fixture)
        #expect(String(decoding: try await self.sentOn(fixture), as: UTF8.self).hasPrefix("Authentication-Results:"))
        try await fixture.store.startSigning(domain: "example.org", selector: "s")
        try await self.send("From: eve@example.net\n\nHi", to: "ann@example.org", in: fixture)
        let inbox = try await fixture.inbox(of: fixture.ann).map { String(decoding: $0, as: UTF8.self) }
        #expect(inbox.first?.contains("ARC-Seal") == false)
        // Our own user's message is signed.
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "afar@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("From: ann@example.org\r\n\r\nHi\r\n.").hasPrefix("250 "))
        }
        #expect(String(decoding: try await self.sentOn(fixture), as: UTF8.self).hasPrefix("DKIM-Signature:"))
        try await fixture.close()
    }
}
