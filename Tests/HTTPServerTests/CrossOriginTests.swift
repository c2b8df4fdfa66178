// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Pages of other sites that may ask") struct CrossOriginTests {
    private static let app = "https://app.example.com"
    private static let fields: HTTPFields = [.origin: Self.app, .fetchSite: "cross-site"]

    private static func ask(
        _ fixture: Fixture,
        _ method: HTTPRequest.Method,
        _ path: String,
        _ fields: HTTPFields
    ) async throws -> Answer {
        try await fixture.ask(method, path, fields: fields, host: "mail.example.org", from: .remote("192.0.2.1"))
    }

    @Test("options: what may be done is told to whoever asks, and needs no connection") func discovery() async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(.options, "/imap/")
            #expect(answer.status == .noContent)
            #expect(answer.fields[.allow] == "GET, POST, OPTIONS")
            #expect(answer.fields[.bridgeVersion] == "1")
            #expect(answer.fields[.bridgeFeatures] != nil)
            #expect(answer.fields[.bridgeMaxSend] != nil)
            #expect(answer.fields[.contentLength] == nil)
            #expect(answer.fields[.accessControlAllowOrigin] == nil)
            #expect(try await fixture.ask(.options, "/imap/1/utf-8").fields[.allow] == "GET, POST, DELETE, OPTIONS")
            #expect(try await fixture.ask(.options, "/smtp/").fields[.allow] == "GET, POST, OPTIONS")
            #expect(try await fixture.ask(.options, "/health").fields[.allow] == "GET, HEAD, OPTIONS")
            #expect(try await fixture.ask(.options, "/health").fields[.bridgeVersion] == nil)
            #expect(fixture.bridge.table.count == 0)
        }
    }

    @Test("cors-off: without the setting no other site's page may ask, and is told nothing") func off() async throws {
        try await Fixture.run { fixture in
            for method in [HTTPRequest.Method.options, .post] {
                let answer = try await Self.ask(fixture, method, "/imap/", Self.fields)
                #expect(answer.status == .forbidden)
                #expect(answer.error == "origin")
                #expect(answer.fields[.accessControlAllowOrigin] == nil)
                #expect(answer.fields[.vary] == nil)
            }
        }
    }

    @Test("cors-preflight, cors-allowed: a page of a site in the settings may do what its own pages may") func allowed()
        async throws
    {
        try await Fixture.run {
            $0.allowedOrigins = [Self.app]
        } _: { fixture in
            var preflight = Self.fields
            preflight[.accessControlRequestMethod] = "POST"
            preflight[.accessControlRequestHeaders] = "bridge-seq"
            let answer = try await Self.ask(fixture, .options, "/imap/1", preflight)
            #expect(answer.status == .noContent)
            #expect(answer.fields[.accessControlAllowOrigin] == Self.app)
            #expect(answer.fields[.accessControlAllowMethods] == "GET, POST, DELETE, OPTIONS")
            let headers = try #require(answer.fields[.accessControlAllowHeaders]).lowercased().split(separator: ", ")
            for name in ["bridge-seq", "bridge-ack", "bridge-wait", "bridge-key", "idempotency-key"] {
                #expect(headers.contains(Substring(name)))
            }
            #expect(answer.fields[.accessControlAllowCredentials] == nil)

            for path in ["/imap/", "/imap/xyz", "/nowhere"] {
                let answer = try await Self.ask(fixture, .post, path, Self.fields)
                #expect(answer.fields[.accessControlAllowOrigin] == Self.app)
                #expect(answer.fields[.vary] == "Origin")
                #expect(try #require(answer.fields[.accessControlExposeHeaders]).contains("Bridge-Error"))
                #expect(answer.fields[.accessControlAllowCredentials] == nil)
            }
            #expect(fixture.bridge.table.count == 1)
        }
    }

    @Test(
        "cors-exact: an origin is compared as a whole",
        arguments: [
            "https://app.example.com.evil.example", "http://app.example.com", "https://app.example.com:8443", "null",
            "https://app.example.co", "https://APP.example.com", "*", "",
        ]
    )
    func exact(origin: String) async throws {
        try await Fixture.run {
            $0.allowedOrigins = [Self.app]
        } _: { fixture in
            let answer = try await Self.ask(fixture, .post, "/imap/", [.origin: origin])
            #expect(answer.error == "origin")
            #expect(answer.fields[.accessControlAllowOrigin] == nil)
            #expect(answer.fields[.vary] == "Origin")
            let site = try await Self.ask(fixture, .post, "/imap/", [.fetchSite: "cross-site"])
            #expect(site.error == "origin")
        }
    }

    @Test("cors-exact: two origins are none") func twoOrigins() async throws {
        try await Fixture.run {
            $0.allowedOrigins = [Self.app]
        } _: { fixture in
            var fields: HTTPFields = [.origin: Self.app]
            fields.append(HTTPField(name: .origin, value: "https://evil.example"))
            let answer = try await Self.ask(fixture, .post, "/imap/", fields)
            #expect(answer.error == "origin")
        }
    }
}
