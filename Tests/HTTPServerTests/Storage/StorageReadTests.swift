// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailConnection
import MailMessage
import MailStorage
import NIOCore
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Storage API: reading") struct StorageReadTests {
    private static let message =
        "From: =?utf-8?q?J=C3=BCrgen?= <j@example.net>\r\nTo: ann@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        + "Date: Sat, 21 Nov 2026 08:00:00 +0100\r\nMessage-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"
        + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello Ann\r\n"
        + "--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\r\nPDF\r\n--b--\r\n"

    @Test("What the store can do, and its state") func account() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let answer = try await ann.get("")
            #expect(try answer.json["version"] == 1)
            #expect(try answer.json["caps"]?["changes"] == true)
            #expect(try answer.json["caps"]?["jobs"] == false)
            let tag = try #require(answer.fields[.eTag])
            #expect(tag == "\"\(try answer.json["state"]?.text ?? "")\"")
            #expect(try await ann.get("", fields: ["If-None-Match": tag]).status == .notModified)
            _ = try await ann.append("Subject: x\r\n\r\n", to: try await ann.mailbox("INBOX"))
            #expect(try await ann.get("", fields: ["If-None-Match": tag]).status == .ok)
            let head = try await ann.ask(.head, "")
            #expect(head.octets.isEmpty && head.fields[.contentLength] != nil)
        }
    }

    @Test("Mailboxes, with their figures, until nothing has changed") func mailboxes() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let answer = try await ann.get("mailboxes")
            let lines = try answer.lines
            #expect(lines.last?["end"] == true)
            #expect(lines.first?["name"] == ["INBOX"])
            #expect(lines.first?["role"] == "inbox")
            #expect(
                Set(lines.compactMap { $0["role"]?.text }) == ["inbox", "drafts", "sent", "junk", "trash", "archive"]
            )
            #expect(lines.dropLast().allSatisfy { $0["uidnext"] == 1 && $0["exists"] == 0 && $0["subscribed"] == true })
            let tag = try #require(answer.fields[.eTag])
            #expect(try await ann.get("mailboxes", fields: ["If-None-Match": tag]).status == .notModified)
            let id = try await ann.mailbox("Sent")
            #expect(
                try await ann.ask(
                    .patch,
                    "mailboxes/\(id)",
                    body: Array(#"{"subscribed":false}"#.utf8),
                    type: "application/json"
                ).status == .ok
            )
            #expect(try await ann.get("mailboxes", fields: ["If-None-Match": tag]).status == .ok)
            #expect(try await ann.get("mailboxes/\(id)").json["subscribed"] == false)
            #expect(try await ann.get("mailboxes/F0").status == .notFound)
        }
    }

    @Test("A list of messages goes on from any cursor, and has all of them once") func cursors() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            try await fixture.fill(2500)
            let all = try await ann.get("mailboxes/\(inbox)/messages").lines
            #expect(all.compactMap { $0["uid"]?.integer } == Array(1...2500))
            #expect(all.compactMap { $0["cursor"]?.text } == ["1000", "2000", "2500"])
            #expect(all.last?["count"] == 2500)
            #expect(all.last?["state"] == (try await ann.get("mailboxes/\(inbox)").json["state"]))
            #expect(all[0]["flags"] == [] && all[0]["size"] != nil && all[0]["modseq"] != nil && all[0]["date"] != nil)
            let rest = try await ann.get("mailboxes/\(inbox)/messages?after=2000&limit=3&fields=uid,id").lines
            #expect(rest.compactMap { $0["uid"]?.integer } == [2001, 2002, 2003])
            #expect(rest[0]["size"] == nil)
            #expect(rest.last?["count"] == 3)
            let end = try await ann.get("mailboxes/\(inbox)/messages?after=2500").lines
            #expect(end.count == 1 && end[0]["count"] == 0)
            for bad in ["after=x", "after=-1", "limit=0", "fields=", "fields=uid,secret", "after=99999999999"] {
                #expect(try await ann.get("mailboxes/\(inbox)/messages?\(bad)").problem == "bad-query")
            }
        }
    }

    @Test("The first lines leave before the second batch is read, and no more is read than the client takes")
    func streaming() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            try await fixture.fill(3500)
            let response = try await fixture.respond(
                .get,
                "\(ann.path)/mailboxes/\(inbox)/messages",
                fields: [.authorization: "Bearer \(ann.token)"]
            )
            // What is deleted while the client has the first batch is in no later one.
            let store = fixture.store.mailStore(of: fixture.ann.id)
            let mailbox = try #require(try await store.mailbox(named: "INBOX", needing: .read))
            let writer = PausingWriter { count in
                guard count == 1 else { return }
                try await store.deleteMessages(2001...3500, in: mailbox.id)
            }
            try await response.body.write(writer)
            let text = writer.text
            #expect(text.contains("\"uid\":2000,"))
            #expect(!text.contains("\"uid\":2001,"))
            #expect(text.hasSuffix("}\n") && text.contains("\"count\":2000"))
            // A batch is at most a thousand lines.
            #expect(writer.largest < 400_000)
        }
    }

    @Test("A message is what was added, for ever, in whole or in parts") func octets() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            // Longer than one chunk of the store.
            let text = "Subject: long\r\n\r\n" + String(repeating: "0123456789abcdef\r\n", count: 40_000)
            let appended = try await ann.append(text, to: try await ann.mailbox("INBOX"))
            let id = try #require(try appended.json["id"]?.text)
            #expect(appended.fields[.location] == "\(ann.path)/messages/\(id)")
            let whole = try await ann.get("messages/\(id)")
            #expect(whole.text == text)
            #expect(whole.fields[.contentType] == "message/rfc822")
            #expect(whole.fields[.cacheControl]?.contains("immutable") == true)
            #expect(whole.fields[.eTag] == "\"\(id)\"")
            #expect(try await ann.get("messages/\(id)", fields: ["If-None-Match": "\"\(id)\""]).status == .notModified)
            let head = try await ann.ask(.head, "messages/\(id)")
            #expect(head.octets.isEmpty && head.fields[.contentLength] == "\(text.utf8.count)")
            let size = text.utf8.count
            for (range, expected) in [
                ("bytes=0-0", 0..<1), ("bytes=262140-262150", 262_140..<262_151), ("bytes=-3", size - 3..<size),
                ("bytes=\(size - 1)-", size - 1..<size), ("bytes=5-99999999999999999999", 5..<size),
            ] {
                let part = try await ann.get("messages/\(id)", fields: ["Range": range])
                #expect(part.status == .partialContent, "\(range)")
                #expect(part.octets == Array(Array(text.utf8)[expected]), "\(range)")
                #expect(part.fields[.contentRange] == "bytes \(expected.lowerBound)-\(expected.upperBound - 1)/\(size)")
            }
            for range in ["bytes=\(size)-", "bytes=-0"] {
                let none = try await ann.get("messages/\(id)", fields: ["Range": range])
                #expect(none.status == .rangeNotSatisfiable)
                #expect(none.fields[.contentRange] == "bytes */\(size)")
                #expect(try none.problem == "range")
            }
            for ignored in ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes=-"] {
                #expect(try await ann.get("messages/\(id)", fields: ["Range": ignored]).status == .ok)
            }
            let stale = try await ann.get("messages/\(id)", fields: ["Range": "bytes=0-1", "If-Range": "\"other\""])
            #expect(stale.status == .ok)
        }
    }

    @Test("What a message says: envelope, structure, preview, and its sections") func meta() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let appended = try await ann.append(Self.message, to: try await ann.mailbox("INBOX"))
            let id = try #require(try appended.json["id"]?.text)
            let meta = try await ann.get("messages/\(id)?meta=1").json
            #expect(meta["envelope"]?["subject"] == "Grüße")
            #expect(meta["envelope"]?["from"] == [["name": "Jürgen", "email": "j@example.net"]])
            #expect(meta["envelope"]?["date"] == "2026-11-21T08:00:00+01:00")
            #expect(meta["preview"] == "Hello Ann")
            guard case .array(let parts)? = meta["structure"]?["parts"] else {
                Issue.record("expected parts")
                return
            }
            #expect(parts.map { $0["section"] } == ["1", "2"])
            #expect(parts[1]["name"] == "a.pdf" && parts[1]["type"] == "application/pdf")
            for (section, text) in [
                ("1", "Hello Ann"), ("2", "PDF"), ("1.MIME", "Content-Type: text/plain; charset=utf-8\r\n\r\n"),
                ("text", String(Self.message.split(separator: "\r\n\r\n", maxSplits: 1)[1])),
            ] {
                #expect(try await ann.get("messages/\(id)/p/\(section)").text == text)
            }
            #expect(try await ann.get("messages/\(id)/p/HEADER").text.hasSuffix("boundary=b\r\n\r\n"))
            #expect(try await ann.get("messages/\(id)/p/2", fields: ["Range": "bytes=1-"]).text == "DF")
            for section in ["3", "0", "1.1", "x", "", "1..2", "MIME", "99999999999", "-1"] {
                #expect(try await ann.get("messages/\(id)/p/\(section)").status == .notFound, "\(section)")
            }
            #expect(try await ann.get("messages/\(id)?meta=2").problem == "bad-query")
        }
    }

    @Test("Changes since a state are exactly what has changed") func changes() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            try await fixture.fill(1500)
            let state = try #require(try await ann.get("mailboxes/\(inbox)").json["state"]?.text)
            let whole = try #require(try await ann.get("").json["state"]?.text)
            #expect(try await ann.get("mailboxes/\(inbox)/changes?since=\(state)").lines.count == 1)
            _ = try await ann.post("mailboxes/\(inbox)/flags", ["uids": [5, 1400], "add": ["\\Seen", "$Work"]])
            _ = try await ann.post("mailboxes/\(inbox)/expunge", ["uids": [7, 8, 9]])
            _ = try await ann.append("Subject: new\r\n\r\n", to: inbox)
            let lines = try await ann.get("mailboxes/\(inbox)/changes?since=\(state)").lines
            #expect(lines.first?["vanished"] == [7, 8, 9])
            #expect(lines.compactMap { $0["uid"]?.integer } == [5, 1400, 1501])
            #expect(lines[1]["flags"] == ["\\Seen", "$Work"])
            let account = try await ann.get("changes?since=\(whole)").lines
            #expect(account.map { $0["id"]?.text } == [inbox, nil])
            #expect(account.last?["end"] == true && account.last?["list"] != nil)
            #expect(try await ann.get("mailboxes/\(inbox)/changes?since=999999").problem == "too-old")
            #expect(try await ann.get("changes?since=999999").problem == "too-old")
            #expect(try await ann.get("changes").problem == "bad-query")
            #expect(try await ann.get("changes?since=01").problem == "bad-query")
            // Everything, in several batches.
            let all = try await ann.get("mailboxes/\(inbox)/changes?since=0").lines
            #expect(all.compactMap { $0["uid"]?.integer }.count == 1498)
        }
    }

    @Test("Searches by what the list, the header and the text say") func search() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            _ = try await ann.append(Self.message, to: inbox, fields: ["Store-Date": "2026-01-01T00:00:00Z"])
            _ = try await ann.append(
                "From: bob@example.org\r\nTo: x@example.org\r\nSubject: Rechnung\r\nX-Kind: bill\r\n\r\nBitte zahlen: CAFÉ\r\n",
                to: inbox,
                fields: ["Store-Flags": "\\Seen $Bill", "Store-Date": "2026-02-01T00:00:00Z"]
            )
            func find(_ filter: JSONValue) async throws -> [Int64] {
                let answer = try await ann.post("mailboxes/\(inbox)/search", ["filter": filter])
                let lines = try answer.lines
                #expect(lines.last?["end"] == true)
                return lines.compactMap { $0["uid"]?.integer }
            }
            let cases: [(JSONValue, [Int64])] = [
                ([:], [1, 2]), (["uid": [2, 7]], [2]), (["flag": "\\Seen"], [2]), (["notKeyword": "$seen"], [1]),
                (["hasKeyword": "$bill"], [2]), (["before": "2026-01-02T00:00:00Z"], [1]),
                (["after": "2026-01-01T00:00:00Z"], [1, 2]), (["minSize": 200], [1]), (["maxSize": 200], [2]),
                (["from": "jürgen"], [1]), (["to": "ANN@"], [1]), (["subject": "grüße"], [1]),
                (["subject": "rech"], [2]),
                (["hasAttachment": true], [1]), (["body": "hello"], [1]), (["body": "cafe"], [2]),
                (["text": "rechnung"], [2]),
                (["text": "a.pdf"], [1]), (["body": "rechnung"], []), (["header": ["x-kind"]], [2]),
                (["header": ["X-Kind", "BILL"]], [2]), (["header": ["X-Kind", "no"]], []), (["modseq": 1], [1, 2]),
                (["op": "OR", "conditions": [["body": "hello"], ["flag": "\\Seen"]]], [1, 2]),
                (["op": "NOT", "conditions": [["body": "hello"]]], [2]),
                (["op": "AND", "conditions": [["body": "hello"], ["flag": "\\Seen"]]], []),
                (["op": "NOT", "conditions": []], [1, 2]), (["op": "OR", "conditions": []], []),
            ]
            for isIndexed in [false, true] {
                if isIndexed { try await fixture.store.index() }
                for (filter, expected) in cases { #expect(try await find(filter) == expected, "\(filter)") }
            }
            let unknown = try await ann.post(
                "mailboxes/\(inbox)/search",
                ["filter": ["op": "AND", "conditions": [["inMailbox": "x"], ["flag": "\\Seen"], ["someday": 1]]]]
            )
            #expect(unknown.status == .unprocessableContent)
            #expect(try unknown.json["keys"] == ["inMailbox", "someday"])
            for count in [16, 17] {
                let texts = (0..<count).map { JSONValue.object(["body": .string("text \($0)")]) }
                let many = try await ann.post(
                    "mailboxes/\(inbox)/search",
                    ["filter": ["op": "OR", "conditions": .array(texts)]]
                )
                #expect(many.status == (count == 16 ? .ok : .unprocessableContent))
            }
            // Nobody is there to hear what is found.
            let exchange = Exchange()
            exchange.disconnected()
            await #expect(throws: CancellationError.self) {
                try await ann.ask(
                    .post,
                    "mailboxes/\(inbox)/search",
                    body: Array(#"{"filter":{"body":"hello"}}"#.utf8),
                    type: "application/json",
                    exchange: exchange
                )
            }
            #expect(try await ann.post("mailboxes/\(inbox)/search", ["filter": 1]).problem == "bad-body")
            #expect(try await ann.post("mailboxes/\(inbox)/search", ["limit": 1, "filter": [:]]).lines.count == 2)
        }
    }

    @Test("Lists and changes go on from any state of the account that was told") func states() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let (inbox, archive) = (try await ann.mailbox("INBOX"), try await ann.mailbox("Archive"))
            _ = try await ann.append("Subject: 1\r\n\r\n", to: inbox)
            let lines = try await ann.get("mailboxes/\(inbox)/messages").lines
            let cursor = try #require(lines.first { $0["cursor"] != nil })
            #expect(cursor["state"] != nil && cursor["state"] == lines.last?["state"])
            _ = try await ann.append("Subject: 2\r\n\r\n", to: archive)
            let state = try #require(try await ann.get("").json["state"])
            #expect(state != cursor["state"])
            let changes = try await ann.get("mailboxes/\(inbox)/changes?since=\(try #require(state.text))")
            #expect(try changes.lines == [["end": true, "state": state]])
            let later = try #require(state.text.flatMap(Int64.init)) + 1
            #expect(try await ann.get("mailboxes/\(inbox)/changes?since=\(later)").problem == "too-old")
        }
    }

    @Test("What is used, and may be used") func quota() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            _ = try await ann.append("Subject: x\r\n\r\n", to: try await ann.mailbox("INBOX"))
            try await fixture.store.setLimits(QuotaLimits(messages: 1), of: "ann@example.org")
            let quota = try await ann.get("quota").json
            #expect(quota == ["octets": ["used": 14, "limit": .null], "messages": ["used": 1, "limit": 1]])
            let full = try await ann.append("Subject: y\r\n\r\n", to: try await ann.mailbox("INBOX"))
            #expect(full.status.code == 507)
            #expect(try full.problem == "over-quota")
        }
    }
}

