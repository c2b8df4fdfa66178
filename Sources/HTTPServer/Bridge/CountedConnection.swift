// SPDX-License-Identifier: Apache-2.0

import MailConnection

/// A session's end of a bridged connection: a pipe that tells how much of its input was taken.
struct CountedConnection<Note: Sendable>: Connection {
    private var pipe: PipeConnection<Note>
    private let taken: @Sendable (_ count: Int) -> Void

    init(_ pipe: PipeConnection<Note>, taken: @escaping @Sendable (_ count: Int) -> Void) {
        self.pipe = pipe
        self.taken = taken
    }

    var peer: Peer { self.pipe.peer }

    mutating func next(holdingOctets: Bool) async throws -> Inbound<Note>? {
        let next = await self.pipe.next(holdingOctets: holdingOctets)
        if case .octets(let octets) = next { self.taken(octets.count) }
        return next
    }

    func write(_ octets: [UInt8]) async throws { try await self.pipe.write(octets) }

    mutating func startTLS(after farewell: [UInt8]) async throws { try await self.pipe.startTLS(after: farewell) }

    var post: @Sendable (Note) -> Void { self.pipe.post }
}
