// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Where a Unix socket is in the file system, as system calls want it.
package enum UnixAddress {
    /// Calls `body` with the address of `path`; nil, without having called it, if the path is too long for one.
    ///
    /// The address is valid in `body` only.
    package static func with<Value>(
        path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let octets = Array(path.utf8)
        let fits = unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
            // One octet is left for the NUL at the end.
            guard octets.count < field.count else { return false }
            unsafe field.copyBytes(from: octets)
            return true
        }
        guard fits else { return nil }
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
