// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@testable import SenderAuthentication

@Suite("RFC 6376 §6: verification") struct DKIMVerifierTests {
    private static let message = TestMessage(
        "From: Ann <ann@example.com>\nTo: bob@example.net\nSubject: Tea\nDate: Fri, 1 May 2026 09:00:00 +0000\n\nAt five.\n"
    )
    private static let now: Int64 = 1_600_000_000

    /// Signs the message with a field that is made by hand; `{bh}` stands for the body's hash.
    private static func signed(
        _ tags: String,
        message: TestMessage = Self.message,
        header: Canonicalization = .relaxed,
        body: BodyDigest.Kind = .init(canonicalization: .relaxed, limit: nil),
        with key: SigningKey? = nil
    ) throws -> TestMessage {
        let digest = BodyDigest(body)
        digest.update(message.body[...])
        let hash = String(decoding: Base64.encode(digest.finish()), as: UTF8.self)
        let field =
            "DKIM-Signature: " + tags.split(separator: "{bh}", omittingEmptySubsequences: false).joined(separator: hash)
        let names =
            TagList(octets(field).dropFirst("DKIM-Signature:".count))?["h"]?.parts(separatedBy: .colon)
            .map { String(decoding: $0, as: UTF8.self).lowercased() } ?? []
        let signable = SignableHeader(message.header[...])
        let value = signable.digest(of: names.map(octets), signature: octets(field + " b="), header)
        let signature = try (key ?? TestKeys.ed25519.get()).signature(of: value)
        return message.adding(octets(field + " b=") + Base64.encode(signature) + octets("\r\n"))
    }

    private static let good = "v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.com; s=ed; h=from:to; bh={bh};"

    @Test("The signature that the others are made from") func good() async throws {
        let outcomes = await (try Self.signed(Self.good)).verified(by: try TestKeys.names())
        #expect(outcomes.map(\.result) == [.pass], "\(outcomes)")
        #expect(outcomes.first?.identity == "@example.com")
        #expect(outcomes.first?.isTesting == false)
    }

    @Test(
        "§3.5: each canonicalization, and what c= says without one",
        arguments: [
            ("c=simple/simple; ", Canonicalization.simple, Canonicalization.simple),
            ("c=simple/relaxed; ", .simple, .relaxed),
            ("c=relaxed/simple; ", .relaxed, .simple), ("c=relaxed/relaxed; ", .relaxed, .relaxed),
            ("", .simple, .simple), ("c=relaxed; ", .relaxed, .simple), ("c=simple; ", .simple, .simple),
        ]
    )
    func canonicalizations(tag: String, header: Canonicalization, body: Canonicalization) async throws {
        var message = Self.message
        message.body += octets("\t two  spaces \r\n\r\n\r\n")
        let tags = Self.good.split(separator: "c=relaxed/relaxed; ").joined(separator: tag)
        let signed = try Self.signed(
            tags,
            message: message,
            header: header,
            body: .init(canonicalization: body, limit: nil)
        )
        #expect(await signed.results(by: try TestKeys.names()) == [.pass])
    }

