// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import Synchronization

/// A request's body, complete.
struct Body: Sendable {
    /// Who sent it, and is charged for it: a counting key.
    let owner: [UInt8]
    /// The octets in order; each piece but the last has about ``pieceSize``.
    private(set) var pieces: [[UInt8]] = []
    private(set) var count = 0

    private static let pieceSize = 64 * 1024

    init(owner: [UInt8]) {
        self.owner = owner
    }

    var isEmpty: Bool { self.count == 0 }

    /// The octets in one array.
    var octets: [UInt8] { self.pieces.count == 1 ? self.pieces[0] : Array(self.pieces.joined()) }

    /// Adds octets, in pieces that are neither many nor large, however they came.
    mutating func append(_ octets: [UInt8]) {
        guard !octets.isEmpty else { return }
        self.count += octets.count
        if let last = self.pieces.indices.last, self.pieces[last].count + octets.count <= Self.pieceSize {
            self.pieces[last] += octets
        } else {
            self.pieces.append(octets)
        }
    }
}

extension BridgeService {
    /// How much of a body has come.
    private final class Arrival: Sendable {
        let count = Atomic<Int>(0)
    }

    /// Reads a whole body of at most `limit` octets, or throws; charges ``bodies`` with its octets, which whoever uses
    /// them releases.
    ///
    /// - Throws: ``HTTPRefusal/tooBig``; ``HTTPRefusal/busy`` when too many bodies are arriving;
    ///   ``HTTPRefusal/badBody`` when the connection breaks within it; ``HTTPRefusal/tooSlow`` when it only trickles in.
    func body(of request: Request, from client: HTTPClient, limit: Int) async throws -> Body {
        let announced = request.headers[.contentLength].flatMap(Int.init)
        if let announced, announced > limit { throw HTTPRefusal.tooBig }
        let (arrival, start) = (Arrival(), self.time.now())
        return try await withThrowingTaskGroup(of: Body.self) { group in
            group.addTask { try await self.collect(request, from: client, limit: limit, arrival) }
            group.addTask { try await self.watch(arrival, from: start) }
            let first = await group.nextResult()
            group.cancelAll()
            if case .failure = first {
                // The rest may have come just then.
                while let other = await group.nextResult() {
                    if case .success(let body) = other { self.bodies.release(body.count, of: body.owner) }
                }
            }
            guard let body = try first?.get() else { throw HTTPRefusal.badBody }
            return body
        }
    }

    /// Makes sure that there is no body where none can mean anything.
    func expectNoBody(of request: Request, from client: HTTPClient) async throws {
        do {
            _ = try await self.body(of: request, from: client, limit: 0)
        } catch let refusal as HTTPRefusal where refusal == .tooBig {
            throw HTTPRefusal.badBody
        }
    }

    private func collect(
        _ request: Request,
        from client: HTTPClient,
        limit: Int,
        _ arrival: Arrival
    ) async throws -> Body {
        var body = Body(owner: client.address.countingKey)
        do {
            for try await buffer in request.body {
                let count = buffer.readableBytes
                guard self.bodies.reserve(count, of: body.count + count, for: body.owner) else {
                    throw HTTPRefusal.busy
                }
                body.append(Array(buffer.readableBytesView))
                guard body.count <= limit else { throw HTTPRefusal.tooBig }
                arrival.count.store(body.count, ordering: .relaxed)
            }
            // A connection that ends where a body should go on is no end of the body.
            try Task.checkCancellation()
            let announced = request.headers[.contentLength].flatMap(Int.init)
            guard announced == nil || announced == body.count else { throw HTTPRefusal.badBody }
        } catch {
            self.bodies.release(body.count, of: body.owner)
            throw error is HTTPRefusal || error is CancellationError ? error : HTTPRefusal.badBody
        }
        return body
    }

    /// Throws when the body does not make progress: what has come of it is kept in memory.
    private func watch(_ arrival: Arrival, from start: Duration) async throws -> Never {
        var (deadline, known) = (start, 0)
        while true {
            deadline += self.options.bodyInterval
            try await self.time.sleep(deadline)
            let count = arrival.count.load(ordering: .relaxed)
            guard count - known >= self.options.bodyProgress else { throw HTTPRefusal.tooSlow }
            known = count
        }
    }
}
