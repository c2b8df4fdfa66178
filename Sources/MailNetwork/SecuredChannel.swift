// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HummingbirdCore
import Logging
import NIOCore

/// Any child channel behind implicit TLS: HTTPS is `SecuredChannel(HTTP1Channel(…))`.
package struct SecuredChannel<Base: ServerChildChannel>: ServerChildChannel {
    private let base: Base
    private let context: TLSServerContextSource
    private let deadlines: SocketDeadlines

    package init(
        _ base: Base,
        context: @escaping TLSServerContextSource,
        deadlines: SocketDeadlines = SocketDeadlines()
    ) {
        self.base = base
        self.context = context
        self.deadlines = deadlines
    }

    package func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            let session = try TLSSession(self.context())
            try channel.pipeline.syncOperations.addHandler(TLSHandler(session, patience: self.deadlines.handshake))
        }.flatMap {
            self.base.setup(channel: channel, logger: logger)
        }
    }

    package func handle(value: Base.Value, logger: Logger) async {
        await self.base.handle(value: value, logger: logger)
    }
}
