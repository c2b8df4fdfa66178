// SPDX-License-Identifier: Apache-2.0

import SASLMechanisms

/// A host that takes all our mail, whoever it is for.
package struct Smarthost: Sendable {
    package enum Security: Sendable, Hashable {
        /// TLS from the first octet; the certificate must be good for the host's name.
        case implicit
        /// STARTTLS; the certificate must be good for the host's name.
        case startTLS
        /// STARTTLS if offered, whatever the certificate. A login is sent over TLS only.
        case opportunistic
        /// Clear text, also for a login: for tests.
        case none
    }

    package struct Login: Sendable {
        package var user: String
        /// Asked for at each attempt; what it throws defers the message.
        package var password: @Sendable () async throws -> Password

        package init(user: String, password: @escaping @Sendable () async throws -> Password) {
            self.user = user
            self.password = password
        }
    }

    /// A name or a numeric address.
    package var host: String
    package var port: Int
    package var security: Security
    package var login: Login?

    package init(host: String, port: Int, security: Security, login: Login? = nil) {
        self.host = host
        self.port = port
        self.security = security
        self.login = login
    }
}
