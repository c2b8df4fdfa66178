// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import letterhouse

/// RFC 7662: what is asked, and what is made of the answer.
@Suite("Token introspection") struct TokenTests {
    @Test(
        "Where to ask",
        arguments: [
            ("https://id.example.org/introspect?x=1", "id.example.org", 443, "/introspect?x=1"),
            ("HTTPS://ID.example.org:8443", "id.example.org", 8443, "/"),
            ("https://[2001:db8::1]/a", "2001:db8::1", 443, "/a"), ("http://127.0.0.1:8000/a", "127.0.0.1", 8000, "/a"),
            ("http://[::1]:80/", "::1", 80, "/"), ("http://localhost/?a", "localhost", 80, "/?a"),
            ("https://id.example.org?a=b", "id.example.org", 443, "/?a=b"),
        ]
    )
    func url(_ text: String, _ host: String, _ port: Int, _ target: String) throws {
        let url = try #require(IntrospectionURL(text))
        #expect((url.host, url.port, url.target) == (host, port, target))
        #expect(url.isSecure == text.lowercased().hasPrefix("https"))
    }

    @Test(
        "Where not to ask",
        arguments: [
            "", "id.example.org", "http://id.example.org/", "http://192.0.2.1/", "ftp://localhost/", "https://",
            "https://user@id.example.org/", "https://id.example.org/#x", "https://id.example.org/a b",
            "https://id.example.org:0/", "https://id.example.org:99999/", "https://id.example.org:/",
            "https://[::1/", "https://::1/", "https://[::1]x/", "https://id.example.org/\r\nX:",
            "http://localhost.evil/",
            "http://127.0.0.1.example.org/",
        ]
    )
    func noURL(_ text: String) { #expect(IntrospectionURL(text) == nil) }

    private static func answer(_ text: String, claim: String = "username") throws -> TokenAnswer {
        try TokenAnswer(Array(text.utf8), claim: claim)
    }

    @Test("§2.2: what the answer says") func answers() throws {
        let all = try Self.answer(
            #"{"active":true,"username":"ann@example.org","exp":1419356238,"scope":"mail read","aud":["a",{"b":[1]}]}"#
        )
        #expect(all.holder == "ann@example.org")
        #expect(all.expires == 1_419_356_238)
        #expect(all.scopes == ["mail", "read"])
        #expect(try Self.answer(#"{"active":true,"email":"a@b"}"#, claim: "email").holder == "a@b")
        #expect(try Self.answer(#"{"active":true,"exp":1.5,"username":"a"}"#).expires == 1)
        for text in [
            #"{"active":false,"username":"ann@example.org"}"#, #"{"active":true}"#, #"{"active":true,"username":7}"#,
            #"{"active":true,"username":null}"#, #"{"active":true,"username":["a"]}"#,
        ] {
            #expect(try Self.answer(text).holder == nil)
        }
    }

    @Test(
        "§2.2: what is no answer",
        arguments: [
            "", "[]", "true", "{}", #"{"active":"true","username":"a"}"#, #"{"active":1,"username":"a"}"#,
            #"{"active":true"#,
            #"{"active":true,"username":"a","exp":"never"}"#, #"{"active":true,"username":"a","scope":["mail"]}"#,
            "{\"active\":" + String(repeating: "[", count: 100_000),
        ]
    )
    func noAnswers(_ text: String) { #expect(throws: (any Error).self) { try Self.answer(text) } }

    @Test("An answer counts for a minute, and no longer than the token") func cache() {
        var cache = TokenCache()
        cache.keep("ann", for: [1], rest: .seconds(3600), at: .seconds(100))
        cache.keep("bob", for: [2], rest: .seconds(10), at: .seconds(100))
        cache.keep("carl", for: [3], rest: nil, at: .seconds(100))
        #expect(cache.holder(of: [1], at: .seconds(159)) == "ann")
        #expect(cache.holder(of: [1], at: .seconds(160)) == nil)
        #expect(cache.holder(of: [2], at: .seconds(109)) == "bob")
        #expect(cache.holder(of: [2], at: .seconds(110)) == nil)
        #expect(cache.holder(of: [3], at: .seconds(159)) == "carl")
        #expect(cache.holder(of: [4], at: .seconds(100)) == nil)
        for number in 0..<20_000 {
            cache.keep("x", for: [UInt8(number & 255), UInt8(number >> 8)], rest: nil, at: .seconds(100))
        }
        #expect(cache.count <= 4096)
    }

    @Test("A form's values hide what means something in a form") func form() {
        #expect(FormText.encode("aZ09-._~") == "aZ09-._~")
        #expect(FormText.encode("a b&c=d+%\u{E9}:") == "a%20b%26c%3Dd%2B%25%C3%A9%3A")
    }

    @Test("Settings that do not fit together are told") func settings() {
        func faults(_ values: [String: String]) -> [String] {
            var reader = SettingsReader(
                values: values.mapValues { SettingsFile.Value(content: .text($0), line: 1) },
                environment: [:],
                file: "x"
            )
            _ = Settings(&reader)
            return reader.faults.map(\.text)
        }
        let complete = [
            "tokens.introspection": "http://localhost:1/", "tokens.client-id": "a",
            "tokens.client-secret-file": "/dev/null",
        ]
        #expect(faults(complete).isEmpty)
        #expect(faults(complete.merging(["tokens.introspection": "http://192.0.2.1/"]) { $1 }).count == 1)
        #expect(faults(complete.merging(["tokens.scope": "a \"b\""]) { $1 }).count == 1)
        #expect(faults(["tokens.introspection": "http://localhost:1/"]).count == 1)
    }
}
