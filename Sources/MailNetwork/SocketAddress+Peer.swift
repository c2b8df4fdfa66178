// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore

extension Peer {
    /// The peer at the other end of a channel, without TLS; nil if the peer has gone already.
    ///
    /// An IPv4 address that came through a socket of IPv6 (`::ffff:192.0.2.1`) is shown as IPv4. A Unix socket counts as
    /// the loopback address: only this machine can be at its other end. A socket that cannot tell whose it is (the peer
    /// reset the connection before it was accepted) gets no such trust.
    init?(of channel: any Channel) {
        switch (channel.remoteAddress, channel.localAddress) {
        case (.unixDomainSocket?, _), (nil, .unixDomainSocket?):
            self.init(address: "127.0.0.1", isLoopback: true)
        case (let address?, _):
            self.init(socketAddress: address)
        case (nil, _):
            return nil
        }
    }

    /// The peer at an IP address, without TLS; nil for other addresses.
    init?(socketAddress: SocketAddress) {
        guard let address = socketAddress.ipAddress else { return nil }
        let mapped = "::ffff:"
        let isMapped = address.hasPrefix(mapped) && address.utf8.contains(UInt8(ascii: "."))
        let shown = isMapped ? String(address.dropFirst(mapped.count)) : address
        self.init(
            address: shown,
            port: socketAddress.port ?? 0,
            isLoopback: shown == "::1" || shown.hasPrefix("127.") && !shown.utf8.contains(UInt8(ascii: ":"))
        )
    }
}

/// What counts as one address when connections are counted: an IPv4 address, or the /64 of an IPv6 address, of which
/// any customer has as many as he likes.
struct AddressKey: Hashable, Sendable {
    private let octets: [UInt8]

    /// Nil for sockets without an IP address.
    init?(_ address: SocketAddress?) {
        switch address {
        case .v4(let address):
            // In both families the address follows what is of fixed length: family, port, flow label.
            self.octets = Self.octets(of: .v4(address), in: 4..<8)
        case .v6(let address):
            let octets = Self.octets(of: .v6(address), in: 8..<24)
            let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            self.octets = Array(octets.starts(with: mappedPrefix) ? octets.dropFirst(12) : octets.prefix(8))
        case .unixDomainSocket, nil:
            return nil
        }
    }

    /// That of a numeric address; nil if it is none.
    init?(text: String) { self.init(try? SocketAddress(ipAddress: text, port: 0)) }

    private static func octets(of address: SocketAddress, in range: Range<Int>) -> [UInt8] {
        unsafe address.withSockAddr { pointer, size in
            let raw = unsafe UnsafeRawBufferPointer(start: pointer, count: size)
            return unsafe Array(raw[range.clamped(to: 0..<size)])
        }
    }
}
