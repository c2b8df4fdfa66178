// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailStorage

/// Who may use a bridged connection, besides knowing its ID.
struct SessionLock: Sendable {
    /// Who uses a connection, or wants to.
    struct Caller: Sendable {
        /// The counting key of the address.
        let address: [UInt8]
        /// What the request has as `Bridge-Key`.
        var key: String?
        /// Who has logged in to HTTP; nil where nobody has to.
        var principal: AccountID?
        /// Which server elsewhere it is about; nil: this one.
        var target: String?
    }

    /// The digest of the key that was given out; nil: none is needed.
    private let keyDigest: [UInt8]?
    private let principal: AccountID?
    private let target: String?

    init(key: String? = nil, principal: AccountID? = nil, target: String? = nil) {
        self.keyDigest = key.map { SHA256.hash(Array($0.utf8)) }
        self.principal = principal
        self.target = target
    }

    func opens(to caller: Caller) -> Bool {
        guard self.principal == caller.principal, self.target == caller.target else { return false }
        guard let digest = self.keyDigest else { return true }
        return constantTimeEquals(digest, SHA256.hash(Array((caller.key ?? "").utf8)))
    }

    /// A key that nobody can guess: 128 random bits.
    static func randomKey() throws -> String { Hexadecimal.encode(try Random.octets(16)) }
}
