// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// HMAC (RFC 2104) with SHA-256.
package enum HMACSHA256 {
    /// The code, 32 octets, for a message under a key of any length.
    package static func authenticationCode(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        unsafe SHA256.digest { buffer in
            unsafe message.withUnsafeBufferPointer { message in
                unsafe key.withUnsafeBufferPointer { key in
                    // OpenSSL takes a null key for "the key of before", and an empty array may have no address.
                    var empty: UInt8 = 0
                    return unsafe withUnsafePointer(to: &empty) { empty in
                        let address = unsafe key.baseAddress ?? empty
                        let done = unsafe HMAC(
                            SHA256.algorithm.pointer,
                            address,
                            Int32(clamping: key.count),
                            message.baseAddress,
                            message.count,
                            buffer,
                            nil
                        )
                        return unsafe done == nil ? 0 : 1
                    }
                }
            }
        }
    }
}
