// SPDX-License-Identifier: Apache-2.0

import Glibc
import MailMessage
import MailStorage
import Synchronization

/// Keeps other processes off a store for as long as it lives: a lock on a file beside the store's.
///
/// SQLite's own locks would let a second process write, and checkpoint, which SQLite before 3.51.3 does not survive
/// (WAL-reset bug). The kernel gives the lock back when the process ends, however it ends.
final class StoreLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Throws ``StoreError/inUse`` if another has it.
    init(path: String) throws {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreFileError(call: "open", path: path, errorNumber: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let errorNumber = errno
            close(descriptor)
            if errorNumber == EWOULDBLOCK { throw StoreError.inUse }
            throw StoreFileError(call: "flock", path: path, errorNumber: errorNumber)
        }
        self.descriptor = Mutex(descriptor)
    }

    deinit { self.release() }

    func release() {
        self.descriptor.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }
}

/// The store's file, its folder or its lock could not be made.
package struct StoreFileError: Error, CustomStringConvertible {
    let call: String
    let path: String
    let errorNumber: Int32

    package var description: String {
        let reason = unsafe strerror(self.errorNumber).map { unsafe String(cString: $0) } ?? "error \(self.errorNumber)"
        return "\(self.call) \(self.path): \(reason)"
    }
}

/// What else the store needs of the C library.
enum StoreFile {
    /// The machine's: the standard library has none.
    @Sendable static func timeOfDay() -> UnixTime { UnixTime(rawValue: Int64(time(nil))) }

    /// Makes the folder (for its owner only) and an empty file (for its owner only) where there are none.
    ///
    /// SQLite gives the files that it makes beside it the same permissions.
    static func prepare(path: String) throws {
        if let slash = path.lastIndex(of: "/"), slash != path.startIndex {
            let folder = String(path[..<slash])
            if unsafe mkdir(folder, 0o700) != 0, errno != EEXIST {
                throw StoreFileError(call: "mkdir", path: folder, errorNumber: errno)
            }
        }
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreFileError(call: "open", path: path, errorNumber: errno) }
        close(descriptor)
    }
}
