// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The text form of IP addresses.
enum IPAddress {
    /// The address in the RDATA of an A or AAAA record; nil if it has another length.
    static func text(rdata: [UInt8]) -> String? {
        guard rdata.count == 4 || rdata.count == 16 else { return nil }
        return try? SocketAddress(packedIPAddress: ByteBuffer(bytes: rdata), port: 0).ipAddress
    }
}
