// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPTypes
import Hummingbird
import JSONSyntax
import MailConnection
import MailMessage
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Storage API: who may ask") struct StorageAccessTests {
    /// What to send to each route so that nothing but the wrong account can be the reason to refuse it.
    private static let requests: [String: (body: String, type: String?)] = [
        "GET v1/{account}": ("", nil),
        "GET v1/{account}/changes": ("", nil),
        "GET v1/{account}/quota": ("", nil),
        "GET v1/{account}/mailboxes": ("", nil),
        "POST v1/{account}/mailboxes": (#"{"name":["New"]}"#, "application/json"),
        "GET v1/{account}/mailboxes/{mailbox}": ("", nil),
        "PATCH v1/{account}/mailboxes/{mailbox}": (#"{"subscribed":false}"#, "application/json"),
        "DELETE v1/{account}/mailboxes/{mailbox}": ("", nil),
        "GET v1/{account}/mailboxes/{mailbox}/messages": ("", nil),
        "POST v1/{account}/mailboxes/{mailbox}/messages": ("Subject: x\r\n\r\n", "message/rfc822"),
        "GET v1/{account}/mailboxes/{mailbox}/changes": ("", nil),
        "POST v1/{account}/mailboxes/{mailbox}/expunge": (#"{"uids":[1]}"#, "application/json"),
        "POST v1/{account}/mailboxes/{mailbox}/flags": (#"{"uids":[1],"add":["\\Seen"]}"#, "application/json"),
        "POST v1/{account}/mailboxes/{mailbox}/copy": (#"{"uids":[1],"to":"F1"}"#, "application/json"),
        "POST v1/{account}/mailboxes/{mailbox}/search": (#"{"filter":{}}"#, "application/json"),
        "GET v1/{account}/messages/{message}": ("", nil),
        "GET v1/{account}/messages/{message}/p/{section}": ("", nil),
        "GET v1/{account}/events": ("", nil),
        "GET v1/{account}/kv": ("", nil),
        "GET v1/{account}/kv/{key}": ("", nil),
        "PUT v1/{account}/kv/{key}": ("value", "application/octet-stream"),
        "DELETE v1/{account}/kv/{key}": ("", nil),
        "POST v1/{account}/deliver": ("Subject: x\r\n\r\n", "message/rfc822"),
        "POST v1/{account}/submit": ("Subject: x\r\n\r\n", "message/rfc822"),
        "POST v1/{account}/batch": (#"{"method":"GET","path":"quota"}"#, "application/x-ndjson"),
    ]

    private static func name(_ route: StorageRoute) -> String { "\(route.method.rawValue) \(route.path)" }

    @Test("Every route that needs an account is tried here") func completeness() {
        let routes = StorageRoutes.all.filter { $0.scope != nil }.map(Self.name)
        #expect(Set(routes) == Set(Self.requests.keys))
        #expect(
            Set(StorageRoutes.all.filter { $0.scope == nil }.map(Self.name)) == ["GET v1/openapi.json", "POST v1/auth"]
        )
    }

    @Test("Nobody reaches what is another's, by any route, with any id; it is as if there were nothing")
    func others() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let bob = try await fixture.client("bob@example.org")
            let inbox = try await bob.mailbox("INBOX")
            let appended = try await bob.append("Subject: bob's\r\n\r\nsecret\r\n", to: inbox)
            let message = try #require(try appended.json["id"]?.text)
            #expect(try await bob.ask(.put, "kv/k", body: [1]).status == .noContent)
            let before = try await bob.get("")
            for route in StorageRoutes.all where route.scope != nil {
                let request = try #require(Self.requests[Self.name(route)])
                let fields = ["Store-Recipient": "bob@example.org"]
                func ask(_ account: String, _ client: StorageClient) async throws -> Answer {
                    let path =
                        "/store/"
                        + route.path.replacing("{account}", with: account)
                        .replacing("{mailbox}", with: inbox).replacing("{message}", with: message)
                        .replacing("{section}", with: "TEXT").replacing("{key}", with: "k")
                        + "?since=0&wait=0"
                    return try await client.ask(
                        route.method,
                        path,
                        body: Array(request.body.utf8),
                        type: request.type,
                        fields: fields
                    )
                }
                let foreign = try await ask("bob@example.org", ann)
                #expect(foreign.status == .notFound, "\(Self.name(route)): \(foreign.text)")
                #expect(try foreign.problem == "not-found")
                // The same as where there is no account at all.
                #expect(try await ask("nobody@example.org", ann).octets == foreign.octets)
                if route.path.contains("{mailbox}") || route.path.contains("{message}") {
                    let mixed = try await ask("ann@example.org", ann)
                    #expect(mixed.octets == foreign.octets, "\(Self.name(route)): \(mixed.text)")
                }
            }
            // What a body names is another's too.
            let own = try await ann.mailbox("INBOX")
            _ = try await ann.append("Subject: ann's\r\n\r\n\r\n", to: own)
            #expect(
                try await ann.post("mailboxes/\(own)/copy", ["uids": [1], "to": .string(inbox)]).problem
                    == "not-permitted"
            )
            #expect(
                try await ann.post("mailboxes/\(own)/copy", ["uids": [1], "to": "F999999"]).problem == "not-permitted"
            )
            let delivery = try await ann.ask(
                .post,
                "deliver",
                body: Array("Subject: x\r\n\r\n".utf8),
                type: "message/rfc822",
                fields: ["Store-Recipient": "bob@example.org"]
            )
            #expect(try delivery.problem == "not-permitted")
            #expect(try await ann.get("kv/k").problem == "not-found")
            #expect(try await bob.get("").octets == before.octets)
            #expect(try await bob.get("messages/\(message)").text.hasSuffix("secret\r\n"))
        }
    }

    @Test("A mailbox that another shares is not there") func shared() async throws {
        try await Fixture.run { fixture in
            let bob = try await fixture.client("bob@example.org")
            let store = fixture.store.mailStore(
                of: try #require(try await fixture.store.credential(for: bob.account)).account.id
            )
            let mailbox = try #require(try await store.mailbox(named: "INBOX", needing: .read))
            try await store.setAccess(RightsChange(.replace, .all), for: "ann@example.org", to: mailbox.id)
            let ann = try await fixture.client()
            #expect(try await ann.get("mailboxes/\(mailbox.id.storageText)").status == .notFound)
            #expect(try await ann.get("mailboxes/\(mailbox.id.storageText)/messages").status == .notFound)
            #expect(
                try await ann.get("mailboxes").lines.allSatisfy { $0["name"] != ["user", "bob@example.org", "INBOX"] }
            )
            #expect(
                try await ann.append("Subject: x\r\n\r\n", to: mailbox.id.storageText).status == .notFound
            )
        }
    }

    @Test("A token may do what its scopes say") func scopes() async throws {
        try await Fixture.run { fixture in
            for scope in AccessScope.allCases {
                let client = try await fixture.client(scopes: [scope])
                for route in StorageRoutes.all {
                    guard let needed = route.scope, let request = Self.requests[Self.name(route)] else { continue }
                    let path =
                        "/store/"
                        + route.path.replacing("{account}", with: "ann@example.org")
                        .replacing("{mailbox}", with: "F999").replacing("{message}", with: "M")
                        .replacing("{section}", with: "TEXT").replacing("{key}", with: "nothing") + "?since=x&wait=x"
                    let answer = try await client.ask(
                        route.method,
                        path,
                        body: route.path.contains("kv") ? [] : Array("x".utf8),
                        type: request.type == "message/rfc822" ? "text/plain" : request.type
                    )
                    let isAllowed = scope == needed || scope == .admin
                    #expect((answer.status == .forbidden) == !isAllowed, "\(scope) \(Self.name(route)): \(answer.text)")
                }
            }
        }
    }

    @Test("An administrator's token is good for every account") func administrator() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client(scopes: [.admin])
            _ = try await fixture.client("bob@example.org")
            #expect(try await ann.get("/store/v1/bob@example.org/mailboxes").status == .ok)
            #expect(try await ann.get("/store/v1/nobody@example.org/mailboxes").problem == "not-found")
        }
    }

    @Test("Bearer and Basic, with token or password; anything else is nobody") func credentials() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            func ask(_ authorization: String?) async throws -> Answer {
                var fields: HTTPFields = [:]
                fields[.authorization] = authorization
                return try await fixture.ask(.get, "/store/v1/ann@example.org", fields: fields)
            }
            func basic(_ text: String) -> String { "Basic \(String(decoding: base64(text), as: UTF8.self))" }
            for good in [
                "Bearer \(ann.token)", "bearer \(ann.token)", basic("ann@example.org:secret"),
                basic("ann@example.org:\(ann.token)"),
            ] {
                #expect(try await ask(good).status == .ok)
            }
            for bad in [
                nil, "", "Bearer", "Bearer x", "Bearer \(ann.token)x", "Bearer lh_" + String(repeating: "A", count: 43),
                basic("ann@example.org:wrong"), basic("ann@example.org"), basic("nobody@example.org:secret"),
                "Basic ???", "Negotiate abc",
            ] as [String?] {
                let answer = try await ask(bad)
                #expect(answer.status == .unauthorized)
                #expect(try answer.problem == "unauthorized")
                #expect(answer.fields[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
            }
        }
    }

    @Test("A token ends when it is revoked, when it expires, and with its account") func ends() async throws {
        try await Fixture.run { fixture in
            let short = try await fixture.client(
                expiresAt: UnixTime(rawValue: fixture.clock.timeSource.unixTime() + 60)
            )
            #expect(try await short.get("").status == .ok)
            fixture.clock.advance(by: .seconds(61))
            #expect(try await short.get("").status == .unauthorized)
            let revoked = try await fixture.client()
            let last = try #require(try await fixture.store.tokens(of: "ann@example.org").last)
            #expect(try await revoked.get("").status == .ok)
            #expect(try await fixture.store.tokens(of: "ann@example.org").last?.usedAt != nil)
            try await fixture.store.removeToken(last.id)
            #expect(try await revoked.get("").status == .unauthorized)
            let bob = try await fixture.client("bob@example.org")
            try await fixture.store.removeAccount("bob@example.org")
            #expect(try await bob.get("").status == .unauthorized)
        }
    }

    @Test("Wrong tokens and passwords are counted together, and then not looked at") func guesses() async throws {
        try await Fixture.run { fixture in
            var statuses: [HTTPResponse.Status] = []
            for number in 0..<30 {
                let token = number % 2 == 0 ? "Bearer lh_x" : "Basic YW5uQGV4YW1wbGUub3JnOndyb25n"
                let answer = try await fixture.ask(
                    .get,
                    "/store/v1/ann@example.org",
                    fields: [.authorization: token],
                    host: "mail.example.org",
                    from: .remote("192.0.2.7")
                )
                statuses.append(answer.status)
            }
            #expect(statuses.prefix(20).allSatisfy { $0 == .unauthorized })
            #expect(statuses.suffix(5).allSatisfy { $0 == .tooManyRequests })
        }
    }

    @Test("A token makes only its own account known at an address, whatever name is asked with") func known()
        async throws
    {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            _ = try await fixture.client("bob@example.org")
            func ask(_ account: String, _ authorization: String) async throws -> HTTPResponse.Status {
                try await fixture.ask(
                    .get,
                    "/store/v1/\(account)",
                    fields: [.authorization: authorization],
                    host: "mail.example.org",
                    from: .remote("192.0.2.7")
                ).status
            }
            let basic = "Basic \(String(decoding: base64("bob@example.org:\(ann.token)"), as: UTF8.self))"
            #expect(try await ask("bob@example.org", "Bearer \(ann.token)") == .notFound)
            #expect(try await ask("ann@example.org", basic) == .ok)
            for _ in 0..<20 { #expect(try await ask("nobody@example.org", "Bearer lh_x") == .unauthorized) }
            #expect(try await ask("bob@example.org", "Bearer lh_x") == .tooManyRequests)
        }
    }

    @Test("A new password ends what the old one has opened, and no token that was not given for it") func password()
        async throws
    {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let answer = try await fixture.ask(
                .post,
                "/store/v1/auth",
                .init(buffer: .init(string: #"{"user":"ann@example.org","secret":"secret"}"#)),
                fields: [.contentType: "application/json"]
            )
            let token = try #require(try answer.json["token"]?.text)
            let login = StorageClient(fixture: fixture, account: ann.account, token: token)
            #expect(try await login.get("").status == .ok)
            let state = try #require(try await ann.get("").json["state"]?.text)
            let basic = "Basic \(String(decoding: base64("ann@example.org:secret"), as: UTF8.self))"
            try await withThrowingTaskGroup(of: Answer.self) { group in
                for authorization in [basic, "Bearer \(token)"] {
                    group.addTask {
                        try await fixture.ask(
                            .get,
                            "\(ann.path)/events?since=\(state)&wait=60",
                            fields: [.authorization: authorization]
                        )
                    }
                }
                try await waitUntil { fixture.store.feed.isWatched(.account(fixture.ann.id)) }
                try await fixture.store.setVerifier("other", of: "ann@example.org")
                for try await answer in group { #expect(try answer.problem == "unauthorized") }
            }
            #expect(try await login.get("").status == .unauthorized)
            #expect(try await ann.get("").status == .ok)
        }
    }

    @Test("A page of a site in the settings may use the API") func page() async throws {
        try await Fixture.run {
            $0.allowedOrigins = ["https://app.example.com"]
        } _: { fixture in
            let ann = try await fixture.client()
            let preflight = try await fixture.ask(
                .options,
                "\(ann.path)/kv/k",
                fields: [.origin: "https://app.example.com", .accessControlRequestMethod: "PUT"]
            )
            #expect(preflight.status == .noContent)
            #expect(preflight.fields[.accessControlAllowOrigin] == "https://app.example.com")
            #expect(preflight.fields[.accessControlAllowMethods]?.contains("PATCH") == true)
            let names = try #require(preflight.fields[.accessControlAllowHeaders]).lowercased().split(separator: ", ")
            for name in [
                "authorization", "content-type", "idempotency-key", "if-match", "if-none-match", "last-event-id",
                "range", "store-date", "store-flags", "store-recipient", "store-sender",
            ] {
                #expect(names.contains(Substring(name)), "\(name)")
            }
            let answer = try await ann.get("", fields: ["Origin": "https://app.example.com"])
            let exposed = try #require(answer.fields[.accessControlExposeHeaders])
            for name in ["ETag", "Location", "Content-Range"] { #expect(exposed.contains(name), "\(name)") }
        }
    }

    @Test("Nothing is said in clear, nor to other sites' pages, and everything refused is a problem document")
    func transport() async throws {
        try await Fixture.run { fixture in
            let path = "/store/v1/ann@example.org"
            let clear = try await fixture.ask(
                .get,
                path,
                host: "mail.example.org",
                from: .remote("192.0.2.7", isTLS: false)
            )
            #expect(try clear.problem == "insecure-transport")
            let page = try await fixture.ask(.get, path, fields: [.origin: "https://evil.example"])
            #expect(try page.problem == "origin")
            #expect(page.fields[.accessControlAllowOrigin] == nil)
            #expect(try await fixture.ask(.get, path, host: "evil.example").problem == "bad-host")
            #expect(try await fixture.ask(.get, "/store/v2/x").problem == "not-found")
            let method = try await fixture.ask(.put, path)
            #expect(try method.problem == "method")
            #expect(method.fields[.allow] == "GET, HEAD")
            let unknown = try await fixture.ask(try #require(HTTPRequest.Method("FROB")), path)
            #expect(unknown.status == .methodNotAllowed && unknown.fields[.allow] == "GET, HEAD")
            #expect(try await fixture.ask(.get, "/store/v1/%ff").problem == "bad-path")
            #expect(try await fixture.ask(.get, "/store/v1/%2").problem == "bad-path")
        }
    }

    @Test("An account has so many requests at the same time") func concurrency() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            var held: [Exchange] = []
            for _ in 0..<32 {
                let exchange = Exchange()
                let answer = try await fixture.ask(
                    .get,
                    ann.path,
                    fields: [.authorization: "Bearer \(ann.token)"],
                    exchange: exchange,
                    isWritten: nil
                )
                #expect(answer.status == .ok)
                held.append(exchange)
            }
            #expect(try await ann.get("").problem == "too-many")
            for exchange in held { exchange.completed(isWritten: true) }
            #expect(try await ann.get("").status == .ok)
        }
    }

    @Test("An administrator has so many about each account, and so many in all") func administrators() {
        let slots = RequestSlots(limit: 2)
        let owner = AccountID(rawValue: 1)
        for account in 1...32 {
            for isAdmitted in [true, true, false] {
                #expect(slots.begin(owner, about: AccountID(rawValue: Int64(account))) == isAdmitted)
            }
        }
        #expect(!slots.begin(owner, about: AccountID(rawValue: 33)))
        #expect(slots.begin(AccountID(rawValue: 2), about: AccountID(rawValue: 33)))
        slots.end(owner, about: AccountID(rawValue: 7))
        #expect(slots.begin(owner, about: AccountID(rawValue: 33)))
    }

    @Test("A token for a password") func login() async throws {
        try await Fixture.run { fixture in
            func logIn(_ text: String) async throws -> Answer {
                try await fixture.ask(
                    .post,
                    "/store/v1/auth",
                    .init(buffer: .init(string: text)),
                    fields: [.contentType: "application/json"]
                )
            }
            let answer = try await logIn(#"{"user":"ann@example.org","secret":"secret"}"#)
            let token = try #require(try answer.json["token"]?.text)
            #expect(try answer.json["account"] == "ann@example.org")
            let ann = StorageClient(fixture: fixture, account: "ann@example.org", token: token)
            #expect(try await ann.get("mailboxes").status == .ok)
            #expect(try await ann.ask(.post, "deliver").problem == "scope")
            #expect(try await logIn(#"{"user":"ann@example.org","secret":"wrong"}"#).problem == "unauthorized")
            #expect(try await logIn(#"{"user":"ann@example.org"}"#).problem == "bad-body")
            #expect(try await logIn("[").problem == "bad-body")
            #expect(try await logIn(String(repeating: " ", count: 8193)).problem == "too-big")
        }
    }
}

/// Base64 of a text.
private func base64(_ text: String) -> [UInt8] { Base64.encode(Array(text.utf8)) }
