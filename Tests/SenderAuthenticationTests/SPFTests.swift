// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import Testing

@testable import SenderAuthentication

@Suite("RFC 7208: what the suite does not ask") struct SPFTests {
    private static func outcome(
        _ names: FixedNames,
        address: String = "192.0.2.1",
        reversePath: (localPart: String, domain: String)? = ("ann", "example.com"),
        helo: String = "mail.example.net"
    ) async throws -> SPFOutcome {
        let identity = SPFIdentity(address: try IPAddress(parsing: address), reversePath: reversePath, helo: helo)
        var check = SPFCheck(identity, names: names, receiver: "mx.example.org", unixTime: 1_600_000_000)
        return await check.run()
    }

    @Test("An IPv4 address mapped into IPv6 is an IPv4 address") func mapped() async throws {
        let names = FixedNames(["example.com": "v=spf1 ip4:192.0.2.0/24 -all"])
        let outcome = try await Self.outcome(names, address: "::ffff:192.0.2.7")
        #expect(outcome.result == .pass)
        #expect(outcome.mechanism == "ip4:192.0.2.0/24")
        #expect(outcome.domain?.text == "example.com")
    }

    @Test("§2.4: the null reverse-path stands for postmaster at the HELO domain") func null() async throws {
        let names = FixedNames(["mail.example.net": "v=spf1 exists:%{l}.example.net -all"])
        var known = names
        known.zone["postmaster.example.net"] = [.address(IPAddress(ipv4: 0x7F00_0002))]
        #expect(try await Self.outcome(names, reversePath: nil).result == .fail)
        #expect(try await Self.outcome(known, reversePath: nil).result == .pass)
        #expect(try await Self.outcome(known, reversePath: nil, helo: "[192.0.2.1]").result == .none)
        #expect(try await Self.outcome(known, reversePath: nil, helo: "localhost").result == .none)
    }

    @Test("U-labels are asked for as A-labels") func internationalized() async throws {
        let names = FixedNames(["xn--bcher-kva.example": "v=spf1 +all"])
        #expect(try await Self.outcome(names, reversePath: ("ann", "bücher.example")).result == .pass)
    }

    @Test("§4.6.4: an include that includes itself ends", arguments: ["include:example.com", "redirect=example.com"])
    func loop(term: String) async throws {
        let outcome = try await Self.outcome(FixedNames(["example.com": "v=spf1 \(term)"]))
        #expect(outcome.result == .permerror)
        #expect(outcome.problem == "more than ten lookups")
    }

    @Test("A record of many terms that ask nothing takes no time") func long() async throws {
        let record = "v=spf1" + String(repeating: " ip4:10.0.0.1", count: 5_000) + " ~all"
        #expect(try await Self.outcome(FixedNames(["example.com": record])).result == .softfail)
    }

    @Test("A macro cannot make a text without bounds") func bounded() async throws {
        let local = String(repeating: "a", count: 64)
        let record = "v=spf1 exists:" + String(repeating: "%{s}", count: 2_000) + ".example.com -all"
        let outcome = try await Self.outcome(FixedNames(["example.com": record]), reversePath: (local, "example.com"))
        #expect(outcome.result == .fail)
    }

    @Test("§6.2: an explanation is ASCII, and not too long", arguments: [("no %{i}", "no 192.0.2.1"), ("nö", nil)])
    func explanation(text: String, explanation: String?) async throws {
        let names = FixedNames(["example.com": "v=spf1 -all exp=why.example.com", "why.example.com": text])
        #expect(try await Self.outcome(names).explanation == explanation)
        let long = FixedNames([
            "example.com": "v=spf1 -all exp=why.example.com", "why.example.com": String(repeating: "a", count: 500),
        ])
        #expect(try await Self.outcome(long).explanation == nil)
    }

    @Test("§9.1: Received-SPF") func received() async throws {
        let identity = SPFIdentity(
            address: IPAddress(ipv4: 0xC000_0201),
            reversePath: ("a \"b\\\r\nX: y", "example.com"),
            helo: "h\u{0}elo;"
        )
        var check = SPFCheck(
            identity,
            names: FixedNames(["example.com": "v=spf1 ip4:192.0.2.1"]),
            receiver: "mx.example.org",
            unixTime: 0
        )
        let field = await check.run().receivedSPF(for: identity, receiver: "mx.example.org")
        #expect(
            String(decoding: field, as: UTF8.self) == """
                Received-SPF: pass\r
                \tclient-ip=192.0.2.1;\r
                \tidentity=mailfrom;\r
                \thelo="helo;";\r
                \tenvelope-from="a \\"b\\\\X: y@example.com";\r
                \tmechanism="ip4:192.0.2.1";\r
                \treceiver=mx.example.org\r

                """
        )
    }
}
