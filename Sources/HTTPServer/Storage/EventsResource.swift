// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailConnection
import MailStorage
import ServiceLifecycle

/// Tells that something has changed as soon as it has: in one answer that goes on, or in an answer that waits.
///
/// What is told is a hint: who misses it asks for the changes since the last state he knows, and misses nothing.
enum EventsResource {
    private static let eventStream = "text/event-stream"
    private static let longestWait: Int64 = 60

    static let routes = [
        StorageRoute(
            method: .get,
            path: "v1/{account}/events",
            scope: .read,
            summary: "Wait for changes: for ever as server-sent events, or for one",
            parameters: [
                .query("since", "The last state that the client knows", Schemas.text),
                .query(
                    "wait",
                    "How many seconds to wait for a change",
                    ["type": "integer", "minimum": 0, "maximum": 60]
                ),
                .field("Last-Event-ID", "The last state that the client knows"),
            ],
            answers: [
                .init(
                    200,
                    "What has changed",
                    .json(Schemas.event),
                    StorageRoute.Content(type: Self.eventStream, schema: ["type": "string"])
                ),
                .init(204, "Nothing has changed"),
            ],
            handler: Self.events
        )
    ]

    private static func events(_ call: StorageCall) async throws -> Response {
        let caller = try call.requireCaller()
        var since = try call.state("since")
        if let last = call.request.headers[.lastEventID] {
            guard let state = ModSeq(storageText: last) else {
                throw StorageRefusal.badField("Last-Event-ID", "a state")
            }
            since = state
        }
        // A state of a store that has been put back to an older one: say what there is.
        if let known = since, known > (try await caller.store.state()) { since = ModSeq(rawValue: 0) }
        if call.request.headers[.accept]?.lowercased().contains(Self.eventStream) == true {
            let first = since
            return Response(
                status: .ok,
                headers: [.contentType: Self.eventStream],
                body: ResponseBody { writer in
                    try await Self.stream(call, caller, since: first, to: &writer)
                    try await writer.finish(nil)
                }
            )
        }
        let wait = try call.number("wait", in: 0...Self.longestWait) ?? Self.longestWait
        guard let changes = try await Self.next(call, caller, since: since, wait: .seconds(wait)) else {
            return .noContent
        }
        return Response(json: Self.json(changes))
    }

    private static func json(_ changes: AccountChanges) -> JSONValue {
        let mailboxes = changes.mailboxes.map { ($0.id.storageText, JSONValue.string($0.highestModSeq.storageText)) }
        return [
            "state": .string(changes.modSeq.storageText),
            "mailboxes": .object(Dictionary(mailboxes) { first, _ in first }),
        ]
    }

    /// The changes since a state as soon as there are some; nil if there are none for so long.
    private static func next(
        _ call: StorageCall,
        _ caller: StorageCall.Caller,
        since: ModSeq?,
        wait: Duration
    ) async throws -> AccountChanges? {
        let vigil = Vigil(call, caller)
        defer { vigil.end() }
        let alarm = call.service.time.setAlarm(call.service.time.now() + wait) { vigil.post(.alarm) }
        defer { alarm.cancel() }
        return try await withGracefulShutdownHandler {
            var known = since
            for await sign in vigil.signs {
                if sign == .changed {
                    vigil.rearm()
                    guard let identity = call.identity, try await call.service.isStillValid(identity) else {
                        throw StorageRefusal.unauthorized
                    }
                    let changes = try await caller.store.changes(since: known ?? ModSeq(rawValue: .max))
                    if let known, changes.modSeq > known { return changes }
                    // Without a state, it is the next change that is waited for.
                    if known == nil { known = changes.modSeq }
                    if wait > .zero { continue }
                }
                return nil
            }
            return nil
        } onGracefulShutdown: {
            vigil.post(.stop)
        }
    }

    /// Writes events until the client leaves, the token ends, or the process stops.
    @concurrent private static func stream(
        _ call: StorageCall,
        _ caller: StorageCall.Caller,
        since: ModSeq?,
        to writer: inout any ResponseBodyWriter
    ) async throws {
        let vigil = Vigil(call, caller)
        defer { vigil.end() }
        var told = since
        var output = ""
        try await withGracefulShutdownHandler {
            var alarm = vigil.setAlarm(call)
            defer { alarm.cancel() }
            for await sign in vigil.signs {
                switch sign {
                case .stop: return
                case .alarm: output = ": ping\n\n"
                case .changed:
                    vigil.rearm()
                    guard let identity = call.identity, try await call.service.isStillValid(identity) else { return }
                    let changes = try await caller.store.changes(since: told ?? ModSeq(rawValue: .max))
                    guard told == nil || changes.modSeq > (told ?? changes.modSeq) else { continue }
                    told = changes.modSeq
                    let data = String(decoding: Self.json(changes).octets, as: UTF8.self)
                    output = "id: \(changes.modSeq.storageText)\nevent: state\ndata: \(data)\n\n"
                }
                try await writer.write(ByteBuffer(string: output))
                alarm.cancel()
                alarm = vigil.setAlarm(call)
            }
        } onGracefulShutdown: {
            vigil.post(.stop)
        }
    }
}

/// Somebody's wait for changes of an account.
private final class Vigil: Sendable {
    enum Sign: Sendable {
        case changed, alarm, stop
    }

    let signs: AsyncStream<Sign>
    private let feed: AsyncStream<Sign>.Continuation
    private let changes: ChangeFeed
    private let watch: ChangeFeed.Watch

    /// Begins with a sign of change: what changed before must be looked for once.
    init(_ call: StorageCall, _ caller: StorageCall.Caller) {
        let (signs, feed) = AsyncStream.makeStream(of: Sign.self)
        (self.signs, self.feed) = (signs, feed)
        self.changes = caller.store.feed
        var topics: Set<ChangeFeed.Topic> = [.account(caller.account.id), .credential(caller.account.id)]
        if let owner = call.identity?.account.id { topics.formUnion([.tokens(owner), .credential(owner)]) }
        self.watch = self.changes.watch(topics) { feed.yield(.changed) }
        feed.yield(.changed)
        call.exchange.onDisconnect { feed.finish() }
    }

    func post(_ sign: Sign) { self.feed.yield(sign) }

    func rearm() { self.watch.rearm() }

    func setAlarm(_ call: StorageCall) -> Alarm {
        let (time, feed) = (call.service.time, self.feed)
        return time.setAlarm(time.now() + call.service.options.pingInterval) { feed.yield(.alarm) }
    }

    func end() {
        self.changes.cancel(self.watch)
        self.feed.finish()
    }
}
