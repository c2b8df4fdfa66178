// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Whether two octet strings are equal, in a time that tells nothing but their lengths.
///
/// For every comparison with a secret: keys, proofs, tokens.
package func constantTimeEquals(_ first: [UInt8], _ second: [UInt8]) -> Bool {
    guard first.count == second.count else { return false }
    return unsafe first.withUnsafeBytes { first in
        unsafe second.withUnsafeBytes { second in
            // Both are read for `first.count` octets, which is what both have.
            unsafe CRYPTO_memcmp(first.baseAddress, second.baseAddress, first.count) == 0
        }
    }
}
