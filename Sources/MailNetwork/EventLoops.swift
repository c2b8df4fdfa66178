// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

/// The threads everything but the store and the name service runs on.
package enum EventLoops {
    /// Lets Swift's tasks run on NIO's event loops, so that a session and its socket share a thread.
    ///
    /// A round trip then needs no thread to be woken. In return a task must never block: it would block the sockets of
    /// its thread. To be called once, on the main thread, before anything else has started a task.
    ///
    /// - Returns: false where the Swift runtime does not allow it; tasks then run on Swift's own threads, more slowly.
    @discardableResult
    package static func installAsGlobalExecutor() -> Bool {
        NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()
    }
}
