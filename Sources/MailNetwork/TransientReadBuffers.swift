// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Gives each read of a socket a buffer of its own, so that an idle connection holds none.
///
/// NIO would reuse a buffer, and keep it for that as long as the connection lives: 4 KiB after the first command, 64 KiB
/// after the first long message, of each client that idles for a day. A read is copied into the session's inbox in any
/// case, and making a buffer costs next to nothing against the system call that fills it.
///
/// NIO keeps the first one nevertheless, whatever one says, so that is a small one.
struct TransientReadBuffers: RecvByteBufferAllocator {
    /// Room of the buffer that is kept: for the commands before TLS.
    static let firstSize = 128

    /// Decides about the sizes: as much as was last needed.
    private var sizes = AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 65536)
    private var hasRead = false

    func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
        self.hasRead ? self.sizes.buffer(allocator: allocator) : allocator.buffer(capacity: Self.firstSize)
    }

    /// Nil: NIO need not look whether a buffer that it has is large enough.
    func nextBufferSize() -> Int? { nil }

    /// - Returns: true, which is to say that the last buffer will not do for the next read.
    mutating func record(actualReadBytes: Int) -> Bool {
        if self.hasRead { _ = self.sizes.record(actualReadBytes: actualReadBytes) }
        self.hasRead = true
        return true
    }
}
