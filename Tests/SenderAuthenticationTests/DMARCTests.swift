// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import Testing

@testable import SenderAuthentication

@Suite("RFC 7489: DMARC") struct DMARCTests {
    @Test(
        "§6.3: records",
        arguments: [
            ("v=DMARC1; p=reject", "reject reject relaxed relaxed 100"),
            ("v=DMARC1;p=none;sp=quarantine;adkim=s;aspf=s;pct=5", "none quarantine strict strict 5"),
            ("v = DMARC1 ; p = Quarantine ; rua=mailto:a@b ;", "quarantine quarantine relaxed relaxed 100"),
            ("v=DMARC1; p=reject; pct=101; adkim=x; aspf=; fo=1;; junk", "reject reject relaxed relaxed 100"),
            ("v=DMARC1; sp=none; p=reject; p=none", "reject none relaxed relaxed 100"),
            // §6.6.3: without a valid policy, but with an address for reports.
            ("v=DMARC1; rua=mailto:a@b", "none none relaxed relaxed 100"),
            ("v=DMARC1; p=reject; sp=bad; rua=mailto:a@b", "none none relaxed relaxed 100"),
            ("v=DMARC1; p=bad", nil), ("v=DMARC1", nil), ("v=DMARC1; p=reject; sp=bad", nil),
            ("p=reject; v=DMARC1", nil),
            ("v=DMARC2; p=reject", nil), ("v=dmarc1; p=reject", nil), ("", nil), ("v=spf1 -all", nil),
        ]
    )
    func records(text: String, description: String?) {
        let record = DMARCRecord(octets(text))
        let described = record.map {
            "\($0.policy) \($0.subdomainPolicy) \($0.dkimAlignment) \($0.spfAlignment) \($0.percentage)"
        }
        #expect(described == description)
    }

    private static let suffixes = PublicSuffixList(octets("org\ncom\nco.uk\n"))

    private static func spf(_ result: SPFResult) -> SPFOutcome { SPFOutcome(result) }

    private static func dkim(_ result: DKIMResult, _ domain: String) -> DKIMOutcome {
        var outcome = DKIMOutcome(result)
        outcome.domain = DomainName(domain)
        return outcome
    }

    private static func outcome(
        _ records: [String: String],
        from author: String = "mail.example.org",
        spf: SPFResult = .none,
        spfDomain: String = "other.com",
        dkim: [DKIMOutcome] = [],
        lot: Int = 0
    ) async throws -> DMARCOutcome {
        let check = DMARCCheck(
            suffixes: self.suffixes,
            spf: self.spf(spf),
            spfDomain: DomainName(spfDomain),
            dkim: dkim,
            lot: lot
        )
        let domain = try TestKeys.required(DomainName(author))
        return check.outcome(await DMARCInquiry(.one(domain), names: FixedNames(records), suffixes: self.suffixes))
    }

    @Test(
        "§3.1: alignment",
        arguments: [
            ("", "mail.example.org", true), ("", "example.org", true), ("", "a.b.example.org", true),
            ("", "example.com", false), ("", "badexample.org", false), ("", "org", false),
            ("s", "mail.example.org", true), ("s", "example.org", false), ("s", "a.mail.example.org", false),
        ]
    )
    func alignment(mode: String, domain: String, isAligned: Bool) async throws {
        let records = ["_dmarc.example.org": "v=DMARC1; p=reject; adkim=\(mode); aspf=\(mode)"]
        let expected: DMARCResult = isAligned ? .pass : .fail
        let bySPF = try await Self.outcome(records, spf: .pass, spfDomain: domain)
        #expect(bySPF.result == expected)
        #expect(bySPF.disposition == (isAligned ? .none : .reject))
        #expect(try await Self.outcome(records, dkim: [Self.dkim(.pass, domain)]).result == expected)
        // What does not pass authenticates nothing.
        #expect(try await Self.outcome(records, spf: .softfail, spfDomain: domain).result == .fail)
        for result in DKIMResult.allCases where result != .pass && result != .temperror {
            #expect(try await Self.outcome(records, dkim: [Self.dkim(result, domain)]).result == .fail)
        }
    }

    @Test("§3.1: two customers of one registry are not aligned") func registry() async throws {
        let records = ["_dmarc.one.co.uk": "v=DMARC1; p=reject"]
        #expect(try await Self.outcome(records, from: "one.co.uk", spf: .pass, spfDomain: "two.co.uk").result == .fail)
        #expect(try await Self.outcome(records, from: "one.co.uk", spf: .pass, spfDomain: "co.uk").result == .fail)
    }