    @Test(
        "§6.1.1: fields that are refused",
        arguments: [
            ("v=1", "v=2", DKIMResult.neutral, "expected v=1"),
            ("v=1; ", "", .neutral, "expected v=1"),
            ("a=ed25519-sha256", "a=rsa-sha1", .permerror, "rsa-sha1 is no longer used"),
            ("a=ed25519-sha256", "a=rsa-md5", .neutral, "unknown algorithm"),
            ("a=ed25519-sha256", "a=rsa-sha256", .permerror, "inappropriate key algorithm"),
            ("a=ed25519-sha256; ", "", .neutral, "expected a, b, bh, d, h and s"),
            ("d=example.com; ", "", .neutral, "expected a, b, bh, d, h and s"),
            ("s=ed; ", "", .neutral, "expected a, b, bh, d, h and s"),
            ("h=from:to; ", "", .neutral, "expected a, b, bh, d, h and s"),
            ("bh={bh};", "", .neutral, "expected a, b, bh, d, h and s"),
            ("bh={bh};", "bh=====;", .neutral, "expected a SHA-256 digest in bh="),
            ("bh={bh};", "bh=AAAA;", .neutral, "expected a SHA-256 digest in bh="),
            ("d=example.com", "d=com", .neutral, "expected a domain in d="),
            ("d=example.com", "d=example.com\u{7F}", .neutral, "expected tags"),
            ("d=example.com", "d=ex(ample.com", .neutral, "expected a domain in d="),
            ("d=example.com", "d=ex'ample.com", .neutral, "expected a domain in d="),
            ("d=example.com", "d=example..com", .neutral, "expected a domain in d="),
            ("s=ed", "s=e d", .neutral, "expected a selector in s="),
            ("d=example.com", "d=example.com; d=example.com", .neutral, "expected tags"),
            ("h=from:to", "h=to", .permerror, "From field not signed"),
            ("h=from:to", "h=from::to", .neutral, "expected names in h="),
            ("c=relaxed/relaxed", "c=relaxed/strict", .neutral, "expected c= of simple and relaxed"),
            ("c=relaxed/relaxed", "c=relaxed/relaxed/relaxed", .neutral, "expected c= of simple and relaxed"),
            ("s=ed", "s=ed; q=dns/other", .neutral, "expected q=dns/txt"),
            ("s=ed", "s=ed; i=example.com", .neutral, "expected a domain in i="),
            ("s=ed", "s=ed; i=@example.org", .permerror, "domain mismatch of d= and i="),
            ("s=ed", "s=ed; i=@badexample.com", .permerror, "domain mismatch of d= and i="),
            ("s=ed", "s=ed; l=x", .neutral, "expected a number in l="),
            ("s=ed", "s=ed; l=-1", .neutral, "expected a number in l="),
            ("s=ed", "s=ed; t=1599999999999", .neutral, "expected a number in t="),
            ("s=ed", "s=ed; t=1600000000; x=1600000000", .neutral, "expected x= later than t="),
            ("s=ed", "s=ed; x=1599999999", .fail, "signature expired"),
            ("s=ed", "s=ed; t=1600086401", .policy, "signed in the future"),
            ("s=ed", "s=other", .permerror, "no key for signature"),
        ]
    )
    func refused(part: String, replacement: String, result: DKIMResult, reason: String) async throws {
        let tags = Self.good.split(separator: part, omittingEmptySubsequences: false).joined(separator: replacement)
        let outcomes = await (try Self.signed(tags)).verified(by: try TestKeys.names(), at: Self.now)
        #expect(outcomes.map(\.result) == [result])
        #expect(outcomes.first?.reason == reason)
    }

    @Test(
        "§3.5: what is accepted",
        arguments: [
            ("s=ed", "s=ed; t=1600086400; x=1600086401"), ("s=ed", "s=ed; i=ann@mail.example.com"),
            ("s=ed", "s=ed; q=dns/other:dns/txt"), ("s=ed", "s=ED; unknown=a b c"), ("d=example.com", "d=EXAMPLE.COM."),
            ("h=from:to", "h= From\t:\r\n To :X-None:From:From"), ("bh={bh};", "bh={bh} ;\r\n\tz=From:x|To:y;"),
            ("a=ed25519-sha256", "a=Ed25519-SHA256"), ("s=ed", "s=ed; x=999999999999"),
        ]
    )
    func accepted(part: String, replacement: String) async throws {
        let tags = Self.good.split(separator: part, omittingEmptySubsequences: false).joined(separator: replacement)
        let outcomes = await (try Self.signed(tags)).verified(by: try TestKeys.names(), at: Self.now)
        #expect(outcomes.map(\.result) == [.pass], "\(outcomes)")
    }

