// SPDX-License-Identifier: Apache-2.0

import CSystemd  // Its header brings <sys/socket.h>, whose enumerators Swift finds only with it.
import Glibc

/// Where this machine itself is reached at a port: the addresses that listening sockets are bound to.
///
/// For sockets that are bound to no address in particular these are all that the machine has.
package struct ListeningAddresses: Sendable {
    private var bound: Set<String> = []
    /// The families of which every address counts.
    private var families: Set<CInt> = []

    /// Looks at those of the sockets that listen on the port; all others, Unix sockets too, do not matter.
    package init(of descriptors: [CInt], port: Int) {
        for descriptor in descriptors where ListeningSocket.port(of: descriptor) == port {
            guard let (family, octets) = Self.address(of: descriptor) else { continue }
            if octets.contains(where: { $0 != 0 }) {
                if let text = IPAddress.text(rdata: octets) { self.bound.insert(text) }
            } else {
                self.families.insert(family)
                if family == AF_INET6, !Self.isIPv6Only(descriptor) { self.families.insert(AF_INET) }
            }
        }
    }

    /// The numeric addresses at this moment: interfaces get and lose theirs while we run.
    package var current: Set<String> {
        self.families.isEmpty ? self.bound : self.bound.union(Self.ofInterfaces(self.families))
    }

    private static func address(of descriptor: CInt) -> (family: CInt, octets: [UInt8])? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { raw in
            guard
                let base = raw.baseAddress,
                unsafe getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length) == 0
            else { return nil }
            return unsafe Self.address(in: UnsafeRawBufferPointer(raw))
        }
    }

    /// The address in a `sockaddr_in` or `sockaddr_in6`.
    private static func address(in raw: UnsafeRawBufferPointer) -> (family: CInt, octets: [UInt8])? {
        let family = unsafe CInt(raw.load(as: sa_family_t.self))
        switch family {
        case AF_INET: return unsafe (family, Array(raw[4..<8]))
        case AF_INET6: return unsafe (family, Array(raw[8..<24]))
        default: return nil
        }
    }

    private static func isIPv6Only(_ descriptor: CInt) -> Bool {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return unsafe getsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &value, &length) == 0 && value != 0
    }

    private static func ofInterfaces(_ families: Set<CInt>) -> Set<String> {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var addresses: Set<String> = []
        var next = unsafe list
        while let entry = unsafe next?.pointee {
            unsafe next = entry.ifa_next
            guard let address = unsafe entry.ifa_addr else { continue }
            // Long enough for its family, whichever it is.
            let raw = unsafe UnsafeRawBufferPointer(start: address, count: MemoryLayout<sockaddr_in6>.size)
            guard let (family, octets) = unsafe Self.address(in: raw), families.contains(family) else { continue }
            if let text = IPAddress.text(rdata: octets) { addresses.insert(text) }
        }
        return addresses
    }
}
