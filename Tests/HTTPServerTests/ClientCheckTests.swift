// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import MailConnection
import SMTPSyntax
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Who may ask") struct ClientCheckTests {
    private static let remote = RequestOrigin.remote("192.0.2.1")

    @Test(
        "host-421: Only our own names are served",
        arguments: [
            ("mail.example.org", 200), ("MAIL.example.org.", 200), ("mail.example.org:8443", 200),
            ("evil.example", 421),
            ("", 421), ("localhost", 421), ("192.0.2.9", 421), ("[::1", 421), ("mail.example.org.evil.example", 421),
        ]
    )
    func hosts(host: String, status: Int) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(.get, "/imap/", host: host, from: Self.remote)
            #expect(answer.status.code == status)
            if status != 200 { #expect(answer.error == "bad-host") }
        }
    }

    @Test(
        "host-loopback: On loopback, addresses and localhost are good, other names are not",
        arguments: [
            ("localhost:8080", 200), ("127.0.0.1:8080", 200), ("[::1]:8080", 200), ("rebound.example:8080", 421),
        ]
    )
    func loopbackHosts(host: String, status: Int) async throws {
        try await Fixture.run { fixture in
            let answer = try await fixture.ask(.get, "/imap/", host: host)
            #expect(answer.status.code == status)
        }
    }

    @Test(
        "origin-403: Other sites' pages are refused",
        arguments: [
            ("Origin", "https://mail.example.org", 200), ("Origin", "https://evil.example", 403),
            ("Origin", "null", 403),
            ("Origin", "http://mail.example.org", 403), ("Sec-Fetch-Site", "same-origin", 200),
            ("Sec-Fetch-Site", "none", 200), ("Sec-Fetch-Site", "cross-site", 403),
            ("Sec-Fetch-Site", "same-site", 403),
        ]
    )
    func origins(field: String, value: String, status: Int) async throws {
        try await Fixture.run { fixture in
            let name = try #require(HTTPField.Name(field))
            let answer = try await fixture.ask(
                .post,
                "/imap/",
                fields: [name: value],
                host: "mail.example.org",
                from: Self.remote
            )
            #expect(answer.status.code == status)
            if status != 200 { #expect(answer.error == "origin") }
        }
    }

    @Test("transport-403: Passwords do not cross the network in clear text") func transport() async throws {
        try await Fixture.run { fixture in
            let clear = RequestOrigin.remote("192.0.2.1", isTLS: false)
            for path in ["/imap/", "/smtp/"] {
                let answer = try await fixture.ask(.post, path, host: "mail.example.org", from: clear)
                #expect(answer.status == .forbidden)
                #expect(answer.error == "insecure-transport")
            }
        }
    }

    @Test(
        "proxy-trusted: Only proxies that we were told about speak for others",
        arguments: [
            // Trusted, and what it says: the nearest entry that is no proxy of ours.
            ("127.0.0.1", "203.0.113.5", "https", "203.0.113.5", true),
            ("127.0.0.1", "6.6.6.6, 203.0.113.5", "https", "203.0.113.5", true),
            ("127.0.0.1", "203.0.113.5, 10.1.2.3", "https", "203.0.113.5", true),
            ("127.0.0.1", "[2001:db8::5]", "https", "2001:db8::5", true),
            ("127.0.0.1", "203.0.113.5", "http", "203.0.113.5", false),
            ("127.0.0.1", "nonsense", "https", "127.0.0.1", true),
            // The last proxy's word counts, not the client's.
            ("127.0.0.1", "203.0.113.5", "https, http", "203.0.113.5", false),
            // Not trusted.
            ("192.0.2.1", "127.0.0.1", "https", "192.0.2.1", false),
        ]
    )
    func proxies(peer: String, forwardedFor: String, proto: String, address: String, isSecure: Bool) throws {
        let proxies = try #require(NetworkList(["127.0.0.1", "10.0.0.0/8"]))
        let origin = RequestOrigin(
            address: try IPAddress(parsing: peer),
            isLoopback: peer == "127.0.0.1",
            isTLS: false
        )
        let client = try #require(
            HTTPClient(
                origin,
                fields: [.forwardedFor: forwardedFor, .forwardedProto: proto],
                trustedProxies: proxies
            )
        )
        #expect(client.address.description == address)
        #expect(client.isSecure == isSecure)
        #expect(!client.isLocal)
        #expect(client.peer.address == address)
        #expect(client.peer.transport == .bridge)
        #expect(!client.peer.isLoopback)
    }

    @Test("proxy-unknown: A proxy on this machine that we do not know is not this machine") func unknownProxy() throws {
        let client = try #require(
            HTTPClient(.local, fields: [.forwardedFor: "203.0.113.5"], trustedProxies: NetworkList())
        )
        #expect(!client.isSecure)
        #expect(!client.isLocal)
    }

    @Test("Metrics are for this machine, and for whom they are meant") func metrics() async throws {
        try await Fixture.run {
            $0.metricsReaders = NetworkList(["192.0.2.0/24"]) ?? NetworkList()
        } _: { fixture in
            #expect(try await fixture.ask(.get, "/metrics").text == "letterhouse_up 1\n")
            let reader = try await fixture.ask(.get, "/metrics", host: "mail.example.org", from: Self.remote)
            #expect(reader.status == .ok)
            let other = RequestOrigin.remote("198.51.100.1")
            let answer = try await fixture.ask(.get, "/metrics", host: "mail.example.org", from: other)
            #expect(answer.status == .notFound)
        }
    }

    @Test(
        "Networks",
        arguments: [
            ("10.0.0.0/8", true), ("10.0.0.0/33", false), ("2001:db8::/32", true), ("::1", true),
            ("example.org", false),
            ("10.0.0.0/-1", false), ("10.0.0.0/+8", false), ("10.0.0.0/", false), ("", false), ("10.0.0.0/8/8", false),
        ]
    )
    func networks(text: String, isOne: Bool) {
        #expect((NetworkList([text]) != nil) == isOne)
    }

    @Test(
        "Dates",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (Int64.max, "Fri, 31 Dec 9999 23:59:59 GMT"), (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] as [(Int64, String)]
    )
    func dates(time: Int64, text: String) {
        #expect(HTTPDate.format(time) == text)
    }
}
