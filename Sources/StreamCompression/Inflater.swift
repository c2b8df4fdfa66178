// SPDX-License-Identifier: Apache-2.0

import CZlib

/// Takes the compression off what is read from a stream (RFC 1951, without a header), in pieces as large as one asks for.
///
/// A few octets may stand for a thousand times as many: they are taken off only as they are asked for, and a peer whose
/// octets swell beyond what text does is not read on. Belongs to one task; about 40 KiB of memory, and what was appended.
@safe package final class Inflater {
    /// The most octets that one octet may stand for on average.
    ///
    /// Text has three to ten; zeros have a thousand.
    private static let swelling = 100
    /// How much may swell at will.
    private var allowance = 1 << 20

    private let stream: UnsafeMutablePointer<z_stream>
    private var input: [UInt8] = []
    private var position = 0
    private var isDrained = true
    /// The peer has ended its stream: there must be nothing behind it.
    package private(set) var hasEnded = false
    private var octetsIn = 0
    private var octetsOut = 0

    package init() throws(CompressionFailure) {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // 15: any window that a peer may use.
        let result = unsafe inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard result == Z_OK else {
            unsafe stream.deallocate()
            throw .noMemory
        }
        unsafe self.stream = stream
    }

    deinit {
        _ = unsafe inflateEnd(self.stream)
        unsafe self.stream.deallocate()
    }

    /// Whether ``next(limit:)`` may have something.
    package var hasMore: Bool { !self.isDrained }

    /// How many octets that were appended have not been looked at: behind the end of the stream, somebody else's.
    var unread: Int { self.input.count - self.position }

    /// Takes what has been read.
    package func append(_ octets: [UInt8]) {
        guard !octets.isEmpty else { return }
        if self.position == self.input.count {
            (self.input, self.position) = (octets, 0)
        } else {
            self.input.append(contentsOf: octets)
        }
        self.isDrained = false
    }

    /// Lets that many more octets stand for as little as they like.
    package func allow(_ count: Int) {
        let (sum, isTooMuch) = self.allowance.addingReportingOverflow(count)
        self.allowance = isTooMuch ? .max : sum
    }

    /// The next octets, at most `limit`; none if more have to be read first.
    package func next(limit: Int) throws(CompressionFailure) -> [UInt8] {
        guard !self.isDrained, limit > 0 else { return [] }
        guard !self.hasEnded else { throw .damaged }
        var output = [UInt8](repeating: 0, count: limit)
        var result = Z_OK
        let (start, available) = (self.position, self.input.count - self.position)
        var (consumed, produced) = (0, 0)
        unsafe self.input.withUnsafeMutableBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe self.stream.pointee.next_in = source.baseAddress.map { unsafe $0 + start }
                unsafe self.stream.pointee.avail_in = UInt32(available)
                unsafe self.stream.pointee.next_out = target.baseAddress
                unsafe self.stream.pointee.avail_out = UInt32(limit)
                result = unsafe inflate(self.stream, Z_SYNC_FLUSH)
                consumed = unsafe available - Int(self.stream.pointee.avail_in)
                produced = unsafe limit - Int(self.stream.pointee.avail_out)
                unsafe self.stream.pointee.next_in = nil
                unsafe self.stream.pointee.next_out = nil
            }
        }
        // Z_BUF_ERROR: nothing to be done without more octets.
        guard result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END else { throw .damaged }
        self.position += consumed
        if result == Z_STREAM_END { self.hasEnded = true }
        if self.position == self.input.count { (self.input, self.position) = ([], 0) }
        self.octetsIn += consumed
        self.octetsOut += produced
        guard self.octetsOut - self.allowance <= self.octetsIn * Self.swelling else { throw .swollen }
        // Whatever left room has nothing more to give; what is behind the end is to be complained of.
        self.isDrained = self.hasEnded ? self.input.isEmpty : produced < limit
        output.removeLast(limit - produced)
        return output
    }
}

/// Why a stream cannot be compressed or read on.
package enum CompressionFailure: Error, Hashable, Sendable {
    case noMemory
    /// The octets are not what RFC 1951 describes.
    case damaged
    /// The octets stand for far more than text would.
    case swollen
}
