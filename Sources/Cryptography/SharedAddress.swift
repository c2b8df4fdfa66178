// SPDX-License-Identifier: Apache-2.0

/// The address of a C object that may be used from any thread.
///
/// Swift's pointers are never `Sendable`, for it cannot know what they point to. This type is for the two cases that
/// are safe by OpenSSL's own rules: an object that counts its references atomically and is no longer changed
/// (`SSL_CTX`, `EVP_MD`), and an object with exactly one owner, itself a value that cannot be copied (``SHA256``). It
/// owns nothing: whoever made the object frees it.
struct SharedAddress: Sendable {
    private let bits: UInt

    /// Remembers an address.
    init(_ pointer: OpaquePointer) {
        self.bits = UInt(bitPattern: pointer)
    }

    /// The pointer again; never nil, but optional as C's parameters are.
    var pointer: OpaquePointer? { unsafe OpaquePointer(bitPattern: self.bits) }
}
