// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication
import Testing

@testable import DomainReports

@Suite("Where reports are wanted") struct ReportDiscoveryTests {
    /// TXT records by name; a name with none of which nobody answers.
    private struct Names: NameService {
        var texts: [String: [String]]

        func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
            guard let texts = self.texts[name.text] else { return .noSuchName }
            return texts.isEmpty ? .temporaryFailure : .found(texts.map { Array($0.utf8) })
        }
        func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> { .noSuchName }
        func mailExchangers(of name: DomainName) async -> NameAnswer<String> { .noSuchName }
        func names(of address: IPAddress) async -> NameAnswer<String> { .noSuchName }
    }

    private func discovery(_ texts: [String: [String]]) -> ReportDiscovery {
        ReportDiscovery(names: Names(texts: texts), suffixes: PublicSuffixList())
    }

    private func mail(_ address: String, limit: Int? = nil) throws -> ReportURI {
        .mail(try EmailAddress(parsing: address), limit: limit)
    }

    @Test("URIs, with limits")
    func uris() throws {
        #expect(
            ReportURI.list(
                " mailto:a@b.example!10m , MAILTO:c%21d@b.example?subject=x, https://b.example/x, mailto:e@b.example!5, "
                    + "http://b.example, mailto:, mailto:a, mailto:a@b.example!x, ftp:x, mailto:%zz@b.example,"
                    + "mailto:a@b.example!10m"
            ) == [
                try self.mail("a@b.example", limit: 10 << 20), try self.mail("c!d@b.example"),
                .web("https://b.example/x"), try self.mail("e@b.example", limit: 5),
            ]
        )
        #expect(ReportURI.list((0..<50).map { "mailto:a\($0)@b.example" }.joined(separator: ",")).count == 5)
        #expect(ReportURI.list("mailto:a@b.example\r\nBcc: x@y.example").isEmpty)
        #expect(ReportURI.list("mailto:a%0d%0a@b.example").isEmpty)
    }

    @Test("RFC 7489 §7.1: others have to agree") func external() async throws {
        let domain = try #require(DomainName("news.example.org"))
        func answer(_ rua: String, _ others: [String: [String]] = [:]) async -> ReportDiscovery.Answer {
            let own = ["_dmarc.news.example.org": ["v=DMARC1; p=none; rua=\(rua)", "something else"]]
            return await self.discovery(own.merging(others) { $1 }).aggregate(of: domain)
        }
        #expect(
            await answer("mailto:a@mail.example.org!1k") == .found([try self.mail("a@mail.example.org", limit: 1024)])
        )
        #expect(await answer("mailto:a@other.com") == .found([]))
        let name = "news.example.org._report._dmarc.other.com"
        #expect(await answer("mailto:a@other.com", [name: ["v=DMARC1"]]) == .found([try self.mail("a@other.com")]))
        #expect(await answer("mailto:a@other.com", [name: ["v=DMARC2"]]) == .found([]))
        #expect(await answer("mailto:a@other.com", [name: []]) == .temporaryFailure)
        // Under another address of the same host only, so that nobody is sent round in circles.
        #expect(
            await answer("mailto:a@other.com", [name: ["v=DMARC1; rua=mailto:b@other.com,mailto:c@third.com"]])
                == .found([try self.mail("b@other.com")])
        )
        #expect(await answer("https://mail.example.org/") == .found([]))
    }

    @Test("Those who agree under other addresses are no more than five, none twice") func overrides() async throws {
        let domain = try #require(DomainName("example.org"))
        var texts = ["_dmarc.example.org": ["v=DMARC1; p=none; rua=mailto:x@a.com,mailto:y@a.com,mailto:x@b.com"]]
        for host in ["a.com", "b.com"] {
            let list = (0..<5).map { "mailto:r\($0)@\(host)" }.joined(separator: ",")
            texts["example.org._report._dmarc.\(host)"] = ["v=DMARC1; rua=\(list)"]
        }
        let expected = try (0..<5).map { try self.mail("r\($0)@a.com") }
        #expect(await self.discovery(texts).aggregate(of: domain) == .found(expected))
    }

    @Test("Without a record of DMARC, or with two") func noRecord() async throws {
        let domain = try #require(DomainName("example.org"))
        let record = "v=DMARC1; p=none; rua=mailto:a@example.org"
        #expect(await self.discovery([:]).aggregate(of: domain) == .found([]))
        #expect(await self.discovery(["_dmarc.example.org": []]).aggregate(of: domain) == .temporaryFailure)
        #expect(await self.discovery(["_dmarc.example.org": [record, record]]).aggregate(of: domain) == .found([]))
    }

    @Test(
        "RFC 8460 §3",
        arguments: [
            (["v=TLSRPTv1; rua=mailto:a@b.example, https://b.example/tls"], 2),
            (["v=TLSRPTv1;rua=mailto:a@b.example;x=y;"], 1), (["other", "v=TLSRPTv1 ; rua=mailto:a@b.example"], 1),
            (["v=TLSRPTv1; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:c@b.example"], 0),
            (["v=TLSRPTv2; rua=mailto:a@b.example"], 0), (["v=tlsrptv1; rua=mailto:a@b.example"], 0),
            (["v=TLSRPTv1"], 0), (["rua=mailto:a@b.example; v=TLSRPTv1"], 0),
        ]
    )
    func tls(records: [String], count: Int) async throws {
        let domain = try #require(DomainName("example.org"))
        guard case .found(let found) = await self.discovery(["_smtp._tls.example.org": records]).tls(of: domain) else {
            Issue.record("no answer")
            return
        }
        #expect(found.count == count)
        #expect(await self.discovery(["_smtp._tls.example.org": []]).tls(of: domain) == .temporaryFailure)
    }
}
