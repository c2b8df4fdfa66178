// SPDX-License-Identifier: Apache-2.0

import IMAPServer
import MailConnection
import Synchronization

/// From the client to the IMAP session.
extension BridgedSession {
    /// Puts a whole body behind what was sent before, or nothing of it.
    ///
    /// The octets of the body stay charged to ``bodies``, now as ``owner``'s, until the session has taken them.
    ///
    /// - Throws: ``HTTPRefusal/closed`` and ``HTTPRefusal/busy``; the body is then not charged any more.
    func send(_ body: Body) throws(HTTPRefusal) {
        let lineEnd: [UInt8] = [0x0D, 0x0A]
        let now = self.time.now()
        let refusal: HTTPRefusal? = self.state.withLock { state in
            guard !state.hasEnded, !state.isAbandoned else { return .closed }
            guard state.waiting <= self.options.waitingLimit else { return .busy }
            let needsLineEnd = state.boundary.needsLineEnd(body.pieces)
            for piece in needsLineEnd ? body.pieces + [lineEnd] : body.pieces {
                state.boundary.append(piece)
                state.waiting += piece.count
                if let pipe = state.pipe { pipe.send(piece) } else { state.early.append(piece) }
            }
            state.lastSend = now
            let more = needsLineEnd ? lineEnd.count : 0
            self.bodies.move(body.count, of: body.owner, to: self.owner, adding: more)
            return nil
        }
        guard let refusal else { return }
        self.bodies.release(body.count, of: body.owner)
        throw refusal
    }

    /// The IMAP session has taken so many octets.
    fileprivate func taken(_ count: Int) {
        let released = self.state.withLock { state in
            let released = min(count, state.waiting)
            state.waiting -= released
            return released
        }
        self.bodies.release(released, of: self.owner)
    }
}

/// The IMAP session's end of a bridged connection: a pipe that tells how much of its input was taken.
struct BridgedConnection: Connection {
    typealias Note = IMAPNote

    private var pipe: PipeConnection<IMAPNote>
    private let session: BridgedSession

    init(pipe: PipeConnection<IMAPNote>, session: BridgedSession) {
        self.pipe = pipe
        self.session = session
    }

    var peer: Peer { self.pipe.peer }

    mutating func next(holdingOctets: Bool) async throws -> Inbound<IMAPNote>? {
        let next = await self.pipe.next(holdingOctets: holdingOctets)
        if case .octets(let octets) = next { self.session.taken(octets.count) }
        return next
    }

    func write(_ octets: [UInt8]) async throws { try await self.pipe.write(octets) }

    mutating func startTLS(after farewell: [UInt8]) async throws { try await self.pipe.startTLS(after: farewell) }

    var post: @Sendable (IMAPNote) -> Void { self.pipe.post }
}
