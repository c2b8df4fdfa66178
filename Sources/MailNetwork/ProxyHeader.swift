// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The header with which a proxy says whose connection it passes on: the PROXY protocol, version 2 and no other.
///
/// Pure, and bounded: a header is at most ``limit`` octets long, and what stands in it behind the addresses is not looked
/// at.
enum ProxyHeader: Sendable, Equatable {
    /// More octets are needed.
    case incomplete
    /// It is none, or not one for a stream: whoever had to send one did not.
    case malformed
    /// A complete one of so many octets; no client if the proxy speaks for itself, or does not know.
    case complete(length: Int, client: Client?)

    struct Client: Sendable, Equatable {
        /// Numeric.
        let address: String
        let port: Int
    }

    /// The most octets that are read of a header: far more than the addresses need.
    static let limit = 16 + 4096

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// Looks at what has come so far.
    init(_ octets: some Collection<UInt8>) {
        let octets = Array(octets.prefix(Self.limit))
        guard octets.prefix(12).elementsEqual(Self.signature.prefix(octets.count)) else {
            self = .malformed
            return
        }
        guard octets.count >= 16 else {
            self = .incomplete
            return
        }
        let (version, command) = (octets[12] >> 4, octets[12] & 0xF)
        let length = 16 + (Int(octets[14]) << 8 | Int(octets[15]))
        guard version == 2, command <= 1, length <= Self.limit else {
            self = .malformed
            return
        }
        guard octets.count >= length else {
            self = .incomplete
            return
        }
        // LOCAL: the proxy asks for itself, whatever stands behind.
        guard command == 1 else {
            self = .complete(length: length, client: nil)
            return
        }
        switch octets[13] {
        case 0x11: self.init(octets[16..<length], addressLength: 4, length: length)
        case 0x21: self.init(octets[16..<length], addressLength: 16, length: length)
        // Nor of a family that it could not name, or a Unix socket: it must not pass for the proxy's own connection.
        default: self = .malformed
        }
    }

    /// Source and destination address, source and destination port.
    private init(_ octets: ArraySlice<UInt8>, addressLength: Int, length: Int) {
        guard octets.count >= 2 * addressLength + 4 else {
            self = .malformed
            return
        }
        let ports = octets.startIndex + 2 * addressLength
        let port = Int(octets[ports]) << 8 | Int(octets[ports + 1])
        let address = try? SocketAddress(packedIPAddress: ByteBuffer(bytes: octets.prefix(addressLength)), port: port)
        guard let text = address?.ipAddress else {
            self = .malformed
            return
        }
        self = .complete(length: length, client: Client(address: text, port: port))
    }
}
