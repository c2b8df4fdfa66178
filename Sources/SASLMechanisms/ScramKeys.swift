// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The keys that SCRAM derives from a password (RFC 5802 §3).
struct ScramKeys {
    let clientKey: [UInt8]
    let serverKey: [UInt8]

    /// `H(ClientKey)`.
    var storedKey: [UInt8] { SHA256.hash(self.clientKey) }

    /// Derives them, slowly.
    init(password: Password, salt: [UInt8], iterations: Int) {
        let salted = PBKDF2.sha256(password: password.octets, salt: salt, iterations: iterations)
        self.clientKey = HMACSHA256.authenticationCode(for: Array("Client Key".utf8), key: salted)
        self.serverKey = HMACSHA256.authenticationCode(for: Array("Server Key".utf8), key: salted)
    }

    /// `XOR` of two octet strings of the same length.
    static func exclusiveOr(_ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
        zip(first, second).map { $0 ^ $1 }
    }
}
