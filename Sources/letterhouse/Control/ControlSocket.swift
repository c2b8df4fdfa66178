// SPDX-License-Identifier: Apache-2.0

import Glibc
import MailNetwork

/// The Unix socket at which a running server takes operators' commands.
///
/// Only its owner can connect: the socket's own permissions say so, and those of the folder it is in.
enum ControlSocket {
    private static let backlog: CInt = 16

    /// Opens the listening socket; whoever holds the lock of the store may replace one that is left over.
    static func listen(_ path: String) throws(OperatorError) -> CInt {
        let descriptor = try Self.open(SOCK_NONBLOCK.rawValue)
        // Linux makes the socket's file with the mode of the descriptor, so that there is no moment in between.
        guard fchmod(descriptor, 0o600) == 0, unsafe unlink(path) == 0 || errno == ENOENT,
            unsafe try Self.withAddress(path, { unsafe bind(descriptor, $0, $1) }) == 0,
            Glibc.listen(descriptor, Self.backlog) == 0
        else {
            let failure = TextFile.Failure(path: path, code: errno)
            close(descriptor)
            throw OperatorError("\(failure)", .cannotCreate)
        }
        return descriptor
    }

    /// Connects; nil if nobody listens there.
    static func connect(_ path: String) throws(OperatorError) -> CInt? {
        let descriptor = try Self.open(0)
        while unsafe try Self.withAddress(path, { unsafe Glibc.connect(descriptor, $0, $1) }) != 0 {
            if errno == EINTR { continue }
            let failure = TextFile.Failure(path: path, code: errno)
            close(descriptor)
            if failure.code == ENOENT || failure.code == ECONNREFUSED { return nil }
            throw OperatorError("\(failure)", .unavailable)
        }
        return descriptor
    }

    private static func open(_ options: UInt32) throws(OperatorError) -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | options), 0)
        guard descriptor >= 0 else { throw OperatorError("there is no socket to be had", .tryAgain) }
        return descriptor
    }

    private static func withAddress(
        _ path: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(OperatorError) -> CInt {
        guard let result = unsafe UnixAddress.with(path: path, body) else {
            throw OperatorError("\(path): expected a shorter path for the data folder", .settings)
        }
        return result
    }
}
