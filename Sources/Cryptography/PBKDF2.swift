// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// PBKDF2 (RFC 8018 §5.2) with HMAC-SHA-256: the `Hi()` of SCRAM (RFC 5802 §2.2).
package enum PBKDF2 {
    /// Derives a key of 32 octets from a password, slowly by intent: never on an event loop.
    ///
    /// - Parameters:
    ///   - password: octets of any length.
    ///   - salt: octets of any length.
    ///   - iterations: at least 1; time is proportional.
    /// - Returns: the key.
    package static func sha256(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        precondition(iterations > 0 && iterations <= Int(Int32.max), "iterations are out of range")
        return unsafe SHA256.digest { buffer in
            unsafe password.withUnsafeBytes { password in
                unsafe salt.withUnsafeBufferPointer { salt in
                    unsafe PKCS5_PBKDF2_HMAC(
                        password.baseAddress?.assumingMemoryBound(to: CChar.self),
                        Int32(clamping: password.count),
                        salt.baseAddress,
                        Int32(clamping: salt.count),
                        Int32(clamping: iterations),
                        SHA256.algorithm.pointer,
                        Int32(SHA256.digestLength),
                        buffer
                    )
                }
            }
        }
    }
}
