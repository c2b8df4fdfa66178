// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import NIOCore

/// Lets a listening socket rest while the process has no descriptor left for another connection.
///
/// The socket stays readable then, and accepting fails at once: without a pause that is a busy loop.
final class DescriptorShortage: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private static let pause = TimeAmount.milliseconds(500)

    private let logger: Logger
    private var isResting = false
    /// One warning for each shortage, however long it lasts.
    private var hasWarned = false

    init(logger: Logger) {
        self.logger = logger
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.hasWarned = false
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let shortages = [EMFILE, ENFILE, ENOBUFS, ENOMEM]
        guard let failure = error as? IOError, shortages.contains(failure.errnoCode) else {
            context.fireErrorCaught(error)
            return
        }
        guard !self.isResting else { return }
        self.isResting = true
        if !self.hasWarned {
            self.hasWarned = true
            self.logger.warning("no descriptor is left for new connections", metadata: ["error": "\(failure)"])
        }
        let channel = context.channel
        _ = channel.setOption(.autoRead, value: false)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isResting = false
            _ = channel.setOption(.autoRead, value: true)
        }
    }
}
