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

/// RFC 6376 §5: what our users submit is signed, and holds as it is stored and as the relay sends it.
@Suite("Submitted mail is signed") struct OutgoingAuthenticationTests {
    private static let keys = Result {
        try [SigningKey.generateRSA(bits: 1024), SigningKey.generateEd25519()]
    }

    /// Adds both keys to a domain and starts them; what the domain publishes.
    private func addKeys(to domain: String, in fixture: Fixture, starting: Bool = true) async throws -> [String: String]
    {
        let keys = try Self.keys.get()
        let selectors = ["a-rsa", "a-ed25519"]
        try await fixture.store.addSigningKeys(
            zip(keys, selectors).map { key, selector in
                StoredSigningKey(
                    domain: domain,
                    selector: selector,
                    algorithm: key.publicKey.algorithm == .rsa ? .rsa : .ed25519,
                    pem: try key.pem(),
                    addedAt: UnixTime(rawValue: 0)
                )
            }
        )
        if starting {
            for selector in selectors { try await fixture.store.startSigning(domain: domain, selector: selector) }
        }
        return Dictionary(
            uniqueKeysWithValues: zip(keys, selectors).map { ("\($1)._domainkey.\(domain)", $0.publicKey.dkimRecord) }
        )
    }

    private func outcomes(of message: [UInt8], _ records: [String: String]) async -> [DKIMOutcome] {
        let end = message.indices.first { message[$0...].starts(with: [13, 10, 13, 10]) } ?? message.count - 4
        var verifier = DKIMVerifier(header: message[..<(end + 4)])
        verifier.update(message[(end + 4)...])
        var names = TestSenders()
        names.texts = records
        return await verifier.finish(names: names, unixTime: 1_767_225_601)
    }

