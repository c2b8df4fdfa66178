// SPDX-License-Identifier: Apache-2.0

/// An in-memory ``Connection``: what the client sends is what a test, or the HTTP bridge, feeds.
///
/// Octets to the client are delivered to the `deliver` closure, which may suspend: that is how a full bridge buffer
/// slows its session down.
package struct PipeConnection<Note: Sendable>: Connection {
    package private(set) var peer: Peer
    private let security: Peer.Security?
    private var inbound: AsyncStream<Inbound<Note>>.Iterator
    private let feed: AsyncStream<Inbound<Note>>.Continuation
    private let deliver: @Sendable ([UInt8]) async throws -> Void
    /// In memory anyway; kept from the session until it takes octets.
    private var held = HeldInput<Note>()
    /// The client has closed its half: whatever it does after that is nothing.
    private var isAtEndOfOctets = false

    /// Makes the two ends.
    ///
    /// - Parameters:
    ///   - peer: what the session is told about the client.
    ///   - security: what the peer becomes after STARTTLS; nil makes ``startTLS(after:)`` throw, as over the bridge.
    ///   - deliver: takes what the session writes, in order; throws when the client is gone.
    /// - Returns: the session's end and the client's.
    package static func make(
        peer: Peer,
        security: Peer.Security? = nil,
        deliver: @escaping @Sendable ([UInt8]) async throws -> Void
    ) -> (server: PipeConnection, client: Client) {
        let (inbound, feed) = AsyncStream.makeStream(of: Inbound<Note>.self)
        let server = PipeConnection(
            peer: peer,
            security: security,
            inbound: inbound.makeAsyncIterator(),
            feed: feed,
            deliver: deliver
        )
        return (server, Client(feed: feed))
    }

    /// The next thing to happen; nil when the client has disconnected, or the task is cancelled.
    package mutating func next() async -> Inbound<Note>? { await self.next(holdingOctets: false) }

    package mutating func next(holdingOctets: Bool) async -> Inbound<Note>? {
        if !holdingOctets, let inbound = self.held.next() { return inbound }
        while let inbound = await self.inbound.next(isolation: #isolation) {
            switch inbound {
            case .octets, .endOfOctets:
                guard !self.isAtEndOfOctets else { continue }
                if case .endOfOctets = inbound { self.isAtEndOfOctets = true }
                guard !holdingOctets else {
                    self.held.append(inbound)
                    continue
                }
                return inbound
            case .note, .shutdown:
                return inbound
            }
        }
        self.held.removeAll()
        return nil
    }

    package func write(_ octets: [UInt8]) async throws { try await self.deliver(octets) }

    package mutating func startTLS(after farewell: [UInt8]) async throws {
        guard let security = self.security, !self.isAtEndOfOctets else { throw NotOffered() }
        self.held.removeAll()
        try await self.deliver(farewell)
        self.peer.security = security
    }

    package var post: @Sendable (Note) -> Void { { [feed] note in feed.yield(.note(note)) } }

    /// The client's end.
    package struct Client: Sendable {
        fileprivate let feed: AsyncStream<Inbound<Note>>.Continuation

        package func send(_ octets: [UInt8]) { if !octets.isEmpty { self.feed.yield(.octets(octets)) } }
        /// Tells the session that the process stops.
        package func shutDown() { self.feed.yield(.shutdown) }
        /// Sends nothing more, and goes on listening; what was sent before is still read and answered.
        ///
        /// The session ends by itself when it has answered. Closing twice is closing once.
        package func close() { self.feed.yield(.endOfOctets) }
        /// Is gone: after what is waiting in its inbox the session gets nil, and no more notes.
        ///
        /// Whoever disconnects lets `deliver` throw from then on.
        package func disconnect() { self.feed.finish() }
    }

    /// TLS was asked for on a pipe that cannot have it, or has it no more.
    package struct NotOffered: Error {}
}
