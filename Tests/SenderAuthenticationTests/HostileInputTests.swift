// SPDX-License-Identifier: Apache-2.0

import MailMessage
import SMTPSyntax
import Testing

@testable import SenderAuthentication

/// Whatever comes, nothing traps, and nothing that comes out can be more than it is.
@Suite("Hostile input") struct HostileInputTests {
    /// Sentences out of pieces that mean something, in an order that means nothing.
    private struct Sentences {
        var state: UInt64
        let pieces: [[UInt8]]

        init(_ pieces: [String], seed: UInt64) {
            self.state = seed
            self.pieces = pieces.map(octets) + [[0], [0xFF], [0xC3], [0x0D], [0x0A], [0x0D, 0x0A, 0x20], [0x7F]]
        }

        mutating func number(_ limit: Int) -> Int {
            self.state = self.state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(self.state >> 33) % limit
        }

        mutating func next(upTo length: Int = 14) -> [UInt8] {
            (0..<self.number(length)).flatMap { _ in self.pieces[self.number(self.pieces.count)] }
        }
    }

    @Test("RFC 7208: records and explanations", arguments: 1...8) func spf(seed: Int) async throws {
        var sentences = Sentences(
            [
                " ", "a", "mx", "ptr", "include:", "exists:", "redirect=", "exp=", "ip4:", "ip6:", "1.2.3.4", "::1",
                "/", "//",
                "24", "129", "-all", "?", "~", "%{", "}", "%", "%{s}", "%{l1r-}", "%{p}", "%{999999999999r}", "%_", ".",
                "d.test",
                "example.com", "=", ":",
            ],
            seed: UInt64(seed)
        )
        for _ in 0..<200 {
            var names = FixedNames()
            let record = FixedNames.Record.txt(octets("v=spf1 ") + sentences.next())
            for name in ["example.com", "d.test", "com", "test"] {
                names.zone[name] = [record, .mx(1, "d.test"), .address(IPAddress(ipv4: 0x0102_0304)), .ptr("d.test")]
            }
            names.zone["4.3.2.1.in-addr.arpa"] = [.ptr("d.test"), .ptr(""), .ptr("..")]
            let identity = SPFIdentity(
                address: IPAddress(ipv4: 0x0102_0304),
                reversePath: (String(decoding: sentences.next(upTo: 4), as: UTF8.self), "example.com"),
                helo: String(decoding: sentences.next(upTo: 4), as: UTF8.self)
            )
            var check = SPFCheck(identity, names: names, receiver: "mx.example.org", unixTime: 0)
            let outcome = await check.run()
            #expect((outcome.explanation ?? "").utf8.allSatisfy { $0.isVisible || $0 == .space })
            #expect(
                HeaderParser(outcome.receivedSPF(for: identity, receiver: "mx.example.org")).count { _ in true } == 1
            )
        }
    }

    @Test("RFC 8601: what is read can be written, and read again", arguments: 1...8) func results(seed: Int) {
        var sentences = Sentences(
            [
                "mx.example.org", ";", " ", "spf", "=", "pass", "none", "(", ")", "\"", "\\", "1", "reason", "smtp",
                ".",
                "mailfrom", "@", "/", "dkim=fail", " header.d=a.b", ",", "ü",
            ],
            seed: UInt64(seed)
        )
        for _ in 0..<500 {
            let value = octets("mx.example.org; spf=pass") + sentences.next()
            guard let results = AuthenticationResults(value[...]) else { continue }
            let fields = Array(HeaderParser(results.field))
            #expect(fields.count == 1)
            #expect(fields.first.flatMap { AuthenticationResults($0.value) }?.methods.count == results.methods.count)
            // Whatever can be parsed as ours is taken out.
            if let field = fields.first {
                #expect(AuthenticationResults.isForged(field, authservID: results.authservID))
            }
        }
    }

    @Test("RFC 8617: chains of pieces are none", arguments: 1...8) func chains(seed: Int) async throws {
        var sentences = Sentences(
            [
                "ARC-Seal:", "ARC-Message-Signature:", "ARC-Authentication-Results:", "i=1", "i=2", "i=50", "i=", ";",
                " ",
                "a=rsa-sha256", "cv=none", "cv=pass", "cv=fail", "d=example.com", "s=rsa", "h=from", "bh=", "b=",
                "YQ==",
                "l=0", "t=1", "mx.example.org", "none", "\r\n", "\r\n", "From: a@example.com",
            ],
            seed: UInt64(seed)
        )
        let names = try TestKeys.names()
        for _ in 0..<100 {
            let header = sentences.next(upTo: 40)
            var verifier = ARCVerifier(header: header[...])
            verifier.update(sentences.next()[...])
            let outcome = await verifier.finish(names: names, unixTime: 0)
            #expect(outcome.result != .pass && (0...50).contains(outcome.instance))
            var sealer = ARCSealer(
                header: header[...],
                domain: try TestKeys.required(TestKeys.domain),
                key: try TestKeys.keys()[1]
            )
            let set = try sealer.finish(
                results: AuthenticationResults(authservID: "mx.example.org", methods: []),
                chain: outcome,
                unixTime: 0
            )
            #expect(HeaderParser(set).count { _ in true } == (set.isEmpty ? 0 : 3))
        }
    }

    @Test("RFC 8601 §5: what is taken out while it passes is what all of it would lose", arguments: 1...8)
    func forged(seed: Int) {
        var sentences = Sentences(
            [
                "Authentication-Results", "authentication-results", "Auth", ":", ":", " ", "\t", "\r\n", "\r\n",
                "\r\n ",
                "mx.example.org", "other.example", ";", " none", "From: a@b", "(", "\"",
            ],
            seed: UInt64(seed)
        )
        for _ in 0..<200 {
            var header = sentences.next(upTo: 30)
            // The empty line is not shown to it; and a name without a colon it takes out on its own account.
            let fields = Array(HeaderParser(header))
            header = fields.flatMap { Array($0.octets) }
            let isPlain = fields.allSatisfy {
                !$0.name.isEmpty || !$0.octets.starts(with: [0x41]) && $0.octets.first != 0x61
            }
            guard isPlain else { continue }
            var filter = ForgedResultsFilter(authservID: "mx.example.org")
            var kept: [UInt8] = []
            var rest = header[...]
            while !rest.isEmpty {
                let size = 1 + sentences.number(9)
                kept += filter.filter(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            kept += filter.finish()
            #expect(kept == AuthenticationResults.removingForged(from: header[...], authservID: "mx.example.org"))
        }
    }

    @Test("RFC 7489: a From field names one domain or suspects", arguments: 1...8) func author(seed: Int) {
        var sentences = Sentences(
            [
                "<", ">", "@", "a.example", "b.example", "ann", "\"", "\\", "(", ")", ",", ";", ":", " ", ".",
                "=?utf-8?b?YQ==?=",
                "ann@a.example", "[", "]", "ü",
            ],
            seed: UInt64(seed)
        )
        for _ in 0..<1_000 {
            let value = sentences.next(upTo: 10).filter { $0 != 0x0A && $0 != 0x0D }
            let header = SignableHeader((octets("From: ") + value + [0x0D, 0x0A])[...])
            guard case .one(let domain) = AuthorDomain(header) else { continue }
            // The lenient parser, which stands for some client, sees the same single mailbox.
            let mailboxes = AddressParser.addresses(in: value).compactMap(\.mailbox)
            #expect(mailboxes.count == 1)
            #expect(
                mailboxes.first.flatMap { DomainName($0.domain) } == domain,
                "\(String(decoding: value, as: UTF8.self))"
            )
        }
    }

    @Test("Tag lists, key records, policies, names and suffixes", arguments: 1...8) func others(seed: Int) {
        var sentences = Sentences(
            [
                "v=DMARC1", ";", "p=", "reject", "=", " ", "pct", "101", "rua=mailto:", "a", "*.", "!", "//", ".",
                "xn--", "ü", "。",
            ],
            seed: UInt64(seed)
        )
        for _ in 0..<1_000 {
            let text = sentences.next()
            _ = TagList(text)
            if let record = DMARCRecord(text) { #expect((0...100).contains(record.percentage)) }
            if let name = DomainName(text) {
                #expect(DomainName(name.text) == name)
                #expect(name.text.utf8.allSatisfy { $0.isAlphanumeric || "-_.".utf8.contains($0) })
            }
            let list = PublicSuffixList(text)
            if let name = DomainName("a.b.c") { #expect(name.isWithin(list.organizationalDomain(of: name))) }
        }
    }

    @Test(
        "A message of nothing but line ends, colons or signatures",
        arguments: ["\r\n", ":", "From:\r\n", "DKIM-Signature: v=1; h="]
    )
    func repeated(piece: String) async throws {
        let authenticator = SenderAuthenticator(
            names: FixedNames(),
            suffixes: PublicSuffixList(),
            authservID: "mx.example.org"
        )
        var message = authenticator.message(from: IPAddress(ipv4: 1), reversePath: nil, helo: "")
        let chunk = octets(String(repeating: piece, count: 2_000))
        for _ in 0..<40 { message.update(chunk[...]) }
        let verdict = await message.finish(unixTime: 0, lot: 0)
        #expect(verdict.dmarc.result == .permerror)
        #expect(HeaderParser(verdict.results.field).count { _ in true } == 1)
    }
}
