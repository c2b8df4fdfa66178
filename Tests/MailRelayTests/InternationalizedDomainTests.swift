// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import Testing

@testable import MailRelay

/// RFC 6531 §3.2: the name system knows A-labels, and a host without SMTPUTF8 knows nothing else.
@Suite("Domains in other scripts") struct InternationalizedDomainTests {
    @Test("Mail goes to the hosts of the A-labels, whether they have SMTPUTF8 or not", arguments: [true, false])
    func delivered(_ hasSMTPUTF8: Bool) async throws {
        let fixture = try await Fixture(
            names: Names {
                $0.exchangers["xn--bcher-kva.example"] = .success([(1, "mx.example.net")])
                $0.exchangers["bücher.example"] = .failure(.noSuchDomain)
            }
        )
        fixture.sinks.set { $0.extensions = hasSMTPUTF8 ? ["SMTPUTF8"] : [] }
        try await fixture.enqueue(["bob@bücher.example"], from: "ann@例え.example")
        try await fixture.relaying { try await fixture.untilEmpty() }
        let message = try #require(fixture.sinks.record.messages.first)
        #expect(message.from == "MAIL FROM:<ann@xn--r8jz45g.example>")
        #expect(message.recipients == ["RCPT TO:<bob@xn--bcher-kva.example>"])
        #expect(message.address == Names.address(of: "mx.example.net"))
    }

    @Test("A name that is none does not exist") func noName() async throws {
        let fixture = try await Fixture()
        try await fixture.enqueue(["bob@☃.example"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.isEmpty)
        #expect(try await fixture.inbox().first?.contains("5.1.2") == true)
    }

    @Test(
        "A-labels",
        arguments: [
            ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.Example", "xn--bcher-kva.example"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"), ("Example.ORG", "example.org"), ("[IPv6:::1]", "[ipv6:::1]"),
            ("☃.example", nil), ("straße.de", "xn--strae-oqa.de"),
            (String(repeating: "ü", count: 300) + ".example", nil),
        ] as [(String, String?)]
    )
    func aLabels(_ domain: String, _ expected: String?) { #expect(Punycode.aLabels(of: domain) == expected) }
}
