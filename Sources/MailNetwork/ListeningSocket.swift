// SPDX-License-Identifier: Apache-2.0

import CSystemd  // Its header brings <sys/socket.h>, whose enumerators Swift finds only with it.
import Glibc

/// Listening sockets of our own making, for when systemd does not pass any.
package enum ListeningSocket {
    /// How many connections may wait to be accepted; the kernel takes the smaller of this and its own limit.
    static let backlog: CInt = 4096

    /// Opens listening sockets on every address of a host.
    ///
    /// A socket of IPv6 takes IPv6 only, so that `::` and `0.0.0.0` can be open side by side.
    ///
    /// - Parameters:
    ///   - host: a numeric address, or a name the system resolves (`localhost` gives two sockets where there is IPv6).
    ///   - port: 0 to 65535; with 0 the kernel chooses, for each address another.
    /// - Returns: at least one descriptor; the caller owns them.
    /// - Throws: ``ListeningSocketError``: `port 1143 is in use: Address already in use`.
    package static func bind(host: String, port: Int) throws(ListeningSocketError) -> [CInt] {
        guard UInt16(exactly: port) != nil else {
            throw ListeningSocketError("port \(port) is not a number from 0 to 65535")
        }
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = AF_UNSPEC
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, String(port), &hints, &found)
        guard status == 0 else {
            throw unsafe ListeningSocketError(
                "\(host) is not an address of this host: \(String(cString: gai_strerror(status)))"
            )
        }
        defer { unsafe freeaddrinfo(found) }

        var descriptors: [CInt] = []
        var next = unsafe found
        while let entry = unsafe next {
            do throws(ListeningSocketError) {
                descriptors.append(try unsafe Self.open(entry.pointee, host: host, port: port))
            } catch {
                for descriptor in descriptors { Glibc.close(descriptor) }
                throw error
            }
            unsafe next = entry.pointee.ai_next
        }
        return descriptors
    }

    /// The port a socket listens on; nil if it has none, as a Unix socket.
    package static func port(of descriptor: CInt) -> Int? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutableBytes(of: &storage) { raw -> Int? in
            guard
                let base = raw.baseAddress,
                unsafe getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length) == 0
            else { return nil }
            // The port stands at the same place for both families.
            switch CInt(unsafe raw.load(as: sa_family_t.self)) {
            case AF_INET, AF_INET6:
                return unsafe Int(UInt16(bigEndian: raw.load(fromByteOffset: 2, as: UInt16.self)))
            default:
                return nil
            }
        }
    }

    private static func open(
        _ address: addrinfo,
        host: String,
        port: Int
    ) throws(ListeningSocketError) -> CInt {
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = unsafe socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else {
            throw ListeningSocketError("no socket can be opened for \(host)", code: errno)
        }
        var one: CInt = 1
        let size = socklen_t(MemoryLayout<CInt>.size)
        // Without it, a restart would have to wait until the last connections of the former process are forgotten.
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
        if unsafe address.ai_family == AF_INET6 {
            unsafe setsockopt(descriptor, CInt(IPPROTO_IPV6), IPV6_V6ONLY, &one, size)
        }
        guard
            unsafe Glibc.bind(descriptor, address.ai_addr, address.ai_addrlen) == 0,
            listen(descriptor, Self.backlog) == 0
        else {
            let code = errno
            Glibc.close(descriptor)
            switch code {
            case EADDRINUSE: throw ListeningSocketError("port \(port) is in use", code: code)
            case EACCES: throw ListeningSocketError("port \(port) is reserved for privileged processes", code: code)
            case EADDRNOTAVAIL: throw ListeningSocketError("\(host) is not an address of this host", code: code)
            default: throw ListeningSocketError("\(host) port \(port) cannot be listened on", code: code)
            }
        }
        return descriptor
    }
}