extension Fixture {
    /// Fills Ann's INBOX with small messages.
    func fill(_ count: Int) async throws {
        let store = self.store.mailStore(of: self.ann.id)
        let mailbox = try #require(try await store.mailbox(named: "INBOX", needing: .read))
        var new: [NewMessage] = []
        for number in 0..<count {
            var stage = store.stage(limit: 1000)
            try await stage.append(Array("Subject: \(number)\r\n\r\n".utf8)[...])
            new.append(NewMessage(try await stage.finish(), internalDate: MessageDate(time: UnixTime(rawValue: 1))))
        }
        _ = try await store.append(new, to: mailbox.id)
    }
}

extension MailStore {
    fileprivate func deleteMessages(_ uids: ClosedRange<UInt32>, in mailbox: MailboxID) async throws {
        let uids = uids.map(UID.init)
        _ = try await self.changeFlags(
            of: uids,
            in: mailbox,
            FlagChange(.add, FlagSet(system: .deleted)),
            unchangedSince: nil
        )
        _ = try await self.expunge(uids, in: mailbox)
    }
}

/// A client that does something before it takes more.
private final class PausingWriter: ResponseBodyWriter, Sendable {
    private let state = Mutex<(octets: [UInt8], count: Int, largest: Int)>(([], 0, 0))
    private let pause: @Sendable (Int) async throws -> Void

    init(pause: @escaping @Sendable (Int) async throws -> Void) { self.pause = pause }

    var text: String { self.state.withLock { String(decoding: $0.octets, as: UTF8.self) } }
    var largest: Int { self.state.withLock { $0.largest } }

    func write(_ buffer: ByteBuffer) async throws {
        let count = self.state.withLock { state in
            state.octets += buffer.readableBytesView
            state.count += 1
            state.largest = max(state.largest, buffer.readableBytes)
            return state.count
        }
        try await self.pause(count)
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
