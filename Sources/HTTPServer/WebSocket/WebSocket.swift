// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import MailConnection
import NIOCore

/// A connection that was HTTP's and is a WebSocket now, for the one task that reads it and whoever writes to it.
struct WebSocket: Sendable {
    typealias Event = WebSocketHandler.Event

    /// How long a client may take to answer a closing frame.
    private static let farewellTimeout: Duration = .seconds(2)

    private let channel: any Channel
    private let handler: NIOLoopBound<WebSocketHandler>
    /// What the client does, in order, until it is gone; for one reader.
    let events: AsyncStream<Event>
    /// The client says nothing more.
    private let end: EventLoopFuture<Void>
    private let time: TimeSource

    /// Takes a connection over, right behind its ``ClientWatch``, and sends the response that agrees.
    static func begin(on channel: any Channel, with response: Response, time: TimeSource) async throws -> Self {
        var head = "HTTP/1.1 101 Switching Protocols\r\n"
        for field in response.headers { head += "\(field.name.rawName): \(field.value)\r\n" }
        let octets = Array((head + "\r\n").utf8)
        let (events, feed) = AsyncStream.makeStream(of: Event.self)
        let end = channel.eventLoop.makePromise(of: Void.self)
        let handler = try await channel.eventLoop.submit {
            let handler = WebSocketHandler(feed, end: end)
            let pipeline = channel.pipeline.syncOperations
            do {
                try pipeline.addHandler(handler, position: .after(try pipeline.handler(type: ClientWatch.self)))
            } catch {
                end.succeed()
                throw error
            }
            return NIOLoopBound(handler, eventLoop: channel.eventLoop)
        }.get()
        let socket = WebSocket(
            channel: channel,
            handler: handler,
            events: events,
            end: end.futureResult,
            time: time
        )
        try await socket.write(octets)
        return socket
    }

    /// An event was read, and done with: the client may send more.
    func done(with event: Event) {
        let (handler, size) = (self.handler, event.size)
        self.channel.eventLoop.execute { handler.value.taken(size) }
    }

    /// Sends octets; returns when the socket has taken them.
    func send(_ octets: [UInt8]) async throws { try await self.write(WebSocketFrames.octets(octets)) }

    func ping() async throws { try await self.write(WebSocketFrames.ping) }

    func pong(_ payload: [UInt8]) async throws { try await self.write(WebSocketFrames.pong(payload)) }

    /// Says why the WebSocket ends, and ends it; nobody reads it any more.
    ///
    /// Whoever is told waits for the client's own last words, for a moment: whatever it is sending, it shall find the
    /// reason.
    func close(_ status: WebSocketStatus, isAnswer: Bool = false) async {
        let (handler, deadline) = (self.handler, self.time.now() + Self.farewellTimeout)
        self.channel.eventLoop.execute { handler.value.drain() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await self.time.sleep(deadline)
                // What is still on its way stays there.
                self.hangUp()
            }
            group.addTask {
                let frame = WebSocketFrames.close(status)
                guard (try? await self.write(frame, isLast: true)) != nil, !isAnswer else { return }
                try? await self.end.get()
            }
            await group.next()
            group.cancelAll()
        }
        self.hangUp()
    }

    /// Ends the connection at once.
    func hangUp() { self.channel.close(promise: nil) }

    private func write(_ octets: [UInt8], isLast: Bool = false) async throws {
        let (handler, promise) = (self.handler, self.channel.eventLoop.makePromise(of: Void.self))
        self.channel.eventLoop.execute { handler.value.write(octets, isLast: isLast, promise: promise) }
        try await promise.futureResult.get()
    }
}
