// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// What is stored instead of a password, in the form of SCRAM-SHA-256 (RFC 5802 §3, RFC 7677).
///
/// It serves every mechanism: SCRAM exchanges need exactly these values, and a password sent in clear can be checked
/// against them. Whoever steals it must still guess the password, at the cost of its iterations for each guess.
package struct PasswordVerifier: Sendable, Equatable {
    /// Iterations of new verifiers: twice the 15,000 that RFC 7677 §4 counted, ten to thirty milliseconds on a server,
    /// and still bearable for a telephone that speaks SCRAM.
    package static let defaultIterations = 30_000
    /// Iterations a stored verifier may have: RFC 7677 §4's minimum, and what would occupy a processor for seconds.
    package static let iterationRange = 4_096...10_000_000
    /// Octets of salt in new verifiers.
    package static let saltLength = 16

    let iterations: Int
    let salt: [UInt8]
    let storedKey: [UInt8]
    let serverKey: [UInt8]

    /// Computes a verifier, in the time of a check: run it by ``PasswordWork``.
    ///
    /// - Parameters:
    ///   - password: what the user will have to know.
    ///   - salt: random octets, never used before.
    ///   - iterations: within ``iterationRange``.
    package init(password: Password, salt: [UInt8], iterations: Int = Self.defaultIterations) {
        precondition(Self.iterationRange.contains(iterations), "iterations are out of range")
        let keys = ScramKeys(password: password, salt: salt, iterations: iterations)
        self.init(iterations: iterations, salt: salt, storedKey: keys.storedKey, serverKey: keys.serverKey)
    }

    /// Computes a verifier with fresh salt, in the time of a check: run it by ``PasswordWork``.
    ///
    /// - Throws: `OpenSSLError` if there is no entropy.
    package init(password: Password) throws {
        self.init(password: password, salt: try Random.octets(Self.saltLength))
    }

    init(iterations: Int, salt: [UInt8], storedKey: [UInt8], serverKey: [UInt8]) {
        self.iterations = iterations
        self.salt = salt
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Whether this is the password.
    ///
    /// Takes milliseconds, the same for right and wrong: run it by ``PasswordWork``.
    package func verify(_ password: Password) -> Bool {
        let keys = ScramKeys(password: password, salt: self.salt, iterations: self.iterations)
        return constantTimeEquals(keys.storedKey, self.storedKey)
    }
}

extension PasswordVerifier {
    private static let scheme = "SCRAM-SHA-256"

    /// The verifier as it is stored, in PostgreSQL's form.
    ///
    ///     SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>     ; binary values in base64
    package var text: String {
        func base64(_ octets: [UInt8]) -> String { String(decoding: Base64.encode(octets), as: UTF8.self) }
        return "\(Self.scheme)$\(self.iterations):\(base64(self.salt))"
            + "$\(base64(self.storedKey)):\(base64(self.serverKey))"
    }

    /// Reads a stored verifier, strictly; nil if it is none, or has iterations out of ``iterationRange``.
    package init?(parsing text: String) {
        let fields = Array(text.utf8).split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0].elementsEqual(Self.scheme.utf8) else { return nil }
        let first = fields[1].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let keys = fields[2].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard
            first.count == 2, keys.count == 2,
            let iterations = ScramMessage.positiveNumber(first[0]), Self.iterationRange.contains(iterations),
            let salt = Base64.decode(first[1]), !salt.isEmpty,
            let storedKey = Base64.decode(keys[0]), storedKey.count == SHA256.digestLength,
            let serverKey = Base64.decode(keys[1]), serverKey.count == SHA256.digestLength
        else { return nil }
        self.init(iterations: iterations, salt: salt, storedKey: storedKey, serverKey: serverKey)
    }
}

extension PasswordVerifier: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The scheme only: what it holds is worth guessing at.
    package var description: String { "\(Self.scheme)$(masked)" }
    package var debugDescription: String { self.description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
