// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Synchronization

/// A connection's place among those that are served at the same time, as its own event loop and the listener's see it.
final class Place: Sendable {
    private let activity: Atomic<UInt64>
    private let kept = Atomic(false)

    init(since now: NIODeadline) {
        self.activity = Atomic(now.uptimeNanoseconds)
    }

    /// When the client last sent something, or connected.
    var lastActivity: NIODeadline { .uptimeNanoseconds(self.activity.load(ordering: .relaxed)) }

    /// Whether the client has logged in.
    var isKept: Bool { self.kept.load(ordering: .relaxed) }

    func noteActivity(at now: NIODeadline) { self.activity.store(now.uptimeNanoseconds, ordering: .relaxed) }

    func keep() { self.kept.store(true, ordering: .relaxed) }
}

/// What a connection's pipeline hears when its client has logged in.
struct PlaceKept: Sendable {}

/// Notes when the client of a connection was last active, until it has logged in.
///
/// It goes then: a client that idles for a day costs nothing for it.
final class PlaceHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let place: Place

    init(_ place: Place) {
        self.place = place
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.place.noteActivity(at: .now())
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is PlaceKept else { return context.triggerUserOutboundEvent(event, promise: promise) }
        self.place.keep()
        promise?.succeed()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }
}
