// SPDX-License-Identifier: Apache-2.0

import CSystemd  // Its header brings <sys/socket.h>, whose enumerators Swift finds only with it.
import Glibc

extension ListeningSocket {
    /// Opens a listening Unix socket to which everybody on this machine may connect.
    ///
    /// One that is left over at the path is replaced; what is no socket is not.
    ///
    /// - Returns: a descriptor that the caller owns; the file stays when it is closed.
    /// - Throws: ``ListeningSocketError``.
    package static func bind(path: String) throws(ListeningSocketError) -> CInt {
        var status = stat()
        if unsafe lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK else {
                throw ListeningSocketError("\(path) is there, and is no socket")
            }
            unsafe unlink(path)
        }
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw ListeningSocketError("no socket can be opened for \(path)", code: errno) }
        let bound = unsafe UnixAddress.with(path: path) { unsafe Glibc.bind(descriptor, $0, $1) }
        guard let bound else {
            Glibc.close(descriptor)
            throw ListeningSocketError("\(path) is too long for a socket")
        }
        guard bound == 0, unsafe chmod(path, 0o666) == 0, listen(descriptor, Self.backlog) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw ListeningSocketError("\(path) cannot be listened on", code: code)
        }
        return descriptor
    }
}
