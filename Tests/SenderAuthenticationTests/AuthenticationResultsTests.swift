// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@testable import SenderAuthentication

@Suite("RFC 8601: Authentication-Results") struct AuthenticationResultsTests {
    private static func parsed(_ value: String) -> AuthenticationResults? { AuthenticationResults(octets(value)[...]) }

    @Test("§B.1, §B.2: nothing was looked at", arguments: [" example.org 1; none", "example.org; none", "example.org"])
    func none(value: String) {
        #expect(Self.parsed(value) == AuthenticationResults(authservID: "example.org", methods: []))
    }

    @Test("§B.3 to §B.6: the examples") func examples() {
        #expect(
            Self.parsed(" example.com;\r\n spf=pass smtp.mailfrom=example.net")
                == AuthenticationResults(
                    authservID: "example.com",
                    methods: [.init("spf", "pass", properties: [.init("smtp", "mailfrom", "example.net")])]
                )
        )
        #expect(
            Self.parsed(
                " example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n"
                    + " spf=pass smtp.mailfrom=example.net"
            )?.methods.map(\.method) == ["auth", "spf"]
        )
        #expect(
            Self.parsed(
                " foo.example.net (foobar) 1 (baz);\r\n"
                    + " dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
                    + " policy (A dot can go here) . (like that) expired\r\n"
                    + " (this surprised me) = (as I wasn't expecting it) 1362471462"
            )
                == AuthenticationResults(
                    authservID: "foo.example.net",
                    methods: [.init("dkim", "fail", properties: [.init("policy", "expired", "1362471462")])]
                )
        )
        #expect(
            Self.parsed(
                "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net;"
                    + " dkim=fail reason=\"bad; signature\" header.i=\"a b\"@newyork.example.com;"
            )
                == AuthenticationResults(
                    authservID: "example.com",
                    methods: [
                        .init(
                            "dkim",
                            "pass",
                            reason: "good signature",
                            properties: [.init("header", "i", "@mail-router.example.net")]
                        ),
                        .init(
                            "dkim",
                            "fail",
                            reason: "bad; signature",
                            properties: [.init("header", "i", "a b@newyork.example.com")]
                        ),
                    ]
                )
        )
    }

    @Test(
        "§2.2: what is none",
        arguments: [
            "", ";", "example.org 2; none", "example.org none", "example.org; spf", "example.org; spf=",
            "example.org; =pass",
            "example.org; spf=pass smtp=x", "example.org; spf=pass smtp.=x", "example.org (; spf=pass", "\"example.org",
            "example.org; none; spf=pass", "example.org; spf=pass; none",
        ]
    )
    func malformed(value: String) {
        #expect(Self.parsed(value) == nil)
    }

    @Test("Written, and read back") func roundTrip() throws {
        let results = AuthenticationResults(
            authservID: "mx.example.org",
            methods: [
                .init("spf", "fail", reason: "a \"b\" \\", properties: [.init("smtp", "mailfrom", "example.com")]),
                .init(
                    "dkim",
                    "pass",
                    properties: [.init("header", "d", "example.com"), .init("header", "b", "a/b+c=d")]
                ),
            ]
        )
        let field = try TestKeys.required(HeaderParser(results.field).first { _ in true })
        #expect(field.isNamed("Authentication-Results"))
        #expect(field.octets.count == results.field.count)
        #expect(AuthenticationResults(field.value) == results)
        #expect(
            AuthenticationResults(authservID: "a", methods: []).field == octets("Authentication-Results: a; none\r\n")
        )
    }

    @Test("§7.1: no value makes a second field, or a second result") func injection() throws {
        let evil = "x\r\n\r\nbody; dkim=pass (\u{0}\u{85}"
        let results = AuthenticationResults(
            authservID: "mx.example.org",
            methods: [.init("spf", "fail", reason: evil, properties: [.init("smtp", "mailfrom", evil)])]
        )
        let fields = Array(HeaderParser(results.field))
        #expect(fields.count == 1)
        let read = try TestKeys.required(AuthenticationResults(fields[0].value))
        #expect(read.methods.map(\.method) == ["spf"])
        #expect(read.methods[0].reason == "xbody; dkim=pass (")
    }

    @Test(
        "§5: fields that claim to be ours",
        arguments: [
            "Authentication-Results: mx.example.org; spf=pass", "AUTHENTICATION-RESULTS: MX.Example.ORG; spf=pass",
            "Authentication-Results : mx.example.org;spf=pass", "Authentication-Results:mx.example.org",
            "Authentication-Results:\r\n\tmx.example.org\r\n 1; spf=pass",
            "Authentication-Results: mx.example.org 2; x", "Authentication-Results: mx.example.org x; dmarc=pass",
            "Authentication-Results: mx.example.org 1.0; dmarc=pass",
            "Authentication-Results: \"mx.example.org\"; spf=pass", "Authentication-Results: (a (b)) mx.example.org; x",
            "Authentication-Results: mx.example.org.; spf=pass", "Authentication-Results: mx.example.org/1; spf=pass",
            "Authentication-Results: \"mx.ex\\ample.org\"; x", "Authentication-Results: mx.(c)example.org; x",
            "Authentication-Results: mx.example.org (", "Authentication-Results: ; spf=pass", "Authentication-Results:",
            "Authentication-Results: \u{0}mx.example.org; x", "Authentication-Results: mx.\r\n example.org; x",
            "Authentication-Results: \"mx.example.org; spf=pass", "Authentication-Results: spf=pass smtp.mailfrom=a.b",
        ]
    )
    func forged(line: String) throws {
        let field = try TestKeys.required(HeaderParser(octets(line + "\r\n")).first { _ in true })
        #expect(AuthenticationResults.isForged(field, authservID: "mx.example.org"))
    }

    @Test(
        "§5: those of others stay",
        arguments: [
            "Authentication-Results: mx.example.com; spf=pass", "Authentication-Results: mx.example.org.uk; spf=pass",
            "Authentication-Results: other; mx.example.org=pass", "ARC-Authentication-Results: i=1; mx.example.org; x",
            "X-Authentication-Results: mx.example.org", "Subject: Authentication-Results: mx.example.org",
        ]
    )
    func kept(line: String) throws {
        let field = try TestKeys.required(HeaderParser(octets(line + "\r\n")).first { _ in true })
        #expect(!AuthenticationResults.isForged(field, authservID: "mx.example.org"))
    }

    @Test("§5: U-labels and A-labels are one name") func internationalized() throws {
        let line = octets("Authentication-Results: mx.BÜCHER.example; spf=pass\r\n")
        let field = try TestKeys.required(HeaderParser(line).first { _ in true })
        #expect(AuthenticationResults.isForged(field, authservID: "mx.xn--bcher-kva.example"))
        #expect(AuthenticationResults.isForged(field, authservID: "mx.bücher.example"))
    }

    @Test("Everything else of a header stays as it is") func removal() {
        let header =
            "A: 1\r\nAuthentication-Results: me;\r\n\tx=y\r\nno field\r\nB:\r\n 2\r\nauthentication-results : ME\r\n"
        #expect(
            AuthenticationResults.removingForged(from: octets(header + "\r\nbody")[...], authservID: "me")
                == octets("A: 1\r\nno field\r\nB:\r\n 2\r\n\r\nbody")
        )
    }
}
