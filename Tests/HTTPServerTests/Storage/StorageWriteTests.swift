// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import JSONSyntax
import MailConnection
import MailStorage
import SQLiteStorage
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Storage API: writing") struct StorageWriteTests {
    @Test("A message is added with its flags and its date") func append() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            let answer = try await ann.append(
                "Subject: x\r\n\r\n",
                to: inbox,
                fields: ["Store-Flags": "\\seen $Work", "Store-Date": "2026-11-21T08:00:00+01:00"]
            )
            #expect(answer.status == .created)
            #expect(try answer.json["uid"] == 1)
            let line = try await ann.get("mailboxes/\(inbox)/messages").lines[0]
            #expect(line["flags"] == ["\\Seen", "$Work"])
            #expect(line["date"] == "2026-11-21T08:00:00+01:00")
            #expect(line["id"] == (try answer.json["id"]))
            #expect(line["modseq"] == (try answer.json["modseq"]))
            for fields in [
                ["Store-Flags": "\\Recent"], ["Store-Flags": "a{b"], ["Store-Date": "yesterday"],
                ["Idempotency-Key": ""], ["Idempotency-Key": String(repeating: "k", count: 129)],
            ] {
                #expect(try await ann.append("Subject: x\r\n\r\n", to: inbox, fields: fields).problem == "bad-field")
            }
            #expect(try await ann.append("", to: inbox).problem == "bad-body")
            #expect(
                try await ann.ask(.post, "mailboxes/\(inbox)/messages", body: [65], type: "text/plain").problem
                    == "media-type"
            )
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }

    @Test("The same key and request is done once, and answered the same; another request is refused")
    func idempotency() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            func append(_ text: String, flags: String = "") async throws -> Answer {
                try await ann.append(text, to: inbox, fields: ["Idempotency-Key": "\"k-1\"", "Store-Flags": flags])
            }
            let first = try await append("Subject: x\r\n\r\n")
            fixture.clock.advance(by: .seconds(3600))
            let again = try await append("Subject: x\r\n\r\n")
            #expect(again.status == .created && again.octets == first.octets)
            #expect(first.fields[.location] == "\(ann.path)/messages/\(try #require(try first.json["id"]?.text))")
            #expect(again.fields[.location] == first.fields[.location])
            #expect(first.fields[.idempotentReplay] == nil && again.fields[.idempotentReplay] == "1")
            #expect(try await append("Subject: y\r\n\r\n").problem == "key-reused")
            #expect(try await append("Subject: x\r\n\r\n", flags: "\\Seen").problem == "key-reused")
            #expect(try await fixture.inboxCount() == 1)
            // Another account's keys are its own.
            let bob = try await fixture.client("bob@example.org")
            let other = try await bob.append(
                "Subject: z\r\n\r\n",
                to: try await bob.mailbox("INBOX"),
                fields: ["Idempotency-Key": "k-1"]
            )
            #expect(other.status == .created)
            let target = try await ann.mailbox("Archive")
            for _ in 0..<2 {
                let copy = try await ann.post(
                    "mailboxes/\(inbox)/copy",
                    ["uids": [1], "to": .string(target)],
                    fields: ["Idempotency-Key": "k-2"]
                )
                #expect(try copy.json["map"] == [[1, 1]])
            }
            #expect(try await ann.get("mailboxes/\(target)").json["exists"] == 1)
            // What is kept has an end.
            func expunge(_ key: String?) async throws -> Answer {
                try await ann.post(
                    "mailboxes/\(target)/expunge",
                    ["uids": .array((100...1100).map { .number($0) })],
                    fields: key.map { ["Idempotency-Key": $0] } ?? [:]
                )
            }
            #expect(try await expunge("k-3").problem == "bad-body")
            #expect(try await expunge(nil).status == .ok)
            // A day later nobody knows the key.
            fixture.clock.advance(by: .seconds(86_400))
            #expect(try await append("Subject: y\r\n\r\n").status == .created)
        }
    }

    @Test("Many at the same time with one key are one") func race() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            try await withThrowingTaskGroup(of: HTTPResponse.Status.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        try await ann.append("Subject: x\r\n\r\n", to: inbox, fields: ["Idempotency-Key": "k"]).status
                    }
                }
                for try await status in group { #expect(status == .created) }
            }
            #expect(try await fixture.inboxCount() == 1)
        }
    }

    @Test("A message that breaks off, or is too large, is not added") func brokenOff() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            let short = try await ann.append("Subject: x\r\n\r\n", to: inbox, fields: ["Content-Length": "100"])
            #expect(try short.problem == "bad-body")
            let large = try await ann.append("Subject: x\r\n\r\n", to: inbox, fields: ["Content-Length": "99999999999"])
            #expect(large.status == .contentTooLarge)
            #expect(try await fixture.inboxCount() == 0)
            // What cannot stay is not taken at all.
            try await fixture.store.setLimits(QuotaLimits(octets: 50), of: "ann@example.org")
            let announced = try await ann.append("Subject: x\r\n\r\n", to: inbox, fields: ["Content-Length": "100"])
            #expect(try announced.problem == "over-quota")
        }
    }

    @Test("Flags are added, removed and set, by UID or identifier, unless somebody was quicker") func flags()
        async throws
    {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            let id = try #require(try await ann.append("Subject: 1\r\n\r\n", to: inbox).json["id"]?.text)
            _ = try await ann.append("Subject: 2\r\n\r\n", to: inbox)
            func change(_ body: JSONValue) async throws -> JSONValue {
                try await ann.post("mailboxes/\(inbox)/flags", body).json
            }
            let added = try await change(["uids": [1, 2, 9], "add": ["\\Seen", "$A"]])
            guard case .array(let changed)? = added["changed"] else {
                Issue.record("expected changed")
                return
            }
            #expect(changed.map { $0["uid"] } == [1, 2])
            #expect(changed.allSatisfy { $0["flags"] == ["\\Seen", "$A"] && $0["modseq"] == changed[0]["modseq"] })
            let before = try #require(changed[0]["modseq"]?.integer)
            #expect(try await change(["ids": [.string(id)], "remove": ["\\seen"]])["changed"] != [])
            let late = try await change(["uids": [1, 2], "set": ["\\Flagged"], "unmodified_since": .number(before)])
            #expect(late["failed"] == [1])
            let lines = try await ann.get("mailboxes/\(inbox)/messages").lines
            #expect(lines[0]["flags"] == ["$A"] && lines[1]["flags"] == ["\\Flagged"])
            for bad: JSONValue in [
                ["uids": [1]], ["uids": [1], "add": [], "set": []], ["add": ["\\Seen"]], ["uids": [0], "add": []],
                ["uids": ["1"], "add": []], ["uids": [1], "ids": [], "add": []], ["uids": [1], "add": ["\\Nope"]],
                ["uids": [1], "add": [], "more": 1], ["uids": [1], "add": 1], [], ["uids": [4_294_967_296], "add": []],
            ] {
                #expect(try await ann.post("mailboxes/\(inbox)/flags", bad).problem == "bad-body", "\(bad)")
            }
        }
    }

    @Test("Messages are copied, moved and removed in one step") func transfer() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let (inbox, archive) = (try await ann.mailbox("INBOX"), try await ann.mailbox("Archive"))
            try await fixture.fill(4)
            let copied = try await ann.post("mailboxes/\(inbox)/copy", ["uids": [2, 1, 77], "to": .string(archive)])
            #expect(try copied.json["map"] == [[1, 1], [2, 2]])
            let moved = try await ann.post(
                "mailboxes/\(inbox)/copy",
                ["uids": [3], "to": .string(archive), "move": true]
            )
            #expect(try moved.json["map"] == [[3, 3]])
            let gone = try await ann.post("mailboxes/\(inbox)/expunge", ["uids": [1, 3]])
            #expect(try gone.json["vanished"] == [1])
            #expect(try await ann.get("mailboxes/\(inbox)/messages").lines.compactMap { $0["uid"]?.integer } == [2, 4])
            #expect(try await ann.get("mailboxes/\(archive)").json["exists"] == 3)
            #expect(try await ann.post("mailboxes/\(inbox)/copy", ["uids": [2]]).problem == "bad-body")
        }
    }

    @Test("Mailboxes are made, renamed and deleted, if they are what the client thinks") func mailboxes() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            func patch(_ id: String, _ json: JSONValue, match: String? = nil) async throws -> Answer {
                try await ann.ask(
                    .patch,
                    "mailboxes/\(id)",
                    body: json.octets,
                    type: "application/json",
                    fields: match.map { ["If-Match": $0] } ?? [:]
                )
            }
            let made = try await ann.post("mailboxes", ["name": ["Work", "2026"], "subscribed": true])
            #expect(made.status == .created)
            let id = try #require(try made.json["id"]?.text)
            #expect(made.fields[.location] == "\(ann.path)/mailboxes/\(id)")
            #expect(try made.json["subscribed"] == true)
            #expect(try await ann.mailbox("Work").isEmpty == false)
            #expect(try await ann.post("mailboxes", ["name": ["Work", "2026"]]).problem == "exists")
            let tag = try #require(made.fields[.eTag])
            let renamed = try await patch(id, ["name": ["Jobs"], "role": "flagged"], match: tag)
            #expect(renamed.status == .ok)
            #expect(try renamed.json["name"] == ["Jobs"] && renamed.json["role"] == "flagged")
            #expect(try await patch(id, ["name": ["Late"]], match: tag).problem == "changed")
            #expect(try await patch(id, ["role": .null]).json["role"] == nil)
            // New mail is a reason not to delete.
            let last = try #require(try await ann.get("mailboxes/\(id)").fields[.eTag])
            _ = try await ann.append("Subject: x\r\n\r\n", to: id)
            #expect(try await ann.ask(.delete, "mailboxes/\(id)", fields: ["If-Match": last]).problem == "changed")
            #expect(try await ann.ask(.delete, "mailboxes/\(id)").status == .noContent)
            #expect(try await ann.get("mailboxes/\(id)").status == .notFound)
            let inbox = try await ann.mailbox("INBOX")
            #expect(try await ann.ask(.delete, "mailboxes/\(inbox)").problem == "not-permitted")
            #expect(try await patch(inbox, ["name": ["Old"]]).problem == "not-permitted")
            for bad: JSONValue in [
                [:], ["name": []], ["name": ["a/b"]], ["name": [""]], ["name": "a"], ["name": ["a"], "role": "boss"],
            ] {
                #expect(try await ann.post("mailboxes", bad).problem == "bad-body", "\(bad)")
            }
            #expect(try await ann.post("mailboxes", ["name": ["user", "bob@example.org"]]).problem == "not-permitted")
        }
    }

    @Test("Values under keys, with compare and set") func values() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            func put(_ key: String, _ text: String, _ fields: [String: String] = [:]) async throws -> Answer {
                try await ann.ask(.put, "kv/\(key)", body: Array(text.utf8), fields: fields)
            }
            let first = try await put("index.1", "one", ["If-None-Match": "*"])
            #expect(first.status == .noContent)
            let tag = try #require(first.fields[.eTag])
            #expect(try await put("index.1", "two", ["If-None-Match": "*"]).problem == "changed")
            #expect(try await put("index.1", "two", ["If-Match": tag]).status == .noContent)
            #expect(try await put("index.1", "three", ["If-Match": tag]).problem == "changed")
            let weak = "W/\(try #require(try await ann.get("kv/index.1").fields[.eTag]))"
            #expect(try await put("index.1", "three", ["If-Match": weak]).problem == "changed")
            #expect(try await ann.get("kv/index.1", fields: ["If-None-Match": weak]).status == .notModified)
            #expect(try await put("none", "x", ["If-Match": "*"]).problem == "changed")
            #expect(try await ann.get("kv/index.1").text == "two")
            _ = try await put("index.2", "")
            _ = try await put("other", "x")
            let lines = try await ann.get("kv?prefix=index.").lines
            #expect(lines.map { $0["key"]?.text } == ["index.1", "index.2", nil])
            #expect(lines[0]["size"] == 3)
            #expect(try await ann.ask(.delete, "kv/index.1", fields: ["If-Match": tag]).problem == "changed")
            #expect(try await ann.ask(.delete, "kv/index.1").status == .noContent)
            #expect(try await ann.get("kv/index.1").status == .notFound)
            #expect(try await put(String(repeating: "k", count: 129), "x").problem == "bad-key")
            #expect(try await put("big", String(repeating: "x", count: (1 << 20) + 1)).status == .contentTooLarge)
        }
    }

    @Test("Several requests in one are answered one by one") func batch() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            try await fixture.fill(2)
            let requests: [JSONValue] = [
                [
                    "id": 1, "method": "POST", "path": .string("mailboxes/\(inbox)/flags"),
                    "body": ["uids": [1], "add": ["\\Seen"]],
                ],
                ["id": 2, "method": "GET", "path": "mailboxes/F999"], ["id": 3, "method": "GET", "path": "quota"],
                ["id": 4, "method": "GET", "path": "events"], ["id": 5, "method": "GET", "path": "../bob@example.org"],
                ["id": 6, "method": "GET", "path": "mailboxes"], ["id": 7],
                ["id": 8, "method": "POST", "path": "batch"],
            ]
            let answer = try await ann.ask(
                .post,
                "batch",
                body: Array(requests.map(\.octets).joined(separator: [0x0A])),
                type: "application/x-ndjson"
            )
            let lines = try answer.lines
            #expect(lines.map { $0["id"] } == (1...8).map { .number(Int64($0)) })
            #expect(lines.map { $0["status"]?.integer } == [200, 404, 200, 422, 404, 200, 400, 422])
            #expect(lines[1]["body"]?["code"] == "not-found")
            guard case .array(let mailboxes)? = lines[5]["body"] else {
                Issue.record("expected lines")
                return
            }
            #expect(mailboxes.last?["end"] == true)
            // Who may only read cannot write so.
            let reader = try await fixture.client(scopes: [.read])
            let refused = try await reader.ask(.post, "batch", body: requests[0].octets, type: "application/x-ndjson")
            #expect(try refused.lines[0]["status"] == 403)
            let many = Array(repeating: requests[2].octets, count: 101).joined(separator: [0x0A])
            #expect(
                try await ann.ask(.post, "batch", body: Array(many), type: "application/x-ndjson").problem == "bad-body"
            )
        }
    }

    @Test("One of several requests that was done is answered so, however long the answer") func longAnswer()
        async throws
    {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            try await fixture.fill(1000)
            let flags = (0..<60).map { JSONValue.string("$keyword-number-\($0)") }
            let request: JSONValue = [
                "method": "POST", "path": .string("mailboxes/\(inbox)/flags"),
                "body": ["uids": .array((1...1000).map { .number($0) }), "add": .array(flags)],
            ]
            let answer = try await ann.ask(.post, "batch", body: request.octets, type: "application/x-ndjson")
            #expect(answer.octets.count > 1 << 20)
            #expect(try answer.lines[0]["status"] == 200)
            #expect(try answer.lines[0]["body"]?["failed"] == [])
        }
    }

    @Test("A message is delivered as LMTP does it, and submitted as its user does") func delivery() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            func send(_ path: String, _ text: String, _ fields: [String: String] = [:]) async throws -> Answer {
                try await ann.ask(.post, path, body: Array(text.utf8), type: "message/rfc822", fields: fields)
            }
            let text = "From: friend@example.net\r\nSubject: hi\r\n\r\n.dot\r\n"
            let fields = ["Store-Sender": "friend@example.net", "Idempotency-Key": "d"]
            let delivered = try await send("deliver", text, fields)
            #expect(delivered.status == .created, "\(delivered.text)")
            #expect(try delivered.json["smtp"] == 250)
            let again = try await send("deliver", text, fields)
            #expect(again.octets == delivered.octets && again.fields[.idempotentReplay] == "1")
            #expect(try await fixture.inboxCount() == 1)
            let tagged = try await send("deliver", text, ["Store-Recipient": "ann+list@example.org"])
            #expect(tagged.status == .created)
            #expect(try await send("deliver", "Subject: x\n\nbare\n").problem == "refused")
            #expect(try await send("deliver", text, ["Store-Recipient": "no address"]).problem == "bad-field")
            let id = try #require(
                try await ann.get("mailboxes/\(try await ann.mailbox("INBOX"))/messages").lines[0]["id"]?.text
            )
            #expect(try await ann.get("messages/\(id)").text.hasSuffix("\r\n\r\n.dot\r\n"))

            let own = "From: ann@example.org\r\nSubject: out\r\n\r\nhello\r\n"
            let sent = try await send("submit", own, ["Store-Recipient": "friend@example.net, ann@example.org"])
            #expect(sent.status == .created, "\(sent.text)")
            #expect(try await fixture.store.entries(after: nil, limit: 100).count == 1)
            #expect(try await fixture.inboxCount() == 3)
            let forged = try await send(
                "submit",
                own,
                ["Store-Sender": "boss@example.org", "Store-Recipient": "friend@example.net"]
            )
            #expect(try forged.problem == "refused")
            #expect(
                try await send("submit", own, ["Store-Recipient": "x@example.net, nobody@example.org"]).problem
                    == "refused"
            )
            #expect(try await fixture.store.entries(after: nil, limit: 100).count == 1)
            #expect(try await send("submit", own).problem == "bad-field")
            #expect(fixture.bridge.bodies.usedCount == 0)
        }
    }
}
