// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailConnection
import MailStorage
import NIOCore
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Storage API: events") struct StorageEventsTests {
    @Test("A request that waits is answered when something changes") func poll() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            let state = try #require(try await ann.get("").json["state"]?.text)
            try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await ann.get("events?since=\(state)&wait=60") }
                try await waitUntil { fixture.store.feed.isWatched(.account(fixture.ann.id)) }
                _ = try await ann.append("Subject: x\r\n\r\n", to: inbox)
                let answer = try #require(try await group.next())
                #expect(try answer.json["mailboxes"]?[inbox] != nil)
                #expect(try answer.json["state"] != .string(state))
            }
            #expect(!fixture.store.feed.isWatched(.account(fixture.ann.id)))
            // What has changed already is told at once, whatever the wait.
            #expect(try await ann.get("events?since=\(state)&wait=60").status == .ok)
            #expect(try await ann.get("events?since=\(state)&wait=61").problem == "bad-query")
            #expect(try await ann.get("events?since=x").problem == "bad-query")
        }
    }

    @Test("A request that waits ends with its token") func revoked() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await ann.get("events?wait=60") }
                try await waitUntil { fixture.store.feed.isWatched(.account(fixture.ann.id)) }
                let token = try #require(try await fixture.store.tokens(of: "ann@example.org").last)
                try await fixture.store.removeToken(token.id)
                #expect(try await group.next()?.problem == "unauthorized")
            }
        }
    }

    @Test("A request that waits in vain is answered with nothing") func vain() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            #expect(try await ann.get("events?wait=0").status == .noContent)
            try await withThrowingTaskGroup(of: Answer.self) { group in
                group.addTask { try await ann.get("events?wait=30") }
                try await waitUntil { fixture.store.feed.isWatched(.account(fixture.ann.id)) }
                try await waitUntil {
                    fixture.clock.advance(by: .seconds(31))
                    return !fixture.store.feed.isWatched(.account(fixture.ann.id))
                }
                #expect(try await group.next()?.status == .noContent)
            }
        }
    }

    @Test("Events are told as they happen, and that there are none; until the token ends") func stream() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let inbox = try await ann.mailbox("INBOX")
            let state = try #require(try await ann.get("").json["state"]?.text)
            _ = try await ann.append("Subject: before\r\n\r\n", to: inbox)
            let response = try await fixture.respond(
                .get,
                "\(ann.path)/events",
                fields: [
                    .authorization: "Bearer \(ann.token)", .accept: "text/event-stream",
                    .lastEventID: state,
                ]
            )
            #expect(response.headers[.contentType] == "text/event-stream")
            let writer = EventWriter()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await response.body.write(writer) }
                try await waitUntil { writer.events.count == 1 }
                #expect(writer.events[0].contains("\nevent: state\ndata: {\"mailboxes\":{\"\(inbox)\":"))
                #expect(writer.events[0].hasPrefix("id: "))
                _ = try await ann.append("Subject: x\r\n\r\n", to: inbox)
                try await waitUntil { writer.events.count == 2 }
                try await waitUntil {
                    fixture.clock.advance(by: .seconds(16))
                    return writer.events.contains(": ping")
                }
                let token = try #require(try await fixture.store.tokens(of: "ann@example.org").last)
                try await fixture.store.removeToken(token.id)
                try await group.waitForAll()
            }
            #expect(writer.isFinished)
            #expect(!fixture.store.feed.isWatched(.account(fixture.ann.id)))
        }
    }

    @Test("A client that leaves is waited for no more") func leaves() async throws {
        try await Fixture.run { fixture in
            let ann = try await fixture.client()
            let exchange = Exchange()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await ann.ask(.get, "events?wait=60", exchange: exchange) }
                try await waitUntil { fixture.store.feed.isWatched(.account(fixture.ann.id)) }
                exchange.disconnected()
                try await group.waitForAll()
            }
            #expect(!fixture.store.feed.isWatched(.account(fixture.ann.id)))
        }
    }
}

/// A client that takes events.
private final class EventWriter: ResponseBodyWriter, Sendable {
    private let state = Mutex<(text: String, isFinished: Bool)>(("", false))

    var events: [String] {
        self.state.withLock { $0.text.split(separator: "\n\n").map(String.init) }
    }
    var isFinished: Bool { self.state.withLock { $0.isFinished } }

    func write(_ buffer: ByteBuffer) async throws {
        self.state.withLock { $0.text += String(decoding: buffer.readableBytesView, as: UTF8.self) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws { self.state.withLock { $0.isFinished = true } }
}
