// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import Testing

@testable import MailRelay

@Suite("RFC 8461 §3.2: policies") struct STSPolicyTests {
    private static let text =
        "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"

    @Test func read() throws {
        let policy = try STSPolicy(Array(Self.text.utf8))
        #expect(policy.mode == .enforce)
        #expect(policy.hosts == ["mail.example.com", "*.example.net"])
        #expect(policy.lifetime == 604_800)
        #expect(policy.lines.count == 5)
    }

    @Test("Line ends, blanks, unknown fields and fields that come twice") func lenient() throws {
        let text =
            "version:STSv1\n\nmode:\ttesting  \nmode: enforce\nx-new: anything: at all\nmx: MX.Example.ORG.\nmax_age: 5"
        let policy = try STSPolicy(Array(text.utf8))
        #expect(policy.mode == .testing)
        #expect(policy.hosts == ["mx.example.org"])
        #expect(policy.lifetime == 5)
    }

    @Test("A policy of none needs no hosts; a lifetime has its limit") func none() throws {
        let policy = try STSPolicy(Array("version: STSv1\nmode: none\nmax_age: 9999999999".utf8))
        #expect(policy.mode == .none)
        #expect(policy.lifetime == STSPolicy.longestLifetime)
    }

    @Test(
        "What is none",
        arguments: [
            ("version: STSv1", "version: STSv2"), ("version: STSv1\r\n", ""), ("enforce", "enforced"),
            ("mode: enforce\r\n", ""), ("604800", "soon"), ("604800", "-1"), ("604800", "12345678901"), ("604800", ""),
            ("max_age: 604800\r\n", ""), ("mx: mail.example.com\r\nmx: *.example.net\r\n", ""), ("*.example.net", "*"),
            ("*.example.net", "*."), ("*.example.net", "a b"), ("*.example.net", "*.*.net"), ("mode: ", "mode "),
            ("enforce", "enf\u{0}orce"),
        ]
    )
    func refused(_ part: String, _ other: String) throws {
        let changed = Self.text.replacing(part, with: other, maxReplacements: 1)
        #expect(changed != Self.text)
        #expect(throws: SyntaxError.self, "\(changed)") { try STSPolicy(Array(changed.utf8)) }
    }

    @Test("Bounded") func bounds() {
        let long = Self.text + String(repeating: "mx: a.example\n", count: 5_000)
        #expect(throws: SyntaxError.self) { try STSPolicy(Array(long.utf8)) }
        let many = Self.text + String(repeating: "a:\n", count: 1_000)
        #expect(throws: SyntaxError.self) { try STSPolicy(Array(many.utf8)) }
        #expect(throws: SyntaxError.self) { try STSPolicy([0xFF, 0xFE]) }
    }

    @Test(
        "§4.1: a wildcard stands for one label",
        arguments: [
            ("mail.example.com", true), ("MAIL.example.com.", true), ("x.mail.example.com", false),
            ("a.example.net", true), ("a.b.example.net", false), ("example.net", false), ("aexample.net", false),
            ("example.com", false), ("net", false), ("", false),
        ]
    )
    func hosts(_ name: String, _ fits: Bool) throws {
        #expect(try STSPolicy(Array(Self.text.utf8)).allows(name) == fits)
    }

    @Test(
        "§3.1: the record",
        arguments: [
            (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"), (["v=STSv1;id=a"], "a"),
            (["other", "v=STSv1 ; ext=x; id=b ;"], "b"), (["v=STSv1; id=a", "v=STSv1; id=b"], nil), (["v=STSv1"], nil),
            (["v=STSv1; id="], nil), (["v=STSv1; id=a-b"], nil), (["v=STSv10; id=a"], nil), ([], nil),
            ([" v=STSv1; id=a"], nil), (["v=STSv1; id=" + String(repeating: "a", count: 33)], nil),
        ] as [([String], String?)]
    )
    func record(_ texts: [String], _ id: String?) {
        #expect(STSRecord(texts: texts.map { Array($0.utf8) })?.id == id)
    }
}
