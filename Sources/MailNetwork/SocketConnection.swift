// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

/// A ``Connection`` over a socket, in either role.
///
/// It belongs to the task that was given it by ``MailChannel`` or ``Connector``, and ends with it.
package struct SocketConnection<Note: Sendable>: Connection {
    package private(set) var peer: Peer
    private let channel: any Channel
    private let role: TLSRole?
    private let deadlines: SocketDeadlines
    private let feed: AsyncStream<SocketEvent<Note>>.Continuation
    private let readAhead: ReadAhead
    private var events: AsyncStream<SocketEvent<Note>>.Iterator
    /// Notes that came while a handshake was waited for; the first is the last.
    private var notes: [Inbound<Note>] = []
    /// Octets that the session would not take yet: no more than are read ahead, for they count as waiting in the inbox.
    private(set) var held = HeldInput<Note>()
    /// The peer has closed its half, so no handshake can begin.
    private var isAtEndOfOctets = false

    init(_ socket: MailSocket<Note>) {
        self.peer = socket.peer
        self.channel = socket.channel
        self.role = socket.role
        self.deadlines = socket.deadlines
        self.feed = socket.inbox.feed
        self.readAhead = socket.inbox.readAhead
        self.events = socket.inbox.events.makeAsyncIterator()
    }

    /// The next thing to happen; nil when the socket is closed (reset by the peer, stalled, at the drain deadline), or
    /// the task is cancelled.
    ///
    /// ``Inbound/endOfOctets`` comes when the peer has closed its half, or both: only the answer to a write can tell
    /// which, and then nil follows.
    package mutating func next(holdingOctets: Bool) async throws -> Inbound<Note>? {
        if let note = self.notes.popLast() { return note }
        if !holdingOctets, let inbound = self.held.next() {
            if case .octets = inbound { self.readOn() }
            return inbound
        }
        while let event = await self.events.next(isolation: #isolation) {
            switch event {
            case .octets(let octets):
                guard !holdingOctets else {
                    self.held.append(.octets(octets))
                    continue
                }
                self.readOn()
                return .octets(octets)
            case .endOfOctets:
                self.isAtEndOfOctets = true
                guard !holdingOctets else {
                    self.held.append(.endOfOctets)
                    continue
                }
                return .endOfOctets
            case .note(let note):
                return .note(note)
            case .shutdown:
                return .shutdown
            case .secured, .proxied, .failed:
                continue
            }
        }
        self.held.removeAll()
        return nil
    }

    /// A buffer has been taken: another may be read.
    private func readOn() { if self.readAhead.taken() { self.channel.read() } }

    /// Writes octets, and returns when the kernel has taken them all.
    ///
    /// Throws ``PeerStalled`` when that took longer than the write deadline, and NIO's errors when the peer is gone.
    package func write(_ octets: [UInt8]) async throws {
        guard !octets.isEmpty else { return }
        try await self.channel.writeAndFlush(ByteBuffer(bytes: octets)).get()
    }

    /// Turns TLS on, as server or as client: see ``Connection/startTLS(after:)``.
    ///
    /// A client says nothing first, for its STARTTLS and the reply to it have already passed: `farewell` may be empty.
    /// A server's clear text behind that reply is an attack (or a very confused server) and ends the connection.
    ///
    /// - Throws: ``TLSNotOffered``; ``PeerGone`` when the peer sends nothing more; ``ClearTextBehindSTARTTLS``
    ///   (clients); ``HandshakeBelated``; `TLSFailure`.
    package mutating func startTLS(after farewell: [UInt8]) async throws {
        guard let role = self.role, self.peer.security == nil else { throw TLSNotOffered() }
        guard !self.isAtEndOfOctets else { throw PeerGone() }
        while self.held.next() != nil {
            _ = self.readAhead.taken()
            if role.isClient {
                self.channel.close(promise: nil)
                throw ClearTextBehindSTARTTLS()
            }
        }
        let channel = self.channel
        let deadlines = self.deadlines
        // One step on the event loop: nothing can be read between the farewell and the handler.
        try await channel.eventLoop.submit {
            let handler = TLSHandler(try role.makeSession(), patience: deadlines.handshake)
            if !farewell.isEmpty { channel.writeAndFlush(ByteBuffer(bytes: farewell), promise: nil) }
            try channel.pipeline.syncOperations.addHandler(handler, position: .first)
        }.get()
        try await self.awaitSecurity(refusingClearText: role.isClient)
    }

    /// Returns when the proxy has said whose connection it is; nothing else has come before.
    mutating func awaitPeer() async throws {
        var failure: any Error = PeerGone()
        while let event = await self.events.next(isolation: #isolation) {
            switch event {
            case .proxied(let told):
                if let peer = told.peer { self.peer = peer }
                return
            case .note(let note): self.notes.insert(.note(note), at: 0)
            case .shutdown: self.notes.insert(.shutdown, at: 0)
            case .failed(let error): failure = error
            case .octets, .endOfOctets, .secured: continue
            }
        }
        throw failure
    }

    /// Returns when TLS is established.
    ///
    /// Octets before that came in clear text and are thrown away; notes are kept.
    mutating func awaitSecurity(refusingClearText: Bool = false) async throws {
        var failure: any Error = PeerGone()
        var notes: [Inbound<Note>] = []
        while let event = await self.events.next(isolation: #isolation) {
            switch event {
            case .octets:
                _ = self.readAhead.taken()
                if refusingClearText {
                    self.channel.close(promise: nil)
                    throw ClearTextBehindSTARTTLS()
                }
            case .endOfOctets:
                // In clear text, before the handshake could begin. What the handshake has to say of it comes as a failure.
                self.isAtEndOfOctets = true
                self.channel.close(promise: nil)
                throw failure
            case .note(let note):
                notes.append(.note(note))
            case .shutdown:
                notes.append(.shutdown)
            case .proxied:
                continue
            case .failed(let error):
                failure = error
            case .secured(let security):
                self.peer.security = security
                notes.reverse()
                self.notes = notes + self.notes
                return
            }
        }
        throw failure
    }

    package func keepPlace() { self.channel.triggerUserOutboundEvent(PlaceKept(), promise: nil) }

    package var post: @Sendable (Note) -> Void { { [feed] note in feed.yield(.note(note)) } }
}

/// TLS was asked for where there is none, or a second time.
package struct TLSNotOffered: Error, Equatable, CustomStringConvertible {
    package var description: String { "there is no TLS on this connection, or there is already" }
}

/// A server sent clear text between its reply to STARTTLS and the handshake (response injection).
package struct ClearTextBehindSTARTTLS: InjectedClearText, Equatable, CustomStringConvertible {
    package var description: String { "clear text came where the handshake was to begin" }
}

/// The peer hung up before the session could begin, or TLS be established.
package struct PeerGone: Error, Equatable, CustomStringConvertible {
    package var description: String { "the other side hung up" }
}
