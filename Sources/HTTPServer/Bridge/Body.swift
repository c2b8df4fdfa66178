// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Synchronization

/// A request's body, complete.
struct Body: Sendable {
    /// The octets in order; each piece but the last has about ``pieceSize``.
    private(set) var pieces: [[UInt8]] = []
    private(set) var count = 0

    private static let pieceSize = 64 * 1024

    init() {}

    var isEmpty: Bool { self.count == 0 }

    /// The octets in one array.
    var octets: [UInt8] { self.pieces.count == 1 ? self.pieces[0] : Array(self.pieces.joined()) }

    /// Reads a whole body, or throws; charges `budget` with its octets, which whoever uses them releases.
    ///
    /// - Throws: ``HTTPRefusal/tooBig``; ``HTTPRefusal/busy`` when too many bodies are arriving;
    ///   ``HTTPRefusal/badBody`` when the connection breaks within it.
    static func read(_ request: Request, limit: Int, budget: BodyBudget) async throws -> Body {
        let announced = request.headers[.contentLength].flatMap(Int.init)
        if let announced, announced > limit { throw HTTPRefusal.tooBig }
        var body = Body()
        do {
            for try await buffer in request.body {
                guard budget.reserve(buffer.readableBytes) else { throw HTTPRefusal.busy }
                body.append(Array(buffer.readableBytesView))
                guard body.count <= limit else { throw HTTPRefusal.tooBig }
            }
            // A connection that ends where a body should go on is no end of the body.
            guard announced == nil || announced == body.count else { throw HTTPRefusal.badBody }
        } catch {
            budget.release(body.count)
            throw error is HTTPRefusal ? error : HTTPRefusal.badBody
        }
        return body
    }

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

/// How many octets of bodies are in memory, of all that there may be.
final class BodyBudget: Sendable {
    private let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    /// Charges octets, unless there are too many.
    func reserve(_ count: Int) -> Bool {
        guard self.used.add(count, ordering: .relaxed).newValue > self.limit else { return true }
        self.used.subtract(count, ordering: .relaxed)
        return false
    }

    /// Charges a few octets more.
    func charge(_ count: Int) { self.used.add(count, ordering: .relaxed) }

    func release(_ count: Int) { self.used.subtract(count, ordering: .relaxed) }

    /// Octets charged now.
    var usedCount: Int { self.used.load(ordering: .relaxed) }
}
