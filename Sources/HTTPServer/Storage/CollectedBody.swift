// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// The body of a response that goes into another one.
final class CollectedBody: Sendable {
    private let limit: Int
    private let state = Mutex<[UInt8]>([])

    init(limit: Int) { self.limit = limit }

    var octets: [UInt8] { self.state.withLock { $0 } }

    fileprivate func add(_ buffer: ByteBuffer) throws {
        try self.state.withLock { octets in
            guard buffer.readableBytes <= self.limit - octets.count else {
                throw StorageRefusal(.contentTooLarge, "too-big", "The answer is too big to be one of several")
            }
            octets += buffer.readableBytesView
        }
    }
}

/// Writes into a ``CollectedBody``.
struct CollectingWriter: ResponseBodyWriter {
    private let body: CollectedBody

    init(_ body: CollectedBody) { self.body = body }

    mutating func write(_ buffer: ByteBuffer) async throws { try self.body.add(buffer) }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
