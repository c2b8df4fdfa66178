// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization

/// What comes into the inbox of a socket's session, in order.
enum SocketEvent<Note: Sendable>: Sendable {
    /// One read buffer, in clear text or deciphered.
    case octets([UInt8])
    /// The peer has closed its half: by a close_notify, or of the socket.
    case endOfOctets
    case note(Note)
    case shutdown
    /// The proxy's header has come.
    case proxied(ProxiedPeer)
    /// TLS is established: what stands before it came in clear text, what follows was deciphered.
    case secured(Peer.Security)
    /// Why the connection ends; nothing but the end of the inbox follows from the socket.
    case failed(any Error)
}

/// The inbox of one connection: its event loop and whoever posts notes put in, its session takes out.
struct SocketInbox<Note: Sendable>: Sendable {
    let events: AsyncStream<SocketEvent<Note>>
    let feed: AsyncStream<SocketEvent<Note>>.Continuation
    let readAhead: ReadAhead

    init() {
        (self.events, self.feed) = AsyncStream.makeStream(of: SocketEvent<Note>.self)
        self.readAhead = ReadAhead()
    }
}

/// Counts the read buffers that wait in an inbox, so that a socket is read only a little faster than its session works.
///
/// The event loop adds, the session's task takes. Whoever takes a buffer out of a full inbox has to ask for the next one;
/// as long as the session keeps up, the socket stays registered for reading, which saves two system calls a buffer.
final class ReadAhead: Sendable {
    /// One buffer that the session is about to take, and one ahead.
    private static let limit = 2

    private let waiting = Atomic(0)

    /// A buffer goes into the inbox.
    func added() { self.waiting.add(1, ordering: .acquiringAndReleasing) }

    /// Whether another buffer may be read now.
    var hasRoom: Bool { self.waiting.load(ordering: .acquiring) < Self.limit }

    /// A buffer was taken out of the inbox.
    ///
    /// - Returns: whether reading had stopped and must be asked for.
    func taken() -> Bool {
        self.waiting.subtract(1, ordering: .acquiringAndReleasing).oldValue >= Self.limit
    }
}
