// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage
import SMTPSyntax
import Testing

@testable import SenderAuthentication

@Suite("RFC 8617: chains") struct ARCTests {
    private static let message = TestMessage(
        """
        DKIM-Signature: v=1; whatever
        From: Ann <ann@example.com>
        To: list@lists.example.org
        Subject: hello

        Body
          spaces
        """
    )
    private static let results = AuthenticationResults(
        authservID: "lists.example.org",
        methods: [.init("dkim", "pass", properties: [.init("header", "d", "example.com")])]
    )

    private func outcome(
        of message: TestMessage,
        size: Int = .max,
        names: FixedNames? = nil
    ) async throws -> ARCOutcome {
        var verifier = ARCVerifier(header: message.header[...])
        var rest = message.body[...]
        while !rest.isEmpty {
            verifier.update(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        return await verifier.finish(names: try names ?? TestKeys.names(), unixTime: 1_600_000_000)
    }

    private func sealed(_ message: TestMessage, key: Int = 0, chain: ARCOutcome? = nil) async throws -> TestMessage {
        let chain = if let chain { chain } else { try await self.outcome(of: message) }
        var sealer = ARCSealer(
            header: message.header[...],
            domain: try TestKeys.required(TestKeys.domain),
            key: try TestKeys.keys()[key]
        )
        sealer.update(message.body[...])
        return message.adding(try sealer.finish(results: Self.results, chain: chain, unixTime: 1_600_000_000))
    }

    private func edited(_ message: TestMessage, _ old: String, _ new: String) throws -> TestMessage {
        let header = String(decoding: message.header, as: UTF8.self)
        try #require(header.contains(old))
        var message = message
        message.header = octets(header.replacing(old, with: new))
        return message
    }

    @Test("No chain, no result but none") func none() async throws {
        #expect(try await self.outcome(of: Self.message) == ARCOutcome(result: .none))
    }

    @Test("Sealed once, twice, and by both algorithms, the chain is whole", arguments: [[0], [1], [0, 1], [1, 1, 0]])
    func whole(keys: [Int]) async throws {
        var message = Self.message
        for (number, key) in keys.enumerated() {
            // Each handler looks at the message first, and then changes it, as lists do.
            let chain = try await self.outcome(of: message)
            message = try self.edited(message, "Subject: ", "Subject: [list] ").adding("X-Hop: \(number)\r\n")
            message.body += octets("\r\nfooter \(number)\r\n")
            message = try await self.sealed(message, key: key, chain: chain)
        }
        for size in [1, 3, .max] {
            let outcome = try await self.outcome(of: message, size: size)
            #expect(outcome.result == .pass, "\(outcome)")
            #expect(outcome.instance == keys.count)
            #expect(outcome.domain == TestKeys.domain)
        }
        let header = String(decoding: message.header, as: UTF8.self)
        #expect(header.hasPrefix("ARC-Seal: i=\(keys.count); "))
        #expect(
            header.contains(
                "\r\nARC-Authentication-Results: i=1; lists.example.org;\r\n\tdkim=pass\r\n\t header.d=example.com\r\n"
            )
        )
    }

    @Test(
        "What was changed behind the seal breaks it",
        arguments: [
            ("Subject: hello", "Subject: hallo", "signature did not verify"),
            ("i=1; lists.example.org", "i=1; lists.example.net", "a seal did not verify"),
            ("i=2; lists.example.org", "i=2; lists.example.net", "a seal did not verify"),
            ("ARC-Seal: i=1;", "ARC-Seal: i=3;", "sets that are not complete"),
            ("ARC-Seal: i=1;", "ARC-Seal: i=2;", "an instance twice"),
            ("ARC-Seal: i=1;", "X-Seal: i=1;", "sets that are not complete, or too many"),
            ("ARC-Seal: i=1; a=", "ARC-Seal: i=1; h=from; a=", "a seal with h= or bh="),
            ("ARC-Seal: i=1; a=rsa-sha256", "ARC-Seal: i=1; a=rsa-sha1", "a seal with an algorithm that is not known"),
            ("cv=none", "cv=pass", "a seal does not fit its place"), ("cv=none", "cv=good", "a seal is malformed"),
            ("cv=pass", "cv=fail", "sealed as failed"), ("cv=pass", "cv=none", "a seal does not fit its place"),
            ("Results: i=1;", "Results: i=0;", "a field without an instance"),
            ("Results: i=1;", "Results: i=51;", "a field without an instance"),
            ("Results: i=1;", "Results: ", "a field without an instance"),
            ("Message-Signature: i=2; a=", "Message-Signature: i=2; l=2; a=", "body hash did not verify"),
        ]
    )
    func broken(old: String, new: String, reason: String) async throws {
        let message = try self.edited(try await self.sealed(try await self.sealed(Self.message)), old, new)
        let outcome = try await self.outcome(of: message)
        #expect(outcome.result == .fail)
        #expect(outcome.reason == reason)
        #expect(outcome.domain == nil)
    }

    @Test("Another body breaks it") func body() async throws {
        var message = try await self.sealed(Self.message)
        message.body += octets("more\r\n")
        #expect(try await self.outcome(of: message).reason == "body hash did not verify")
    }

    @Test("§5.2.1: no key, no chain, whatever the reason") func noKey() async throws {
        let message = try await self.sealed(Self.message)
        for names in [FixedNames([:])] { #expect(try await self.outcome(of: message, names: names).result == .fail) }
        var silent = try TestKeys.names()
        silent.zone["rsa._domainkey.example.com"] = [.silence]
        #expect(try await self.outcome(of: message, names: silent).result == .fail)
    }

    @Test("§5.1.2: a broken chain is sealed as such, by itself, and nobody seals behind that") func sealedAsBroken()
        async throws
    {
        var message = try await self.sealed(try await self.sealed(Self.message))
        message.body += octets("more\r\n")
        let sealed = try await self.sealed(message)
        #expect(String(decoding: sealed.header, as: UTF8.self).hasPrefix("ARC-Seal: i=3; a=rsa-sha256; cv=fail;"))
        let outcome = try await self.outcome(of: sealed)
        #expect(outcome.result == .fail && outcome.instance == 3)
        #expect(try await self.sealed(sealed).header == sealed.header)
        // The seal covers its own set and nothing else.
        let fields = SignableHeader(sealed.header[...]).fields
        let own = ARCChain.Set(results: fields[2], messageSignature: fields[1], seal: fields[0])
        let seal = try ARCSeal(own.seal)
        let digest = ARCChain.digest(of: [own], seal: seal.unsignedField)
        #expect(try TestKeys.rsa.get().publicKey.isValid(signature: seal.signature, of: digest))
    }

    /// From dkimpy's test_arc.py, with the key and the message of its data files.
    @Test("A chain that dkimpy made") func dkimpy() async throws {
        let fields = """
            ARC-Seal: i=1; cv=none; a=rsa-sha256; d=example.com; s=test; t=12345;\r
             b=MBw2+L1/4PuYWJlt1tZlDtbOvyfbyH2t2N6DinFV/BIaB2LqbDKTYjXXk9HuuK1/qEkTd\r
             TxCYScIrtVO7pFbGiSawMuLatVzHNCqTURa1zBTXr2mKW1hgdmrtMMUcMVCYxr1AJpu6IYX\r
             VMIoOAn7tIDdO0VLokK6FnIXTWEAplQ=\r
            ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed;\r
             d=example.com; s=test; t=12345; h=message-id : date : from : to :\r
             subject : from; bh=wE7NXSkgnx9PGiavN4OZhJztvkqPDlemV3OGuEnLwNo=;\r
             b=a0f6qc3k9eECTSR155A0TQS+LjqPFWfI/brQBA83EUz00SNxj1wmWykvs1hhBVeM0r1kE\r
             Qc6CKbzRYaBNSiFj4q8JBpRIujLz1qLyGmPuAI6ddu/Z/1hQxgpVcp/odmI1UMV2R+d+yQ7\r
             tUp3EQxF/GYNt22rV4rNmDmANZVqJ90=\r
            ARC-Authentication-Results: i=1; lists.example.org; arc=none;\r
              spf=pass smtp.mfrom=jqd@d1.example;\r
              dkim=pass (1024-bit key) header.i=@d1.example;\r
              dmarc=pass\r\n
            """
        var message = try TestMessage(file: "test.message")
        let results = octets("Authentication-Results: lists.example.org")
        let field = HeaderParser(message.header).first { $0.octets.starts(with: results) }
        #expect(field != nil, "it is there, and was not signed")
        message = message.adding(fields)
        let record = String(decoding: try TestMessage.data("test.txt"), as: UTF8.self)
        let names = FixedNames(["test._domainkey.example.com": record])
        let outcome = try await self.outcome(of: message, names: names)
        #expect(outcome.result == .pass, "\(outcome)")
        message.body += octets("more\r\n")
        #expect(try await self.outcome(of: message, names: names).result == .fail)
    }

    @Test("More than fifty are too many") func tooMany() async throws {
        var fields = ""
        for instance in 1...51 {
            fields += "ARC-Seal: i=\(instance); cv=pass\r\nARC-Message-Signature: i=\(instance)\r\n"
            fields += "ARC-Authentication-Results: i=\(instance); x; none\r\n"
        }
        #expect(try await self.outcome(of: Self.message.adding(fields)).result == .fail)
        let full = ARCOutcome(result: .pass, instance: 50)
        #expect(try await self.sealed(Self.message, chain: full).header == Self.message.header)
    }

    @Test("The verdict tells of it") func verdict() async throws {
        let message = try await self.sealed(Self.message)
        let authenticator = SenderAuthenticator(
            names: try TestKeys.names(),
            suffixes: PublicSuffixList(),
            authservID: "mx.example.org"
        )
        var authentication = authenticator.message(from: .ipv4Loopback, reversePath: nil, helo: "mail.example.com")
        authentication.update((message.header + [0x0D, 0x0A] + message.body)[...])
        let field = String(
            decoding: await authentication.finish(unixTime: 1_600_000_000, lot: 0).results.field,
            as: UTF8.self
        )
        #expect(field.hasSuffix(";\r\n\tarc=pass\r\n\t header.d=example.com\r\n"))
    }
}
