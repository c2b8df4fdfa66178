// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// A resolver that asks the name servers that the system uses at this moment.
///
/// `/etc/resolv.conf` may come after us at boot, and changes with the network; a ``DNSResolver`` reads it once.
package final class SystemResolver: Sendable {
    /// What tells one version of the file from another.
    private struct Version: Equatable {
        let inode: UInt64
        let size: Int64
        let seconds: Int64
        let nanoseconds: Int64
    }

    private struct State {
        var resolver: DNSResolver
        var version: Version
    }

    private let path: String
    private let state = Mutex<State?>(nil)

    /// Makes a resolver for a file in the format of `/etc/resolv.conf`, which need not be there yet.
    package init(path: String = "/etc/resolv.conf") {
        self.path = path
    }

    /// The resolver for the file as it is now, with its cache unless the file has changed.
    ///
    /// - Throws: ``ResolutionError/temporaryFailure(reason:)`` while there is no such file, or none that can be used.
    package func current() throws(ResolutionError) -> DNSResolver {
        let version = try self.version()
        return try self.state.withLock { (state) throws(ResolutionError) -> DNSResolver in
            if let state, state.version == version { return state.resolver }
            do throws(ResolverSettings.Fault) {
                var settings = ResolverSettings(upstream: .resolvConf(self.path))
                settings.toleratesUnsignedUpstream = true
                let resolver = try DNSResolver(settings)
                state = State(resolver: resolver, version: version)
                return resolver
            } catch {
                throw .temporaryFailure(reason: error.description)
            }
        }
    }

    private func version() throws(ResolutionError) -> Version {
        var status = stat()
        guard unsafe stat(self.path, &status) == 0 else {
            throw .temporaryFailure(reason: unsafe "\(self.path): \(String(cString: strerror(errno)))")
        }
        return Version(
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            seconds: Int64(status.st_mtim.tv_sec),
            nanoseconds: Int64(status.st_mtim.tv_nsec)
        )
    }
}
