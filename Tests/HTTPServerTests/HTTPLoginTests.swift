// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPTypes
import SQLiteStorage
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Logging in to HTTP") struct HTTPLoginTests {
    private static func basic(_ text: String) -> HTTPFields {
        [.authorization: "Basic " + String(decoding: Base64.encode(Array(text.utf8)), as: UTF8.self)]
    }

    private static let ann = Self.basic("ann@example.org:secret")

    @Test(
        "auth-basic: where a login is asked for, nobody gets in without",
        arguments: [
            [:], basic("ann@example.org:wrong"), basic("nobody@example.org:secret"), basic("ann@example.org"),
            [.authorization: "Basic"], [.authorization: "Basic !"], [.authorization: "Bearer abc"],
            [.authorization: "Digest x"],
        ] as [HTTPFields]
    )
    func refused(fields: HTTPFields) async throws {
        try await Fixture.run {
            $0.requiresLogin = true
        } _: { fixture in
            for path in ["/imap/", "/imap/1", "/smtp/"] {
                let answer = try await fixture.ask(.post, path, fields: fields)
                #expect(answer.status == .unauthorized)
                #expect(answer.error == "login")
                #expect(answer.fields[.wwwAuthenticate] == #"Basic realm="Letterhouse", charset="UTF-8""#)
            }
            #expect(try await fixture.ask(.delete, "/imap/1", fields: fields).error == "login")
            #expect(fixture.bridge.table.count == 0)
            // What may be done, and whether all is well, may be asked.
            #expect(try await fixture.ask(.options, "/imap/").status == .noContent)
            #expect(try await fixture.ask(.get, "/health").status == .ok)
        }
    }

    @Test("auth-principal: a connection is that of whoever has opened it") func principal() async throws {
        try await Fixture.run {
            $0.requiresLogin = true
        } _: { fixture in
            let verifier = try await fixture.store.credential(for: "ann@example.org")
            _ = try await fixture.store.addAccount("bob@example.org", verifier: try #require(verifier).1)
            let bob = Self.basic("bob@example.org:secret")
            let answer = try await fixture.ask(.post, "/imap/", fields: Self.ann)
            #expect(answer.status == .ok)
            let path = "/imap/\(answer.text)"
            let foreign = try await fixture.ask(.get, path, fields: bob)
            let unknown = try await fixture.ask(.get, "/imap/1", fields: bob)
            #expect(foreign.status == .notFound && foreign.error == "no-session")
            #expect(foreign.octets == unknown.octets && foreign.fields == unknown.fields)
            #expect(try await fixture.ask(.delete, path, fields: bob).error == "no-session")
            #expect(try await fixture.ask(.get, path, fields: Self.ann).text.hasPrefix("* OK "))
        }
    }

    @Test("auth-memory: a login is known for a minute, from its address") func memory() async throws {
        try await Fixture.run {
            $0.requiresLogin = true
        } _: { fixture in
            #expect(try await fixture.ask(.post, "/imap/", fields: Self.ann).status == .ok)
            _ = try await fixture.store.removeAccount("ann@example.org")
            #expect(try await fixture.ask(.post, "/imap/", fields: Self.ann).status == .ok)
            let remote = RequestOrigin.remote("192.0.2.1")
            let elsewhere = try await fixture.ask(
                .post,
                "/imap/",
                fields: Self.ann,
                host: "mail.example.org",
                from: remote
            )
            #expect(elsewhere.status == .unauthorized)
            fixture.clock.advance(by: .seconds(60))
            #expect(try await fixture.ask(.post, "/imap/", fields: Self.ann).status == .unauthorized)
        }
    }
}
