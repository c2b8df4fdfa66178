// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Files of the client in JavaScript") struct ClientFileTests {
    private static let files = [
        ("letterhouse.js", "letterhouse.js", "text/javascript; charset=utf-8"),
        ("mail", "mail.html", "text/html; charset=utf-8"),
        ("mail.js", "mail.js", "text/javascript; charset=utf-8"),
        ("mail.css", "mail.css", "text/css; charset=utf-8"),
    ]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/HTTPServer/JavaScript").standardizedFileURL

    @Test("They are what the sources have, of their type", arguments: Self.files)
    func served(name: String, source: String, type: String) async throws {
        let octets = try Array(Data(contentsOf: Self.folder.appending(path: source)))
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(.get, "/\(name)")
            #expect(answer.status == .ok)
            #expect(answer.octets == octets)
            #expect(answer.fields[.contentType] == type)
            #expect(answer.fields[.cacheControl] == "no-cache")
            #expect(answer.fields[.xContentTypeOptions] == "nosniff")
            let head = try await fixture.ask(.head, "/\(name)")
            #expect(head.octets.isEmpty)
            #expect(head.fields[.contentLength] == String(octets.count))
        }
    }

    @Test("They are below the bridge's prefix, beside the bridge") func prefix() async throws {
        try await Fixture.run {
            $0.prefix = "/post/"
        } _: { fixture in
            let (below, above) = (try await fixture.ask(.get, "/post/mail"), try await fixture.ask(.get, "/mail"))
            #expect(below.status == .ok)
            #expect(above.error == "not-found")
        }
    }

    @Test("A link on another site leads to the page, and to nothing else") func links() async throws {
        try await Fixture.run { fixture in
            func follow(
                _ path: String,
                mode: String = "navigate",
                _ destination: String = "document"
            ) async throws -> Int {
                let answer = try await fixture.ask(
                    .get,
                    path,
                    fields: [.fetchSite: "cross-site", .fetchMode: mode, .fetchDestination: destination]
                )
                return answer.status.code
            }
            let page = try await follow("/mail")
            #expect(page == 200)
            #expect(try await follow("/mail", "iframe") == 403)
            #expect(try await follow("/mail", mode: "no-cors", "script") == 403)
            for path in ["/letterhouse.js", "/imap/", "/smtp/", "/store/v1/auth", "/metrics"] {
                #expect(try await follow(path) == 403, "\(path)")
            }
        }
    }

    @Test("The page runs nothing from elsewhere, and is in no frame")
    func policy() async throws {
        try await Fixture.run { fixture in
            let policy = try #require(try await fixture.ask(.get, "/mail").fields[.contentSecurityPolicy])
            let directives = Set(policy.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) })
            #expect(
                directives.isSuperset(of: [
                    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
                    "frame-ancestors 'none'", "form-action 'none'", "base-uri 'none'",
                ])
            )
            #expect(!policy.contains("unsafe"))
            let answer = try await fixture.ask(.get, "/mail.js")
            #expect(answer.fields[.contentSecurityPolicy] == "default-src 'none'; sandbox")
        }
    }

    @Test("Who has one already is not sent it again") func entityTags() async throws {
        try await Fixture.run { fixture in
            let tag = try #require(try await fixture.ask(.get, "/letterhouse.js").fields[.eTag])
            #expect(tag.wholeMatch(of: /"[0-9a-f]{32}"/) != nil)
            #expect(try await fixture.ask(.get, "/mail.js").fields[.eTag] != tag)
            for known in [tag, "W/\(tag)", "\"x\", \(tag)", "\"x\" ,W/\(tag) ,\"y\"", "*"] {
                let answer = try await fixture.ask(.get, "/letterhouse.js", fields: [.ifNoneMatch: known])
                #expect(answer.status == .notModified, "\(known)")
                #expect(answer.octets.isEmpty)
                #expect(answer.fields[.eTag] == tag)
            }
            for other in ["\"x\"", "", "x", tag.uppercased() + "x", ","] {
                let answer = try await fixture.ask(.get, "/letterhouse.js", fields: [.ifNoneMatch: other])
                #expect(answer.status == .ok, "\(other)")
            }
        }
    }

    @Test("Nobody is given a page for passwords that others could have changed")
    func transport() async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(
                .get,
                "/mail",
                host: "mail.example.org",
                from: .remote("192.0.2.1", isTLS: false)
            )
            #expect(answer.error == "insecure-transport")
        }
    }

    @Test("The page has at most 200 lines, and nothing that its policy forbids") func length() throws {
        let texts = try Self.files.dropFirst().map {
            try String(contentsOf: Self.folder.appending(path: $0.1), encoding: .utf8)
        }
        #expect(texts.map { $0.split(separator: "\n", omittingEmptySubsequences: false).count - 1 }.reduce(0, +) <= 200)
        #expect(!texts[0].contains(/<style|<script(?![^>]* src=)|\son[a-z]+=|\sstyle=|javascript:/))
        #expect(!texts[1].contains(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/))
    }
}
