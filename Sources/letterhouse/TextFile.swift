// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Small files: settings, passwords, certificates.
enum TextFile {
    /// Why a file could not be read or written.
    struct Failure: Error, CustomStringConvertible {
        let path: String
        let code: CInt
        var description: String { "\(self.path): \(Self.text(self.code))" }

        private static func text(_ code: CInt) -> String {
            unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        }
    }

    private static let sizeLimit = 1 << 20

    /// The text of a file of at most 1 MiB.
    static func read(_ path: String) throws(Failure) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(path: path, code: errno) }
        defer { close(descriptor) }
        var octets: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while octets.count <= Self.sizeLimit {
            let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(path: path, code: errno)
            }
            if count == 0 { return String(decoding: octets, as: UTF8.self) }
            octets += buffer[..<count]
        }
        throw Failure(path: path, code: EFBIG)
    }

    /// Writes a new file that only its owner can read, or replaces one, in one step.
    static func write(_ octets: [UInt8], to path: String) throws(Failure) {
        let temporary = "\(path).new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(path: temporary, code: errno) }
        defer { close(descriptor) }
        var written = 0
        while written < octets.count {
            let count = unsafe octets.withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), octets.count - written)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(path: temporary, code: errno)
            }
            written += count
        }
        guard fsync(descriptor) == 0, unsafe rename(temporary, path) == 0 else {
            throw Failure(path: path, code: errno)
        }
    }
}