    @Test(
        "§3.6.1: key records",
        arguments: [
            ("v=DKIM1; k=ed25519; p={p}", DKIMResult.pass, nil), ("k=ed25519; p={p}", .pass, nil),
            ("v=DKIM1; k=ed25519; p={p};", .pass, nil), ("v=DKIM1; k=ed25519; n=note; x=y; p={p}", .pass, nil),
            ("v=DKIM1; k=ed25519; h=sha1:sha256; p={p}", .pass, nil),
            ("v=DKIM1; k=ed25519; s=email; p={p}", .pass, nil),
            ("v=DKIM1; k=ed25519; s=tlsrpt:*; p={p}", .pass, nil), ("v=DKIM1; k=ed25519; t=y:s; p={p}", .pass, nil),
            ("v=DKIM1; k=ed25519; p=", .permerror, "key revoked"),
            ("v=DKIM1; k=ed25519", .permerror, "key syntax error"), ("", .permerror, "key syntax error"),
            ("v=DKIM2; k=ed25519; p={p}", .permerror, "key syntax error"),
            ("k=ed25519; v=DKIM1; p={p}", .permerror, "key syntax error"),
            ("v=DKIM1; k=rsa; p={p}", .permerror, "inappropriate key algorithm"),
            ("v=DKIM1; p={p}", .permerror, "inappropriate key algorithm"),
            ("v=DKIM1; k=ed25519; h=sha1; p={p}", .permerror, "inappropriate hash algorithm"),
            ("v=DKIM1; k=ed25519; s=tlsrpt; p={p}", .permerror, "the key is not for mail"),
            ("v=DKIM1; k=ed25519; s=other; p={p}", .permerror, "the key is not for mail"),
            ("v=DKIM1; k=ed25519; p=AAAA", .permerror, "inappropriate key algorithm"),
            ("v=DKIM1; k=ed25519; p=*", .permerror, "key syntax error"),
            ("v=spf1 -all", .permerror, "key syntax error"),
        ]
    )
    func records(record: String, result: DKIMResult, reason: String?) async throws {
        let raw = try TestKeys.required(TestKeys.ed25519.get().publicKey.ed25519)
        let key = String(decoding: Base64.encode(raw), as: UTF8.self)
        let text = record.split(separator: "{p}", omittingEmptySubsequences: false).joined(separator: key)
        let names = FixedNames(["ed._domainkey.example.com": text])
        let outcomes = await (try Self.signed(Self.good)).verified(by: names)
        #expect(outcomes.map(\.result) == [result])
        #expect(outcomes.first?.reason == reason)
        #expect(outcomes.first?.isTesting == record.contains("t=y"))
        #expect(outcomes.first?.signsReports == record.contains("s=tlsrpt;"))
    }

    @Test("§3.6.1: t=s forbids a name below d= in i=") func strictIdentity() async throws {
        let tags = Self.good.split(separator: "s=ed").joined(separator: "s=ed; i=@mail.example.com")
        let signed = try Self.signed(tags)
        #expect(await signed.results(by: try TestKeys.names()) == [.pass])
        #expect(await signed.results(by: try TestKeys.names(flags: "t=s; ")) == [.permerror])
    }

    @Test("§6.1.2: of several records the first that can be used counts; no answer is temporary")
    func answers() async throws {
        let signed = try Self.signed(Self.good)
        var names = try TestKeys.names()
        names.zone["ed._domainkey.example.com"]?.insert(.txt(octets("v=spf1 -all")), at: 0)
        #expect(await signed.results(by: names) == [.pass])
        names.zone["ed._domainkey.example.com"] = [.silence]
        #expect(await signed.results(by: names) == [.temperror])
        names.zone["ed._domainkey.example.com"] = []
        #expect(await signed.results(by: names) == [.permerror])
    }

