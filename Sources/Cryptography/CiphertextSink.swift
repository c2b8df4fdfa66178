// SPDX-License-Identifier: Apache-2.0

/// A growable buffer that takes what a ``TLSSession`` wants to send.
///
/// OpenSSL writes straight into it. The caller owns it and sends its contents after each call, so that an idle session
/// holds no buffer. For NIO's `ByteBuffer` the requirement is its
/// `writeWithUnsafeMutableBytes(minimumWritableBytes:_:)`.
package protocol CiphertextSink {
    /// Makes room behind the octets written so far, lets `body` write from the start of that room, and keeps as many
    /// octets as `body` returns.
    ///
    /// - Parameters:
    ///   - minimumRoom: at least 1; the room must not be smaller.
    ///   - body: writes octets and returns how many, between 0 and the room's count. Called exactly once.
    mutating func append(minimumRoom: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int)
}
