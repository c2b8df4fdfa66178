// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// Verifiers for users who do not exist, so that nobody can find out who does.
///
/// An unknown user gets a salt that looks like any other and stays the same as long as the key does, and a check that
/// takes as long as a real one and always fails.
struct UnknownUser: Sendable {
    private let key: [UInt8]

    /// Takes a secret key; whoever knows it can tell imitations from real verifiers.
    init(key: [UInt8]) {
        self.key = key
    }

    /// The imitation for a name.
    ///
    /// Letter case makes no difference, as it makes none for addresses.
    func verifier(for user: String) -> PasswordVerifier {
        let name = Array(user.lowercased().utf8)
        func derive(_ purpose: String) -> [UInt8] {
            HMACSHA256.authenticationCode(for: Array(purpose.utf8) + [0] + name, key: self.key)
        }
        return PasswordVerifier(
            iterations: PasswordVerifier.defaultIterations,
            salt: Array(derive("salt").prefix(PasswordVerifier.saltLength)),
            storedKey: derive("stored key"),
            serverKey: derive("server key")
        )
    }
}