    private func send(_ message: String, to recipient: String = "bob@example.org", in fixture: Fixture) async throws {
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: recipient)
            try await client.ask("DATA")
            #expect(try await client.ask(message.replacing("\n", with: "\r\n") + "\r\n.").hasPrefix("250 "))
        }
    }

    private static let messages = [
        "From: ann@example.org\nSubject: hi\n\nBody\n..dot\n  spaces  \n\n\n", "From: Ann <ann@example.org>\n\n",
        "From: ann@example.org\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nMessage-ID: <a@b>\n\n\(String(repeating: "long ", count: 300))",
        "From: ann@example.org\nAuthentication-Results: mx.example.org; none\nContent-Type: text/plain\n\nÜ",
        "From: ann@example.org\n\n" + String(repeating: String(repeating: "x", count: 900) + "\n", count: 400),
    ]

    @Test("The signature of a message that is held lasts longer by that (RFC 4865)") func held() async throws {
        let fixture = try await Fixture(signs: true)
        _ = try await self.addKeys(to: "example.org", in: fixture)
        for parameter in ["", " HOLDFOR=1728000"] {
            try await fixture.connect(.submission, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                try await client.ask("MAIL FROM:<ann@example.org>\(parameter)")
                try await client.ask("RCPT TO:<eve@example.net>")
                try await client.ask("DATA")
                #expect(try await client.ask("From: ann@example.org\r\n\r\nHi\r\n.").hasPrefix("250 "))
            }
        }
        let queue = try await fixture.queue()
        #expect(queue.count == 2)
        for (entry, hold) in zip(queue, [0, 1_728_000]) {
            let message = String(decoding: try await fixture.octets(of: entry), as: UTF8.self)
            #expect(message.contains("x=\(1_767_225_600 + 86_400 + hold)"), "\(message)")
        }
        try await fixture.close()
    }

    @Test("Both signatures hold, here and for who gets it", arguments: messages) func signed(
        message: String
    ) async throws {
        let fixture = try await Fixture(signs: true)
        let records = try await self.addKeys(to: "example.org", in: fixture)
        try await self.send(message, in: fixture)
        try await self.send(message, to: "eve@example.net", in: fixture)
        let stored = try #require(try await fixture.inbox(of: fixture.bob).first)
        let entry = try #require(try await fixture.queue().first)
        let relayed = try await fixture.octets(of: entry)
        for message in [stored, relayed] {
            let outcomes = await self.outcomes(of: message, records)
            #expect(outcomes.map(\.result) == [.pass, .pass], "\(outcomes)")
            #expect(outcomes.map(\.algorithm) == ["ed25519-sha256", "rsa-sha256"])
            #expect(outcomes.allSatisfy { $0.domain == DomainName("example.org") })
        }
        #expect(String(decoding: relayed, as: UTF8.self).hasPrefix("DKIM-Signature: v=1; "))
        #expect(String(decoding: stored, as: UTF8.self).hasPrefix("Return-Path: <ann@example.org>\r\nDKIM-Signature: "))
        // A field that somebody adds breaks them.
        let changed = await self.outcomes(of: Array("Subject: another\r\n".utf8) + relayed, records)
        #expect(changed.map(\.result) == [.fail, .fail])
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
    }

    @Test("What filters add and change is covered", arguments: messages) func filtered(message: String) async throws {
        let changes: [(Character, String)] = [
            ("h", "X-Added\0one\0"), ("m", "\0\0\0\u{1}From\0Ann <ann@example.org>\0"), ("h", "Cc\0bob@example.org\0"),
        ]
        let fixture = try await Fixture(signs: true, filters: TestFilter.policy(changes))
        let records = try await self.addKeys(to: "example.org", in: fixture)
        try await self.send(message, in: fixture)
        let stored = try #require(try await fixture.inbox(of: fixture.bob).first)
        let outcomes = await self.outcomes(of: stored, records)
        #expect(outcomes.map(\.result) == [.pass, .pass], "\(outcomes)")
        let text = String(decoding: stored, as: UTF8.self)
        #expect(text.contains("\r\nX-Added: one\r\nCc: bob@example.org\r\n"))
        #expect(text.contains("\r\nFrom: Ann <ann@example.org>\r\n") && !text.contains("\r\nFrom: ann@"))
        let body = message.replacing("\n", with: "\r\n").split(separator: "\r\n\r\n", maxSplits: 1).dropFirst().first
        // Dots are stuffed on the wire only.
        #expect(text.hasSuffix((body.map { $0.replacing("\r\n..", with: "\r\n.") } ?? "") + "\r\n"))
        #expect(try await fixture.store.verify { _, _ in }.isEmpty)
        try await fixture.close()
    }

    /// In chunks cut anywhere, above all within the empty line.
    @Test func chunks() async throws {
        let fixture = try await Fixture(signs: true)
        let records = try await self.addKeys(to: "example.org", in: fixture)
        let message = "From: ann@example.org\r\nSubject: x\r\n\r\n\r\nBody"
        for cut in 0...message.utf8.count {
            try await fixture.connect(.submission, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                try await client.begin(from: "ann@example.org", to: "bob@example.org")
                let octets = Array(message.utf8)
                client.pipe.send(Array("BDAT \(cut)\r\n".utf8) + octets[..<cut])
                #expect(try await client.reply().hasPrefix("250 "))
                client.pipe.send(Array("BDAT \(octets.count - cut) LAST\r\n".utf8) + octets[cut...])
                #expect(try await client.reply().hasPrefix("250 "))
            }
        }
        let stored = try await fixture.inbox(of: fixture.bob)
        #expect(stored.count == message.utf8.count + 1)
        for message in stored {
            let outcomes = await self.outcomes(of: message, records)
            #expect(outcomes.map(\.result) == [.pass, .pass], "\(outcomes)")
        }
        try await fixture.close()
    }

    /// RFC 3030 §3: its parts of any octets become base64 on the way in, and that is what is signed.
    @Test("A message of binary parts is signed as it is stored, and sent on") func binary() async throws {
        let fixture = try await Fixture(signs: true)
        let records = try await self.addKeys(to: "example.org", in: fixture)
        let header = """
            From: ann@example.org\r
            Subject: x\r
            MIME-Version: 1.0\r
            Content-Type: multipart/mixed; boundary=b\r
            \r
            --b\r
            Content-Type: application/octet-stream\r
            Content-Transfer-Encoding: binary\r
            \r\n
            """
        let part: [UInt8] = (0..<3_000).map { UInt8(truncatingIfNeeded: $0 &* 7) } + [10, 13, 10, 46, 10, 0, 13]
        let octets = Array(header.utf8) + part + Array("\r\n--b--\r\n".utf8)
        for size in [1_000, octets.count] {
            try await fixture.connect(.submission, peer: .secure) { client in
                try await client.logIn("ann@example.org")
                #expect(try await client.ask("MAIL FROM:<ann@example.org> BODY=BINARYMIME").hasPrefix("250 "))
                #expect(try await client.ask("RCPT TO:<bob@example.org>").hasPrefix("250 "))
                #expect(try await client.ask("RCPT TO:<eve@example.net>").hasPrefix("250 "))
                for start in stride(from: 0, to: octets.count, by: size) {
                    let chunk = octets[start..<min(start + size, octets.count)]
                    let last = chunk.endIndex == octets.count ? " LAST" : ""
                    client.pipe.send(Array("BDAT \(chunk.count)\(last)\r\n".utf8) + chunk)
                    #expect(try await client.reply().hasPrefix("250 "))
                }
            }
        }
        let queue = try await fixture.queue()
        var messages = try await fixture.inbox(of: fixture.bob)
        #expect(messages.count == 2 && queue.count == 2)
        for entry in queue { messages.append(try await fixture.octets(of: entry)) }
        for message in messages {
            let outcomes = await self.outcomes(of: message, records)
            #expect(outcomes.map(\.result) == [.pass, .pass], "\(outcomes)")
            let text = String(decoding: message, as: UTF8.self)
            #expect(text.contains("Content-Transfer-Encoding: base64") && !text.contains("\0"))
        }
        try await fixture.close()
    }

    @Test("A header without an end is signed too") func headerOnly() async throws {
        let fixture = try await Fixture(signs: true)
        let records = try await self.addKeys(to: "example.org", in: fixture)
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
            client.send("BDAT 23 LAST\r\nFrom: ann@example.org\r\n")
            #expect(try await client.reply().hasPrefix("250 "))
        }
        let stored = try #require(try await fixture.inbox(of: fixture.bob).first)
        #expect(await self.outcomes(of: stored + [13, 10, 13, 10], records).map(\.result) == [.pass, .pass])
        try await fixture.close()
    }

    @Test("Keys that were not started sign nothing, nor do those of nobody") func notStarted() async throws {
        let fixture = try await Fixture(signs: true)
        try await self.send(Self.messages[0], in: fixture)
        _ = try await self.addKeys(to: "example.org", in: fixture, starting: false)
        try await self.send(Self.messages[0], in: fixture)
        let stored = try await fixture.inbox(of: fixture.bob).map { String(decoding: $0, as: UTF8.self) }
        #expect(stored.count == 2 && stored.allSatisfy { !$0.contains("DKIM-Signature") })
        try await fixture.close()
    }

    @Test(
        "Whose key: the author's, if that is the user, else that of the user's domain",
        arguments: [
            ("ann@example.com", "example.com"), ("\"ann\"@example.com", "example.com"),
            ("ann@elsewhere.example", "example.org"), ("ann@elsewhere.example, b@c.example", "example.org"),
        ]
    )
    func whoseKey(author: String, domain: String) async throws {
        let fixture = try await Fixture(signs: true)
        try await fixture.store.addDomain("example.com")
        try await fixture.store.addAlias("ann@example.com", targets: ["ann@example.org"])
        var records = try await self.addKeys(to: "example.org", in: fixture)
        records.merge(try await self.addKeys(to: "example.com", in: fixture)) { first, _ in first }
        try await self.send("From: \(author)\n\nHi", in: fixture)
        let stored = try #require(try await fixture.inbox(of: fixture.bob).first)
        let outcomes = await self.outcomes(of: stored, records)
        #expect(outcomes.map(\.result) == [.pass, .pass])
        #expect(outcomes.map(\.domain) == [DomainName(domain), DomainName(domain)])
        try await fixture.close()
    }

    @Test(
        "RFC 6409 §6.1: nobody writes in the name of somebody else here, with keys or without",
        arguments: [
            "From: bob@example.org\n", "From: nobody@example.org\n", "From: Bob <BOB@Example.org>\n",
            "From: ann@example.org, bob@example.org\n", "From: ann@example.org\nFrom: bob@example.org\n",
            "From: eve@example.net (bob@example.org), eve@example.net\n", "Sender: bob@example.org\n",
            "From\n : bob@example.org\nFrom: ann@example.org\n",
        ],
        [true, false]
    )
    func others(header: String, signs: Bool) async throws {
        let fixture = try await Fixture(signs: signs)
        if signs { _ = try await self.addKeys(to: "example.org", in: fixture) }
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
            try await client.ask("DATA")
            #expect(
                try await client.ask(header.replacing("\n", with: "\r\n") + "\r\nHi\r\n.")
                    == "550 5.7.1 From must be one address of your account, or of another server"
            )
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }

    @Test("Without From there is nothing to sign") func withoutFrom() async throws {
        let fixture = try await Fixture(signs: true)
        _ = try await self.addKeys(to: "example.org", in: fixture)
        try await self.send("Subject: x\n\nHi", in: fixture)
        let stored = String(decoding: try #require(try await fixture.inbox(of: fixture.bob).first), as: UTF8.self)
        #expect(!stored.contains("DKIM-Signature"))
        try await fixture.close()
    }

    @Test("A message of our own is signed by the author's domain or the nearest above that can; else not")
    func ownMessages() async throws {
        let fixture = try await Fixture(signs: true)
        let records = try await self.addKeys(to: "example.org", in: fixture)
        let policy = try #require(fixture.service.signing)
        let message = Array("From: postmaster@mail.example.org\r\nSubject: x\r\n\r\nHi\r\n".utf8)
        for author in ["example.org", "mail.example.org"] {
            let signature = try await policy.signature(
                of: message,
                by: try #require(DomainName(author)),
                unixTime: 1_767_225_600
            )
            #expect(await self.outcomes(of: signature + message, records).map(\.result) == [.pass, .pass])
            #expect(
                await self.outcomes(of: signature + message + [13, 10, 120], records).map(\.result) == [.fail, .fail]
            )
        }
        let nobody = try #require(DomainName("example.net"))
        #expect(try await policy.signature(of: message, by: nobody, unixTime: 1_767_225_600).isEmpty)
        try await fixture.close()
    }

    @Test("What other servers bring is not signed") func exchange() async throws {
        let fixture = try await Fixture(signs: true)
        _ = try await self.addKeys(to: "example.org", in: fixture)
        try await fixture.connect { client in
            try await client.ask("EHLO client.example.com")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("From: ann@example.org\r\n\r\nHi\r\n.").hasPrefix("250 "))
        }
        let stored = String(decoding: try #require(try await fixture.inbox(of: fixture.bob).first), as: UTF8.self)
        #expect(!stored.contains("DKIM-Signature"))
        try await fixture.close()
    }

    @Test("A key that cannot be read: nothing is accepted unsigned") func brokenKey() async throws {
        let fixture = try await Fixture(signs: true)
        _ = try await self.addKeys(to: "example.org", in: fixture)
        try await fixture.store.addSigningKeys([
            StoredSigningKey(
                domain: "example.org",
                selector: "broken",
                algorithm: .rsa,
                pem: Array("nonsense".utf8),
                addedAt: UnixTime(rawValue: 0)
            )
        ])
        try await fixture.store.startSigning(domain: "example.org", selector: "broken")
        try await fixture.connect(.submission, peer: .secure) { client in
            try await client.logIn("ann@example.org")
            try await client.begin(from: "ann@example.org", to: "bob@example.org")
            try await client.ask("DATA")
            #expect(try await client.ask("From: ann@example.org\r\n\r\nHi\r\n.") == "451 4.3.0 Error in processing")
        }
        #expect(try await fixture.acceptedCount() == 0)
        try await fixture.close()
    }
}