    @Test("RFC 8301 §3.2: an RSA key of fewer than 1024 bits")
    func shortKey() async throws {
        let record =
            "k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANmBe10IgY+u7h3enWTukkqtUD5PR52Tb/mPfjC0QJTocVBq6Za/"
            + "PlzfV+Py92VaCak19F4WrbVTK5Gg5tW220MCAwEAAQ=="
        let tags = Self.good.split(separator: "ed25519").joined(separator: "rsa")
        let outcomes = await (try Self.signed(tags)).verified(by: FixedNames(["ed._domainkey.example.com": record]))
        #expect(outcomes.map(\.reason) == ["key too short"])
        #expect(outcomes.map(\.result) == [.permerror])
    }

    @Test("§5.4.2: instances are taken from the bottom up")
    func bottomUp() async throws {
        var message = Self.message
        message = message.adding("X: 1\r\nX: 2\r\n")
        let tags = Self.good.split(separator: "h=from:to").joined(separator: "h=from:to:x")
        let signed = try Self.signed(tags, message: message)
        #expect(await signed.results(by: try TestKeys.names()) == [.pass])
        #expect(await signed.adding("X: 0\r\n").results(by: try TestKeys.names()) == [.pass])
        var below = signed
        below.header += octets("X: 3\r\n")
        #expect(await below.results(by: try TestKeys.names()) == [.fail])
    }

    @Test("§8.15: a second field of a kind that there is once, and only one of them is signed")
    func partlySigned() async throws {
        let signed = try Self.signed(Self.good)
        let outcomes = await signed.adding("from: Mallory <m@example.org>\r\n").verified(by: try TestKeys.names())
        #expect(outcomes.map(\.result) == [.policy])
        #expect(outcomes.first?.reason == "not every From field is signed")
        #expect(await signed.adding("Subject: not signed at all\r\n").results(by: try TestKeys.names()) == [.pass])
    }

    @Test(
        "A line that is no field, behind which some readers see the body",
        arguments: ["Hello\r\n", "a b: c\r\n", ":\r\n"]
    )
    func strayLine(line: String) async throws {
        var message = try Self.signed(Self.good)
        message.header += octets(line)
        let outcomes = await message.verified(by: try TestKeys.names())
        #expect(outcomes.map(\.result) == [.policy])
        #expect(outcomes.first?.reason == "a line of the header is no field")
    }

    @Test("§8.2: l= that is less than the body covers nothing; more than the body is a mistake")
    func bodyLength() async throws {
        func results(_ limit: Int) async throws -> [DKIMResult] {
            let tags = Self.good + " l=\(limit);"
            return await (try Self.signed(tags, body: .init(canonicalization: .relaxed, limit: limit)))
                .results(by: try TestKeys.names())
        }
        #expect(try await results(10) == [.pass])
        #expect(try await results(9) == [.policy])
        #expect(try await results(0) == [.policy])
        #expect(try await results(11) == [.fail])
        let signed = try Self.signed(Self.good + " l=10;", body: .init(canonicalization: .relaxed, limit: 10))
        var longer = signed
        longer.body += octets("Buy!\r\n")
        #expect(await longer.results(by: try TestKeys.names()) == [.policy])
    }

    @Test("No more than eight signatures are looked at") func many() async throws {
        var message = Self.message
        for _ in 0..<20 { message = message.adding("DKIM-Signature: v=1\r\n") }
        #expect(await message.results(by: FixedNames()).count == 8)
    }

    @Test("Whatever comes, nothing traps") func hostile() async throws {
        let pieces = [
            "v=1", ";", "=", "b=", "bh=", "h=from", ":", "\r\n ", "d=a.b", "\u{0}", "i=@", "l=99999999999999999999",
        ]
        var state: UInt64 = 42
        for _ in 0..<500 {
            var field = "DKIM-Signature:"
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1
                field += pieces[Int(state >> 33) % pieces.count]
            }
            let results = await Self.message.adding(field + "\r\n").results(by: FixedNames())
            #expect(!results.contains(.pass))
        }
    }
}
