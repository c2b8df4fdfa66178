// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// What OpenSSL reads or writes as if it were a file.
enum MemoryBIO {
    /// A BIO that reads `octets`, of which it holds a copy; nil when memory is exhausted.
    ///
    /// One on Swift's array would outlive the array's pointer. The caller frees it.
    static func holding(_ octets: [UInt8]) -> OpaquePointer? {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { return nil }
        let written = unsafe octets.withUnsafeBytes {
            unsafe BIO_write(bio, $0.baseAddress, Int32(clamping: $0.count))
        }
        guard written == octets.count else {
            unsafe BIO_free(bio)
            return nil
        }
        return unsafe bio
    }

    /// What `write` writes; it returns 1 on success, as OpenSSL does.
    static func text(_ write: (OpaquePointer) -> Int32) throws(OpenSSLError) -> [UInt8] {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw OpenSSLError(takingReasonsFor: "write PEM") }
        defer { unsafe BIO_free(bio) }
        guard unsafe write(bio) == 1 else { throw OpenSSLError(takingReasonsFor: "write PEM") }
        var start: UnsafeMutablePointer<CChar>?
        let count = unsafe shim_BIO_get_mem_data(bio, &start)
        // The array copies the octets while the BIO still holds them.
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }
}
