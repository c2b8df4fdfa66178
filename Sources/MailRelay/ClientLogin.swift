// SPDX-License-Identifier: Apache-2.0

import SASLMechanisms

/// Who we are at the smarthost.
struct ClientLogin: Sendable {
    let user: String
    let password: Password

    /// An exchange of the best mechanism offered (names in upper case): one that hides the password if there is one.
    ///
    /// Nil if none is known here. Throws without entropy.
    func exchange(for offered: Set<String>) throws -> (any SASLClientExchange)? {
        if offered.contains("SCRAM-SHA-256") {
            return try ScramSHA256Client(user: self.user, password: self.password)
        }
        if offered.contains("PLAIN") { return PlainClient(user: self.user, password: self.password) }
        if offered.contains("LOGIN") { return LoginClient(user: self.user, password: self.password) }
        return nil
    }
}
