// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import MailNetwork

@Suite struct TransientReadBuffersTests {
    /// What a channel does for each read that brings so many octets.
    private static func read(
        _ count: Int,
        _ pool: inout NIOPooledRecvBufferAllocator
    ) -> (buffer: ByteBuffer, read: Int) {
        let (buffer, read) = pool.buffer(allocator: ByteBufferAllocator()) { buffer in
            let read = min(count, buffer.writableBytes)
            buffer.writeRepeatingByte(0, count: read)
            return read
        }
        pool.record(actualReadBytes: read)
        return (buffer, read)
    }

    @Test("the connection keeps one small buffer, whatever it has read")
    func nothingIsKept() {
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: TransientReadBuffers())
        #expect(Self.read(1 << 20, &pool).read == TransientReadBuffers.firstSize)
        for _ in 0..<10 {
            var (buffer, _) = Self.read(1 << 20, &pool)
            // Nobody else has it: it goes with this reference.
            #expect(buffer.modifyIfUniquelyOwned { _ in true } == true)
        }
        #expect(pool.count == 1)
    }

    @Test("buffers grow with what comes, up to 64 KiB, and shrink again")
    func sizes() {
        var pool = NIOPooledRecvBufferAllocator(capacity: 1, recvAllocator: TransientReadBuffers())
        _ = Self.read(1 << 20, &pool)
        #expect((0..<6).map { _ in Self.read(1 << 20, &pool).read } == [4096, 8192, 16384, 32768, 65536, 65536])
        for _ in 0..<20 { _ = Self.read(10, &pool) }
        #expect(Self.read(1 << 20, &pool).read == 1024)
    }
}
