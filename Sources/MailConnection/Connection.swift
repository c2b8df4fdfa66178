// SPDX-License-Identifier: Apache-2.0

/// Everything that can happen to a session arrives here, in order.
package enum Inbound<Note: Sendable>: Sendable {
    /// A whole read buffer, never empty, never split further by the connection.
    case octets([UInt8])
    /// The peer sends nothing more; it may still read, so what it has asked for is still answered.
    ///
    /// It comes once, behind the last octets; notes go on. A peer that has hung up altogether looks the same until
    /// something is written to it.
    case endOfOctets
    /// What the session, or something it started, posted to itself.
    case note(Note)
    /// The process is about to stop: say farewell and end.
    case shutdown
}

/// One duplex octet stream with a peer: a socket, the HTTP bridge, or a pipe in a test.
///
/// Sessions cannot tell which. A connection belongs to the one task that runs its session; only ``post`` may be called
/// from elsewhere.
package protocol Connection<Note> {
    /// What a session posts to itself: "a command has finished", "a mailbox has changed".
    associatedtype Note: Sendable

    /// Who is at the other end, and how they came.
    var peer: Peer { get }

    /// The next thing to happen; nil when the connection is gone or torn down, and for ever after.
    ///
    /// After nil nothing can be written, and notes are lost. A peer that breaks off ends the connection without an
    /// ``Inbound/endOfOctets``; one that only ends its half does not end the connection: whoever has nothing left to
    /// say then stops by itself.
    ///
    /// - Parameter holdingOctets: leave octets and their end where they are, and tell only of what else happens: what a
    ///   session cannot take yet stays with its peer, so that nobody can fill its memory. What was held comes in its
    ///   order when it is asked for.
    /// - Returns: what has happened.
    /// - Throws: what breaks the connection.
    mutating func next(holdingOctets: Bool) async throws -> Inbound<Note>?

    /// Hands octets to the peer; returns when the transport has taken them, so a slow peer slows its own session only.
    ///
    /// Throws when the peer is gone or took nothing for the transport's write deadline.
    func write(_ octets: [UInt8]) async throws

    /// Says `farewell` in clear text and speaks TLS from the next octet on (RFC 9051 §6.2.1, RFC 3207 §4).
    ///
    /// Whatever the peer sent in clear text behind its STARTTLS is discarded, also what had been read already but not
    /// yet taken with ``next()``; the session empties its own framer. Returns when the handshake is complete and
    /// ``peer`` tells what was agreed; throws when it fails, as it must for a peer that sends nothing more, and the
    /// connection is then of no more use.
    mutating func startTLS(after farewell: [UInt8]) async throws

    /// Says that the peer has logged in: its connection is not ended any more to make room for others.
    func keepPlace()

    /// Puts a note behind what is waiting in the inbox.
    ///
    /// Callable from any task or thread, also after the end.
    var post: @Sendable (Note) -> Void { get }
}

/// Who is asked for TLS has sent something in clear text that must not be taken for a part of what follows: replies put into
/// its mouth.
package protocol InjectedClearText: Error {}

extension Connection {
    /// The next thing to happen, whatever it is.
    package mutating func next() async throws -> Inbound<Note>? { try await self.next(holdingOctets: false) }

    /// Where nobody is ended for others there is nothing to say.
    package func keepPlace() {}
}
