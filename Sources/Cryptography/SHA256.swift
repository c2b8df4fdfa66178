// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// A running SHA-256 (FIPS 180-4) over octets that come in parts.
///
/// It has one owner and may move between threads with it. After ``finalize()`` it is as new and may be used again.
package struct SHA256: ~Copyable, Sendable {
    /// The length of a digest, in octets.
    package static let digestLength = 32

    /// The `EVP_MD_CTX`, which this value owns.
    private let context: SharedAddress

    /// Begins with no octets.
    package init() {
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("memory is exhausted") }
        self.context = unsafe SharedAddress(context)
        self.begin()
    }

    deinit {
        unsafe EVP_MD_CTX_free(self.context.pointer)
    }

    /// Adds octets.
    package mutating func update(_ octets: [UInt8]) {
        unsafe octets.withUnsafeBytes { unsafe self.update($0) }
    }

    /// Adds octets.
    package mutating func update(_ octets: ArraySlice<UInt8>) {
        unsafe octets.withUnsafeBytes { unsafe self.update($0) }
    }

    /// Adds octets.
    package mutating func update(_ octets: Span<UInt8>) {
        unsafe octets.withUnsafeBytes { unsafe self.update($0) }
    }

    /// Adds octets.
    @unsafe package mutating func update(_ octets: UnsafeRawBufferPointer) {
        let done = unsafe EVP_DigestUpdate(self.context.pointer, octets.baseAddress, octets.count)
        precondition(done == 1, "OpenSSL cannot compute SHA-256")
    }

    /// The digest of everything added, 32 octets; begins anew.
    package mutating func finalize() -> [UInt8] {
        let digest = unsafe SHA256.digest { buffer in
            unsafe EVP_DigestFinal_ex(self.context.pointer, buffer, nil)
        }
        self.begin()
        return digest
    }

    /// The digest of octets that are all there, 32 octets.
    package static func hash(_ octets: [UInt8]) -> [UInt8] {
        Self.hash(octets[...])
    }

    /// The digest of octets that are all there, 32 octets.
    package static func hash(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        unsafe Self.digest { buffer in
            unsafe octets.withUnsafeBytes { input in
                unsafe EVP_Digest(input.baseAddress, input.count, buffer, nil, Self.algorithm.pointer, nil)
            }
        }
    }

    /// The algorithm, looked up once: the lookup costs more than a short hash.
    static let algorithm: SharedAddress = {
        guard let algorithm = unsafe EVP_MD_fetch(nil, "SHA256", nil) else {
            preconditionFailure("OpenSSL has no SHA-256: its installation is broken")
        }
        return unsafe SharedAddress(algorithm)
    }()

    /// Makes an array of 32 octets that `fill` writes; `fill` returns 1 on success, as OpenSSL does.
    ///
    /// OpenSSL fails here only when memory is exhausted or its installation broken. A wrong digest would name the wrong
    /// blob, so there is no going on.
    static func digest(_ fill: (UnsafeMutablePointer<UInt8>?) -> Int32) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: Self.digestLength) { buffer, count in
            precondition(unsafe fill(buffer.baseAddress) == 1, "OpenSSL cannot compute SHA-256")
            count = Self.digestLength
        }
    }

    private func begin() {
        let begun = unsafe EVP_DigestInit_ex(self.context.pointer, Self.algorithm.pointer, nil)
        precondition(begun == 1, "OpenSSL cannot compute SHA-256")
    }
}
