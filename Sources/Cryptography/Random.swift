// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Random octets fit for keys, salts, nonces and tokens.
package enum Random {
    /// Makes random octets.
    ///
    /// - Parameter count: how many; at least 0.
    /// - Returns: the octets.
    /// - Throws: ``OpenSSLError`` when the system has no entropy to give. There is no weaker substitute.
    package static func octets(_ count: Int) throws(OpenSSLError) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: count)
        let done = unsafe octets.withUnsafeMutableBufferPointer { buffer in
            unsafe RAND_bytes(buffer.baseAddress, Int32(clamping: buffer.count))
        }
        guard done == 1, count <= Int(Int32.max) else {
            throw OpenSSLError(takingReasonsFor: "make random octets")
        }
        return octets
    }
}
