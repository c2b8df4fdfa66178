// SPDX-License-Identifier: Apache-2.0

import CZlib

/// Compresses what is written to a stream, block by block (RFC 1951, without a header).
///
/// A block knows nothing of those before it, and ends with an octet: so the length of one tells nothing about what was
/// in another, and whoever reads it has all of it. Belongs to one task; about 32 KiB of memory.
@safe package final class Deflater {
    /// 4 KiB of window: more would help only within one block.
    private static let windowBits: Int32 = 12
    private static let memoryLevel: Int32 = 5
    private static let pieceSize = 16384

    private let stream: UnsafeMutablePointer<z_stream>

    package init() throws(CompressionFailure) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Negative: neither header nor checksum (RFC 4978 §4).
        let result = unsafe deflateInit2_(
            stream,
            Z_BEST_SPEED,
            Z_DEFLATED,
            -Self.windowBits,
            Self.memoryLevel,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard result == Z_OK else {
            unsafe stream.deallocate()
            throw .noMemory
        }
        unsafe self.stream = stream
    }

    deinit {
        _ = unsafe deflateEnd(self.stream)
        unsafe self.stream.deallocate()
    }

    /// A block, compressed; nothing is kept back.
    package func compress(_ block: [UInt8]) -> [UInt8] {
        guard !block.isEmpty else { return [] }
        var (block, piece) = (block, [UInt8](repeating: 0, count: Self.pieceSize))
        var output: [UInt8] = []
        unsafe block.withUnsafeMutableBufferPointer { source in
            unsafe self.stream.pointee.next_in = source.baseAddress
            unsafe self.stream.pointee.avail_in = UInt32(source.count)
            var isFull = true
            while isFull {
                let produced = unsafe piece.withUnsafeMutableBufferPointer { target in
                    unsafe self.stream.pointee.next_out = target.baseAddress
                    unsafe self.stream.pointee.avail_out = UInt32(target.count)
                    // The full flush forgets the block, so that none is compressed with the help of another.
                    _ = unsafe deflate(self.stream, Z_FULL_FLUSH)
                    return unsafe target.count - Int(self.stream.pointee.avail_out)
                }
                output += piece[..<produced]
                isFull = produced == piece.count
            }
            unsafe self.stream.pointee.next_in = nil
            unsafe self.stream.pointee.next_out = nil
        }
        return output
    }
}
