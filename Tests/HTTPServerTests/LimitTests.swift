// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Bridge: how much there may be", .timeLimit(.minutes(20))) struct LimitTests {
    // NUL "ann@example.org" NUL "secret"
    private static let batch = "EHLO client.example.com\r\nAUTH PLAIN AGFubkBleGFtcGxlLm9yZwBzZWNyZXQ=\r\nQUIT\r\n"

    @Test(
        "caps-unauthenticated: Of too many connections that have not logged in, the one that was silent for the longest time is closed"
    )
    func unauthenticated() async throws {
        try await Fixture.run { fixture in
            var paths: [String] = []
            for _ in 0..<4 {
                paths.append(try await fixture.open())
                fixture.clock.advance(by: .seconds(1))
            }
            _ = try await fixture.post(paths[0], "a NOOP\r\n")
            // Asking is not speaking.
            let silent = paths[1]
            _ = try await fixture.ask(.get, silent)
            async let parked = fixture.ask(.get, silent)
            try await fixture.untilParked(silent)
            paths.append(try await fixture.open())
            #expect(try await parked.error == "closed")
            #expect(try await fixture.ask(.get, silent).error == "closed")
            for index in [0, 2, 3, 4] { #expect(try await fixture.ask(.get, paths[index]).status == .ok) }
            #expect(fixture.bridge.table.count == 4)
        }
    }

    @Test("Connections that have logged in, and other addresses, are not closed for new ones") func authenticated()
        async throws
    {
        try await Fixture.run {
            $0.unauthenticatedPerAddress = 1
        } _: { fixture in
            let remote = RequestOrigin.remote("192.0.2.1")
            let other = try await fixture.ask(.post, "/imap/", host: "mail.example.org", from: remote)
            var paths: [String] = []
            for _ in 0..<3 { paths.append(try await fixture.logIn()) }
            _ = try await fixture.open()
            for path in paths {
                _ = try await fixture.post(path, "b NOOP\r\n")
                #expect(try await fixture.fetch(path, until: "b OK") == "b OK NOOP completed\r\n")
            }
            let path = "/imap/\(other.text)"
            #expect(try await fixture.ask(.get, path, host: "mail.example.org", from: remote).status == .ok)
        }
    }

    @Test("caps-account: An account can have so many connections, IMAP's and SMTP's together") func account()
        async throws
    {
        try await Fixture.run {
            $0.connectionsPerAccount = 2
        } _: { fixture in
            let paths = [try await fixture.logIn(), try await fixture.logIn()]
            let third = try await fixture.open()
            _ = try await fixture.post(third, "a LOGIN ann@example.org secret\r\n")
            #expect(try await fixture.fetch(third, until: "\r\na ").contains("\r\na NO [LIMIT] "))
            let refused = try await fixture.post("/smtp/", Self.batch).text
            #expect(refused.contains("\r\n454 4.7.0 "))
            #expect(!refused.contains("\r\n221 "))
            // The refused one still counts as nobody's, and may try again when there is room.
            _ = try await fixture.post(paths[0], "b LOGOUT\r\n")
            _ = try await fixture.fetch(paths[0], until: "b OK")
            try await waitUntil { fixture.bridge.table.count == 2 }
            for _ in 0..<3 {
                let replies = try await fixture.post("/smtp/", Self.batch).text
                #expect(replies.contains("\r\n235 "), "\(replies)")
            }
            _ = try await fixture.post(third, "c LOGIN ann@example.org secret\r\n")
            #expect(try await fixture.fetch(third, until: "c ").contains("c OK "))
        }
    }

    @Test("caps-batch: A batch makes room for itself like any connection that has not logged in, or has to wait")
    func batch()
        async throws
    {
        try await Fixture.run {
            $0.unauthenticatedPerAddress = 1
        } _: { fixture in
            let path = try await fixture.open()
            #expect(try await fixture.post("/smtp/", Self.batch).text.contains("\r\n235 "))
            #expect(try await fixture.ask(.get, path).error == "closed")
        }
        try await Fixture.run {
            $0.unauthenticatedPerAddress = 0
        } _: { fixture in
            let refused = try await fixture.post("/smtp/", Self.batch)
            #expect(refused.error == "too-many")
            #expect(refused.fields[.retryAfter] == "1")
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    @Test("caps-bodies: One address cannot take all the memory for bodies") func share() async throws {
        try await Fixture.run {
            $0.bodiesPerAddress = 10
        } _: { fixture in
            let path = try await fixture.open()
            let (octets, feed) = AsyncStream.makeStream(of: ByteBuffer.self)
            feed.yield(ByteBuffer(string: "a NOOP "))
            async let first = fixture.ask(.post, path, RequestBody(asyncSequence: octets))
            try await waitUntil { fixture.bridge.bodies.usedCount == 7 }
            #expect(try await fixture.post(path, "b NOOP\r\n").error == "busy")
            let elsewhere = try await fixture.ask(
                .post,
                path,
                RequestBody(buffer: ByteBuffer(string: "c NOOP\r\n")),
                host: "mail.example.org",
                from: .remote("192.0.2.1")
            )
            #expect(elsewhere.status == .ok)
            feed.finish()
            #expect(try await first.status == .ok)
            try await waitUntil { fixture.bridge.bodies.usedCount == 0 }
        }
    }

    @Test("An ID is never that of two connections") func idsAreUnique() async throws {
        try await Fixture.run(ids: [7, 7, 8]) { fixture in
            let first = try await fixture.open()
            #expect(try await fixture.open() != first)
            #expect(fixture.bridge.table.count == 2)
        }
    }

    @Test("caps-bodies: An eighth of the memory is for small bodies only") func smallBodies() {
        let bodies = BodyBudget(limit: 800_000, shareLimit: 800_000)
        #expect(bodies.reserve(700_000, of: 700_000, for: []))
        #expect(!bodies.reserve(1, of: 65_537, for: []))
        #expect(bodies.reserve(65_536, of: 65_536, for: []))
        #expect(!bodies.reserve(65_536, of: 65_536, for: []))
        bodies.release(65_536 + 700_000, of: [])
        #expect(bodies.usedCount == 0)
    }
}
