// SPDX-License-Identifier: Apache-2.0

import CSystemd
import Glibc

/// The listening sockets that systemd opened for this process (sd_listen_fds(3), systemd.socket(5)).
///
/// A socket unit names its sockets with `FileDescriptorName=`; several may share a name, as those of IPv4 and IPv6 do.
package struct ActivatedSockets: Sendable, Equatable {
    /// The names a socket unit may use.
    package static let knownNames: Set<String> = [
        "imap", "imaps", "smtp", "submission", "submissions", "lmtp", "http",
    ]

    /// Descriptors of listening stream sockets, by name, in the order they were passed; empty without activation.
    package let byName: [String: [CInt]]

    /// Takes what was passed to this process, and removes it from the environment so that children do not take it too.
    ///
    /// To be called once, before other threads exist: it changes the environment.
    ///
    /// - Throws: ``ListeningSocketError`` if the environment cannot be understood, a name is unknown or a descriptor is
    ///   not a listening stream socket.
    package static func inherited() throws(ListeningSocketError) -> ActivatedSockets {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = unsafe sd_listen_fds_with_names(1, &names)
        guard count >= 0 else {
            throw ListeningSocketError("the sockets passed by the service manager cannot be used", code: -count)
        }
        var passed: [(name: String, descriptor: CInt)] = []
        for index in 0..<Int(count) {
            let text = unsafe names?[index]
            let name = unsafe text.map { unsafe String(cString: $0) } ?? ""
            unsafe free(text)
            // SD_LISTEN_FDS_START is a macro with a cast of its own.
            passed.append((name, 3 + CInt(index)))
        }
        unsafe free(names)
        return try ActivatedSockets(passed)
    }

    /// Sorts descriptors by name and checks each of them.
    ///
    /// - Throws: ``ListeningSocketError`` as ``inherited()``.
    init(_ passed: [(name: String, descriptor: CInt)]) throws(ListeningSocketError) {
        var byName: [String: [CInt]] = [:]
        for (name, descriptor) in passed {
            guard Self.knownNames.contains(name) else {
                let known = Self.knownNames.sorted().joined(separator: ", ")
                throw ListeningSocketError("descriptor \(descriptor) must be named one of: \(known)")
            }
            // Any address family: a Unix socket is as good.
            let verdict = sd_is_socket(descriptor, 0, CInt(SOCK_STREAM.rawValue), 1)
            guard verdict > 0 else {
                throw ListeningSocketError(
                    "descriptor \(descriptor) (\(name)) is not a listening stream socket",
                    code: verdict < 0 ? -verdict : nil
                )
            }
            byName[name, default: []].append(descriptor)
        }
        self.byName = byName
    }
}