    @Test("§6.6.3: the domain's own policy, else its organization's") func discovery() async throws {
        let both = [
            "_dmarc.mail.example.org": "v=DMARC1; p=none",
            "_dmarc.example.org": "v=DMARC1; p=reject; sp=quarantine",
        ]
        #expect(try await Self.outcome(both).disposition == .none)
        #expect(try await Self.outcome(both, from: "www.example.org").disposition == .quarantine)
        #expect(try await Self.outcome(both, from: "a.b.c.example.org").disposition == .quarantine)
        #expect(try await Self.outcome(both, from: "example.org").disposition == .reject)
        #expect(try await Self.outcome(both, from: "example.com").result == .none)
        #expect(try await Self.outcome(["_dmarc.org": "v=DMARC1; p=reject"]).result == .none)
    }

    @Test("§6.6.3: other TXT records do not count, and two policies are none") func several() async throws {
        var names = FixedNames(["_dmarc.example.org": "v=DMARC1; p=reject"])
        func outcome() async throws -> DMARCOutcome {
            let check = DMARCCheck(
                suffixes: Self.suffixes,
                spf: Self.spf(.none),
                spfDomain: nil,
                dkim: [],
                lot: 0
            )
            let domain = try TestKeys.required(DomainName("example.org"))
            return check.outcome(await DMARCInquiry(.one(domain), names: names, suffixes: Self.suffixes))
        }
        names.zone["_dmarc.example.org"]?.append(.txt(octets("something else")))
        #expect(try await outcome().disposition == .reject)
        names.zone["_dmarc.example.org"]?.append(.txt(octets("v=DMARC1; p=none")))
        #expect(try await outcome().result == .none)
        names.zone["_dmarc.example.org"] = [.silence]
        #expect(try await outcome().result == .temperror)
    }

    @Test(
        "§6.6.4: pct",
        arguments: [
            ("reject", 0, "reject"), ("reject", 29, "reject"), ("reject", 30, "quarantine"), ("quarantine", 99, "none"),
        ]
    )
    func sampling(policy: String, lot: Int, disposition: String) async throws {
        let records = ["_dmarc.example.org": "v=DMARC1; p=\(policy); pct=30"]
        let outcome = try await Self.outcome(records, lot: lot)
        #expect(outcome.result == .fail)
        #expect(outcome.policy.rawValue == policy)
        #expect(outcome.disposition.rawValue == disposition)
    }

    @Test("§6.6.2: what might pass another time is no failure") func temporary() async throws {
        let records = ["_dmarc.example.org": "v=DMARC1; p=reject"]
        let aligned = try await Self.outcome(records, dkim: [Self.dkim(.temperror, "example.org")])
        #expect(aligned.result == .temperror)
        #expect(aligned.policy == .reject)
        #expect(aligned.disposition == .none)
        #expect(try await Self.outcome(records, spf: .temperror, spfDomain: "example.org").result == .temperror)
        #expect(try await Self.outcome(records, spf: .temperror).result == .fail)
        #expect(try await Self.outcome(records, dkim: [Self.dkim(.temperror, "example.com")]).result == .fail)
    }

    @Test(
        "§6.6.1: From fields that name one domain",
        arguments: [
            "From: ann@example.org", "from:ann@EXAMPLE.org", "From : Ann <ann@example.org>", "From: <ann@example.org>",
            "From: \"Ann, <b@evil.com>\" <ann@example.org>", "From: Ann (x <b@evil.com>) <ann@example.org> (y)",
            "From: Ann B. Cee\r\n <ann@example.org>", "From: \"a b\"@example.org", "From: Ännchen <ann@example.org>",
            "From: =?utf-8?q?a=40evil.com?= <ann@example.org>", "From: ann @ example.org",
            "From eve@evil.com Thu Jan  1 00:00:00 2026\r\nFrom: ann@example.org",
        ]
    )
    func author(line: String) {
        let header = SignableHeader(octets(line + "\r\nTo: x@evil.com\r\n")[...])
        #expect(AuthorDomain(header) == DomainName("example.org").map(AuthorDomain.one))
    }

