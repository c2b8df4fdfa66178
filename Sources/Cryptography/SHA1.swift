// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// SHA-1 (FIPS 180-4), where a protocol asks for it and nothing depends on its strength: the handshake of WebSocket.
package enum SHA1 {
    /// The length of a digest, in octets.
    package static let digestLength = 20

    /// The digest of octets that are all there, 20 octets; nil if this machine's policy forbids SHA-1.
    package static func hash(_ octets: [UInt8]) -> [UInt8]? {
        guard let algorithm = unsafe EVP_MD_fetch(nil, "SHA1", nil) else { return nil }
        defer { unsafe EVP_MD_free(algorithm) }
        var isDone = false
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: Self.digestLength) { buffer, count in
            isDone = unsafe octets.withUnsafeBytes { input in
                unsafe EVP_Digest(input.baseAddress, input.count, buffer.baseAddress, nil, algorithm, nil) == 1
            }
            count = isDone ? Self.digestLength : 0
        }
        return isDone ? digest : nil
    }
}