    @Test(
        "§6.6.1, espoofer: From fields that name none, and whom they suggest",
        arguments: [
            ("From: ann@example.org\r\nFrom: eve@evil.com", ["example.org", "evil.com"]),
            ("From: ann@example.org\r\nfrom : eve@evil.com", ["example.org", "evil.com"]),
            ("From: ann@example.org, eve@evil.com", ["example.org", "evil.com"]),
            ("From: <ann@example.org>, <eve@evil.com>", ["example.org", "evil.com"]),
            ("From: <ann@example.org> eve@evil.com", ["example.org", "evil.com"]),
            ("From: <ann@example.org> <eve@evil.com>", ["example.org", "evil.com"]),
            ("From: ann@example.org <eve@evil.com>", ["example.org", "evil.com"]),
            ("From: <@evil.com,@b.com:ann@example.org>", ["evil.com", "b.com", "example.org"]),
            ("From: <eve@evil.com:ann@example.org>", ["evil.com", "example.org"]),
            ("From: group: ann@example.org;", ["example.org"]),
            ("From: =?utf-8?b?YW5uQGV4YW1wbGUub3Jn?=", ["example.org"]),
            ("From: <=?utf-8?b?YW5uQGV4YW1wbGUub3Jn?=>", ["example.org"]),
            ("From: ann@example.org\u{0}.evil.com", ["example.org", "example.org.evil.com"]),
            ("From: ann@example.org'@evil.com", ["example.org", "evil.com"]),
            ("From: \"ann@example.org", ["example.org"]), ("From: ann@\r\n example.org (", ["example.org"]),
            ("From: ann@[192.0.2.1]", []), ("From: ann", []), ("From:", []), ("From: <>", []), ("To: a@b.com", []),
            ("From: ann@example..org", []), ("From: ann@example.org(", ["example.org"]),
            ("From\r\n : ann@example.org\r\nFrom: eve@evil.com", ["evil.com", "example.org"]),
            (" From: ann@example.org\r\nFrom: eve@evil.com", ["evil.com", "example.org"]),
            ("From\r\n : ann@example.org\r\nX: y", ["example.org"]), ("Sender: ann@example.org", ["example.org"]),
            ("Resent-From: ann@example.org\r\nSender: eve@evil.com", ["evil.com", "example.org"]),
        ]
    )
    func unclear(lines: String, suspects: [String]) {
        let header = SignableHeader(octets(lines + "\r\n")[...])
        guard case .unclear(_, let domains, _) = AuthorDomain(header) else {
            Issue.record("\(AuthorDomain(header))")
            return
        }
        #expect(domains.map(\.text) == suspects)
    }

    /// What is to be done with a message that has these fields, where nobody's policy is known but these.
    private static func disposition(_ fields: String, _ names: any NameService) async -> DMARCOutcome {
        let header = SignableHeader(octets(fields + "\r\n")[...])
        let check = DMARCCheck(
            suffixes: Self.suffixes,
            spf: Self.spf(.pass),
            spfDomain: DomainName("evil.com"),
            dkim: [],
            lot: 99
        )
        return check.outcome(await DMARCInquiry(AuthorDomain(header), names: names, suffixes: Self.suffixes))
    }

    @Test("§6.6.1: of all who may be meant, the strictest policy") func strictest() async {
        let names = FixedNames([
            "_dmarc.example.org": "v=DMARC1; p=reject; pct=0", "_dmarc.evil.com": "v=DMARC1; p=none",
        ])
        let outcome = await Self.disposition("From: a@example.org, b@evil.com", names)
        #expect(outcome.result == .permerror)
        #expect(outcome.disposition == .reject)
        #expect(await Self.disposition("From: a@b.com, c@d.com", names).disposition == .none)
    }

    @Test(
        "Who may be meant cannot hide behind a comment, quotes or others",
        arguments: [
            "From: <ceo@(x)example.org>\r\nFrom: a@evil.com", "From: ceo@ (a(b)) example.org, a@evil.com",
            "From: <ceo@\"example.org\">, a@evil.com",
        ]
    )
    func hidden(fields: String) async {
        let names = FixedNames(["_dmarc.example.org": "v=DMARC1; p=reject"])
        #expect(await Self.disposition(fields, names).disposition == .reject)
    }

    @Test(
        "Where some who may be meant are not known, the message is suspect",
        arguments: [
            "From: \"@a1.x @a2.x @a3.x @a4.x @a5.x @a6.x @a7.x @a8.x\" <ceo@example.org>, <b@y.z>",
            String(repeating: "From: a@evil.com\r\n", count: 8) + "From: ceo@example.org",
            "From: ceo@<example.org>, a@evil.com", "From: ceo@, a@evil.com",
        ]
    )
    func crowded(fields: String) async {
        let names = FixedNames(["_dmarc.example.org": "v=DMARC1; p=reject"])
        #expect(await Self.disposition(fields, names).disposition >= .quarantine)
    }

    @Test("Where a policy of one who may be meant cannot be had, the client is to come again") func suspectUnknown()
        async
    {
        let outcome = await Self.disposition("From: a@example.org, b@evil.com", SilentNames())
        #expect(outcome.result == .temperror)
        #expect(outcome.policy == .reject)
    }

    private struct SilentNames: NameService {
        func texts(of name: DomainName) async -> NameAnswer<[UInt8]> { .temporaryFailure }
        func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> {
            .temporaryFailure
        }
        func mailExchangers(of name: DomainName) async -> NameAnswer<String> { .temporaryFailure }
        func names(of address: IPAddress) async -> NameAnswer<String> { .temporaryFailure }
    }
}
